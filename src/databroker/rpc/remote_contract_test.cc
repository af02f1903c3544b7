// That records which another process keeps are records like any other.
#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "databroker/rpc/remote_store.h"
#include "databroker/store/memory_store.h"
#include "support/databroker/store_contract.h"
#include "support/record_service.h"

namespace vallum::databroker::contract {
namespace {

class RemoteBackend final : public Backend {
 public:
  std::unique_ptr<Store> open(Entropy& entropy) override {
    service_.emplace(std::make_unique<MemoryStore>(entropy));
    RecordClientOptions options;
    options.address = service_->address();
    options.shared_secret = testing::record_service_secret();
    options.service = "databroker";
    options.clear_text = true;
    std::vector<RecordClientOptions> databrokers;
    databrokers.push_back(std::move(options));
    auto store = RemoteStore::make({.databrokers = std::move(databrokers),
                                    .clock = clock_,
                                    .entropy = random_,
                                    .max_staleness = std::chrono::minutes(5)});
    CHECK(store.has_value());
    CHECK((*store)->refresh().has_value());
    return *std::move(store);
  }

 private:
  SystemClock clock_;  // NOLINT(vallum-banned): gRPC lives in real time
  SystemEntropy random_;
  std::optional<testing::RecordService> service_;
};

INSTANTIATE_TEST_SUITE_P(
    Remote,
    StoreContractTest,
    ::testing::Values(BackendKind{
        "remote", [] { return std::unique_ptr<Backend>(new RemoteBackend); }, true}),
    [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace vallum::databroker::contract
