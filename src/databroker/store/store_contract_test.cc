// What every backend must do. A new backend is one more line at the end.
#include "support/databroker/store_contract.h"

#include <memory>

#include <gtest/gtest.h>

#include "base/secret.h"
#include "databroker/store/memory_store.h"
#include "databroker/store/postgres_store.h"
#include "databroker/store/sqlite_store.h"
#include "support/captured_lines.h"
#include "support/postgres/server.h"
#include "support/temp_directory.h"

namespace vallum::databroker::contract {
namespace {

class MemoryBackend final : public Backend {
 public:
  std::unique_ptr<Store> open(Entropy& entropy) override {
    return std::make_unique<MemoryStore>(entropy);
  }
};

class SqliteBackend final : public Backend {
 public:
  std::unique_ptr<Store> open(Entropy& entropy) override {
    auto store = SqliteStore::open(
        {.directory = directory_.path()}, crypto::KeyEncryptionKeys::derive(secret_), entropy);
    EXPECT_TRUE(store.has_value()) << store.error().message();
    return *std::move(store);
  }

 private:
  testing::TempDirectory directory_;
  Secret secret_{std::string_view("0123456789abcdef0123456789abcdef")};
};

class PostgresBackend final : public Backend {
 public:
  std::unique_ptr<Store> open(Entropy& entropy) override {
    testing::PostgresServer& server = testing::PostgresServer::shared();
    const Secret address(server.by_socket(server.create_database()));
    auto store = PostgresStore::open({.address = address,
                                      .keys = keys_,
                                      .clock = clock_,
                                      .entropy = entropy,
                                      .log = log_,
                                      .lease_time = PostgresStore::LeaseTime::Caller});
    EXPECT_TRUE(store.has_value()) << store.error().message();
    return *std::move(store);
  }

 private:
  crypto::KeyEncryptionKeys keys_ = crypto::KeyEncryptionKeys::derive(
      Secret(std::string_view("0123456789abcdef0123456789abcdef")));
  testing::VirtualClock clock_;
  testing::CapturedLines lines_;
  telemetry::LogFilter filter_{telemetry::LogLevel::Info};
  telemetry::Log log_{lines_, clock_, filter_, "databroker"};
};

INSTANTIATE_TEST_SUITE_P(
    Backends,
    StoreContractTest,
    ::testing::Values(
        BackendKind{"memory", [] { return std::unique_ptr<Backend>(new MemoryBackend); }},
        BackendKind{"sqlite", [] { return std::unique_ptr<Backend>(new SqliteBackend); }},
        BackendKind{"postgres", [] { return std::unique_ptr<Backend>(new PostgresBackend); }}),
    [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace vallum::databroker::contract
