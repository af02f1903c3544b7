// That records which another process keeps are records like any other.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "async/snapshot.h"
#include "databroker/rpc/remote_store.h"
#include "databroker/store/memory_store.h"
#include "support/databroker/store_contract.h"
#include "support/record_service.h"
#include "support/virtual_clock.h"

namespace vallum::databroker::contract {
namespace {

// Sockets and timers live in real time; civil time, by which leases end and records are dated,
// stands where the tests have it. Any thread.
class CivilClock final : public Clock {
 public:
  Instant now() const override { return real_.now(); }
  WallTime wall() const override { return *wall_.load(); }
  void advance(Duration duration) {
    wall_.store(async::make_snapshot<WallTime>(wall() + duration));
  }

 private:
  SystemClock real_;  // NOLINT(vallum-banned): see above
  async::SnapshotCell<WallTime> wall_{
      async::make_snapshot<WallTime>(testing::VirtualClock().wall())};
};

// Forgets tombstones when a test wants it to: a databroker does so by the minute.
class PrunedStore final : public MemoryStore {
 public:
  using MemoryStore::MemoryStore;

  Result<std::vector<std::string>> types() override {
    if (const async::Snapshot<WallTime> before = wanted.exchange(nullptr)) {
      pruned.store(async::make_snapshot<std::size_t>(*MemoryStore::prune_tombstones(*before)));
    }
    return MemoryStore::types();
  }
  Result<std::size_t> prune_tombstones(WallTime /*deleted_before*/) override {
    return std::size_t{0};
  }

  // At the next types().
  async::SnapshotCell<WallTime> wanted;
  async::SnapshotCell<std::size_t> pruned;
};

class RemoteBackend final : public Backend {
 public:
  std::unique_ptr<Store> open(Entropy& entropy) override {
    auto kept = std::make_unique<PrunedStore>(entropy);
    kept_ = kept.get();
    service_.emplace(std::move(kept), testing::RecordServiceWish{.clock = clock_});
    return connect();
  }
  void advance(Duration duration) override { clock_.advance(duration); }
  Result<std::size_t> prune_tombstones(Store& store, WallTime deleted_before) override {
    kept_->wanted.store(async::make_snapshot<WallTime>(deleted_before));
    TRY_OK(store.types());
    return *kept_->pruned.load();
  }
  Store& newcomer(Store& /*store*/) override {
    newcomer_ = connect();
    return *newcomer_;
  }

 private:
  std::unique_ptr<Store> connect() {
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

  CivilClock clock_;
  SystemEntropy random_;
  PrunedStore* kept_ = nullptr;
  std::optional<testing::RecordService> service_;
  std::unique_ptr<Store> newcomer_;
};

INSTANTIATE_TEST_SUITE_P(Remote,
                         StoreContractTest,
                         ::testing::Values(BackendKind{
                             "remote", [] { return std::unique_ptr<Backend>(new RemoteBackend); }}),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace vallum::databroker::contract
