#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/entropy.h"
#include "base/secret.h"
#include "base/time.h"
#include "databroker/seal/row_seal.h"
#include "databroker/store/sqlite_store.h"

// What keeping records may cost: a record of 1 KiB sealed in at most 2 us; durable writes at least
// half as many as plain SQLite makes of rows of that size in transactions of that length; a store
// of a million sessions opened in at most 10 s.
namespace vallum::databroker {
namespace {

constexpr std::size_t kValueBytes = 1024;
constexpr std::size_t kBatches = 256;  // that one sync makes durable
constexpr const char* kType = "type.example/Thing";

void require(bool is_true) {
  if (!is_true) {
    std::abort();
  }
}

class BenchDirectory {
 public:
  BenchDirectory() {
    std::string path = std::filesystem::temp_directory_path().string() + "/vallum-bench-XXXXXX";
    require(::mkdtemp(path.data()) != nullptr);
    path_ = std::move(path);
  }
  BenchDirectory(const BenchDirectory&) = delete;
  BenchDirectory& operator=(const BenchDirectory&) = delete;
  ~BenchDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string id_of(std::size_t i) {
  return "0194f6f8-e760-76a0-8917-" + std::to_string(100'000'000'000 + i);
}

void seal_one_kib(benchmark::State& state) {
  SystemEntropy entropy;
  RowSeal seal(crypto::KeyRing::create("bench", std::nullopt, entropy), entropy);
  const Record record{.type = kType,
                      .id = id_of(1),
                      .value = {.type_url = kType, .bytes = std::string(kValueBytes, 'x')},
                      .version = 7,
                      .modified_at = {},
                      .deleted_at = {}};
  const RowPlace place = seal.place_of(record);
  for (auto _ : state) {
    benchmark::DoNotOptimize(seal.seal(place, record));
  }
}
BENCHMARK(seal_one_kib);

void open_one_kib(benchmark::State& state) {
  SystemEntropy entropy;
  RowSeal seal(crypto::KeyRing::create("bench", std::nullopt, entropy), entropy);
  const Record record{.type = kType,
                      .id = id_of(1),
                      .value = {.type_url = kType, .bytes = std::string(kValueBytes, 'x')},
                      .version = 7,
                      .modified_at = {},
                      .deleted_at = {}};
  const RowPlace place = seal.place_of(record);
  const Bytes sealed = seal.seal(place, record);
  for (auto _ : state) {
    benchmark::DoNotOptimize(seal.open(place, sealed));
  }
}
BENCHMARK(open_one_kib);

// New records from `first` on, each a batch of its own, as requests bring them.
std::vector<Batch> batches_from(std::size_t first) {
  std::vector<Batch> batches;
  for (std::size_t i = 0; i < kBatches; ++i) {
    Batch batch;
    batch.push_back(Write::put({.type = kType, .id = id_of(first + i)},
                               {.type_url = kType, .bytes = std::string(kValueBytes, 'x')}));
    batches.push_back(std::move(batch));
  }
  return batches;
}

void durable_puts(benchmark::State& state) {
  const BenchDirectory directory;
  SystemEntropy entropy;
  const auto keys = crypto::KeyEncryptionKeys::derive(Secret(std::string(32, 's')));
  auto store = SqliteStore::open({.directory = directory.path()}, keys, entropy);
  require(store.has_value());
  const SystemClock clock;  // NOLINT(vallum-banned): a benchmark runs in real time
  std::size_t first = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<Batch> batches = batches_from(first);
    first += kBatches;
    state.ResumeTiming();
    const auto done = (*store)->commit(std::move(batches), clock.wall());
    require(done.has_value() && done->back().has_value());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(first));
}
BENCHMARK(durable_puts)->UseRealTime();

void execute(sqlite3* database, const char* sql) {
  require(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
}

void plain_sqlite_puts(benchmark::State& state) {
  const BenchDirectory directory;
  sqlite3* database = nullptr;
  require(sqlite3_open((directory.path() + "/plain.db").c_str(), &database) == SQLITE_OK);
  execute(database,
          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
          "CREATE TABLE records (version INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
          "  type TEXT NOT NULL, value BLOB NOT NULL)");
  sqlite3_stmt* insert = nullptr;
  require(sqlite3_prepare_v2(database,
                             "INSERT INTO records (version, id, type, value) VALUES (?, ?, ?, ?)",
                             -1,
                             &insert,
                             nullptr) == SQLITE_OK);
  const std::string value(kValueBytes, 'x');
  std::size_t version = 0;
  for (auto _ : state) {
    execute(database, "BEGIN IMMEDIATE");
    for (std::size_t i = 0; i < kBatches; ++i) {
      ++version;
      const std::string id = id_of(version);
      sqlite3_bind_int64(insert, 1, static_cast<sqlite3_int64>(version));
      sqlite3_bind_text(insert, 2, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
      sqlite3_bind_text(insert, 3, kType, -1, SQLITE_STATIC);
      sqlite3_bind_blob(insert, 4, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
      require(sqlite3_step(insert) == SQLITE_DONE);
      sqlite3_reset(insert);
    }
    execute(database, "COMMIT");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(version));
  sqlite3_finalize(insert);
  sqlite3_close(database);
}
BENCHMARK(plain_sqlite_puts)->UseRealTime();

void open_with_a_million(benchmark::State& state) {
  constexpr std::size_t kRecords = 1'000'000;
  const BenchDirectory directory;
  SystemEntropy entropy;
  const auto keys = crypto::KeyEncryptionKeys::derive(Secret(std::string(32, 's')));
  const SystemClock clock;  // NOLINT(vallum-banned): a benchmark runs in real time
  {
    auto store = SqliteStore::open({.directory = directory.path()}, keys, entropy);
    require(store.has_value());
    for (std::size_t first = 0; first < kRecords; first += kBatches) {
      const auto done = (*store)->commit(batches_from(first), clock.wall());
      require(done.has_value());
    }
  }
  for (auto _ : state) {
    auto store = SqliteStore::open({.directory = directory.path()}, keys, entropy);
    require(store.has_value());
  }
}
BENCHMARK(open_with_a_million)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vallum::databroker
