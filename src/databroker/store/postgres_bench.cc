#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <libpq-fe.h>
#include <unistd.h>

#include "async/block_on.h"
#include "async/core.h"
#include "async/epoll_reactor.h"
#include "async/scope.h"
#include "async/sleep.h"
#include "base/entropy.h"
#include "base/secret.h"
#include "base/strings.h"
#include "base/time.h"
#include "databroker/databroker.h"
#include "databroker/store/postgres_store.h"
#include "telemetry/log.h"

// change_seen_by_another_node: how soon another node sees a change while one writes a thousand a
// second: half of them as said by p50_ms, 99 of 100 within p99_ms, for which 50 is the bound.
// Counted from when the write was due. postgres_puts: sealed records, of which 0.7 of what
// plain_libpq_puts does is the bound. postgres_look_ups: what sessions cost that no core holds.
//
//   VALLUM_BENCH_POSTGRES='postgres://vallum:...@localhost/bench' databroker_bench
//     --benchmark_filter='change_seen|postgres|libpq'
//
// with an empty database, whose disk and commit settings count.
namespace vallum::databroker {
namespace {

constexpr const char* kType = "type.example/Thing";
constexpr int kWrites = 10'000;
constexpr Duration kBetweenWrites = std::chrono::milliseconds(1);
constexpr Duration kPatience = std::chrono::seconds(30);

void require(bool is_true) {
  if (!is_true) {
    std::abort();
  }
}

class NoLines final : public telemetry::LineSink {
 public:
  void write_line(std::string_view /*line*/) override {}
};

// The core that both nodes share; each has storage threads and sessions of its own.
struct World {
  SystemClock clock;  // NOLINT(vallum-banned): a benchmark runs in real time
  SystemEntropy entropy;
  NoLines lines;
  telemetry::LogFilter filter{telemetry::LogLevel::Error};
  telemetry::Log log{lines, clock, filter, "bench"};
  std::unique_ptr<async::EpollReactor> reactor = *async::EpollReactor::create();
  async::Core core{{.reactor = *reactor, .clock = clock, .entropy = entropy}};

  std::unique_ptr<PostgresStore> open_store(const char* address) {
    const Secret where{std::string_view(address)};
    const auto keys = crypto::KeyEncryptionKeys::derive(Secret(std::string(32, 's')));
    auto store = PostgresStore::open(
        {.address = where, .keys = keys, .clock = clock, .entropy = entropy, .log = log});
    require(store.has_value());
    return *std::move(store);
  }
  std::unique_ptr<Databroker> open(const char* address) {
    return std::make_unique<Databroker>(
        Databroker::Parts{.home = core, .store = open_store(address)});
  }
};

// Rows of a commit, and the size of their values: see store_bench.cc.
constexpr std::size_t kRows = 256;
constexpr std::size_t kValueBytes = 1024;

// As long as the UUIDs of sessions, and in no order, as they are.
std::string id_of(std::size_t i) {
  std::array<char, 37> text{};
  const std::uint64_t mixed = (i + 1) * 0x9e3779b97f4a7c15U;
  std::snprintf(text.data(),
                text.size(),
                "%08llx-e760-76a0-8917-%012llx",
                static_cast<unsigned long long>(mixed >> 32U),
                static_cast<unsigned long long>(i));
  return text.data();
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

const char* database(benchmark::State& state) {
  const char* const address = std::getenv("VALLUM_BENCH_POSTGRES");
  if (address == nullptr) {
    state.SkipWithError("VALLUM_BENCH_POSTGRES names no database");
  }
  return address;
}

// What the other node was told: each value is the instant at which its write was due.
struct Seen {
  explicit Seen(World& at) : world(at), all(at.core) {}

  void note(const FeedEvent& event) {
    if (event.kind == FeedEvent::Kind::Resync) {
      ++resyncs;
      return;
    }
    const std::int64_t now = world.clock.now().time_since_epoch().count();
    for (const Record& record : event.batch->records) {
      const auto due = parse_u64(record.value.bytes);
      if (record.type == kType && due) {
        delays.emplace_back(now - static_cast<std::int64_t>(*due));
      }
    }
    if (delays.size() >= static_cast<std::size_t>(kWrites)) {
      all.set();
    }
  }
  double millis_at(double share) {
    std::ranges::sort(delays);
    const auto at = static_cast<std::size_t>(share * static_cast<double>(delays.size() - 1));
    return std::chrono::duration<double, std::milli>(delays[at]).count();
  }

  World& world;
  async::Event all;
  std::vector<Duration> delays;
  int resyncs = 0;
};

Task<void> write_one(Databroker* broker, World* world, int number, Instant due) {
  Batch batch;
  batch.push_back(
      Write::put({.type = kType, .id = "id" + std::to_string(number)},
                 {.type_url = kType, .bytes = std::to_string(due.time_since_epoch().count())}));
  const Deadline deadline = world->core.deadline_in(kPatience);
  const auto done = co_await broker->put(std::move(batch), deadline);
  require(done.has_value());
}

// An open loop: what the database holds up is due all the same.
Task<bool> write_all(Databroker* broker, World* world, Seen* seen) {
  async::Scope writes(world->core);
  Instant due = world->core.now();
  for (int i = 0; i < kWrites; ++i) {
    due += kBetweenWrites;
    co_await async::sleep_until(world->core, due);
    writes.spawn(write_one(broker, world, i, due));
  }
  const Deadline deadline = world->core.deadline_in(kPatience);
  const bool is_all = co_await seen->all.wait(deadline);
  co_await writes.drain(deadline);
  co_return is_all;
}

void change_seen_by_another_node(benchmark::State& state) {
  const char* const address = database(state);
  if (address == nullptr) {
    return;
  }
  World world;
  const auto one = world.open(address);
  const auto two = world.open(address);
  Seen seen(world);
  const auto subscription =
      two->subscribe(world.core, [&seen](const FeedEvent& event) { seen.note(event); });
  for (auto _ : state) {
    require(async::block_on(world.core, write_all(one.get(), &world, &seen)));
  }
  require(seen.resyncs == 1);
  state.counters["p50_ms"] = seen.millis_at(0.50);
  state.counters["p99_ms"] = seen.millis_at(0.99);
  state.counters["most_ms"] = seen.millis_at(1);
}
BENCHMARK(change_seen_by_another_node)->Iterations(1)->UseRealTime()->Unit(benchmark::kSecond);

// New records, each a batch of its own, as requests bring them. `written` counts them.
void put_rows(PostgresStore& store, const World& world, std::size_t& written) {
  std::vector<Batch> batches;
  for (std::size_t i = 0; i < kRows; ++i) {
    Batch batch;
    batch.push_back(Write::put({.type = kType, .id = id_of(++written)},
                               {.type_url = kType, .bytes = std::string(kValueBytes, 'x')}));
    batches.push_back(std::move(batch));
  }
  const auto done = store.commit(std::move(batches), world.clock.wall());
  require(done.has_value() && done->back().has_value());
}

void postgres_puts(benchmark::State& state) {
  const char* const address = database(state);
  if (address == nullptr) {
    return;
  }
  World world;
  const auto store = world.open_store(address);
  std::size_t written = 0;
  for (auto _ : state) {
    put_rows(*store, world, written);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(written));
  require(store->clear().has_value());
}
BENCHMARK(postgres_puts)->UseRealTime();

// Records that were not asked for before, three at a time as a session's are, by 256 that wait:
// alone, and beside a writer that never rests. `records` counts them.
Task<void> look_up(Databroker* broker,
                   World* world,
                   std::size_t first,
                   std::vector<double>* millis) {
  const Instant began = world->core.now();
  std::vector<RecordKey> keys;
  for (std::size_t i = first; i < first + 3; ++i) {
    keys.push_back({.type = kType, .id = id_of(i)});
  }
  const Deadline deadline = world->core.deadline_in(kPatience);
  const auto found = co_await broker->get_many(std::move(keys), deadline);
  require(found.has_value() && found->records.back().has_value());
  millis->push_back(std::chrono::duration<double, std::milli>(world->core.now() - began).count());
}

constexpr std::size_t kAtOnce = 256;

Task<void> look_up_every(Databroker* broker,
                         World* world,
                         std::size_t from,
                         std::size_t records,
                         std::vector<double>* millis) {
  for (std::size_t at = from; at + 3 <= records; at += 3 * kAtOnce) {
    co_await look_up(broker, world, at + 1, millis);
  }
}

Task<void> write_on(Databroker* broker, World* world, std::size_t first, const bool* is_over) {
  const Deadline deadline = world->core.deadline_in(kPatience);
  for (std::size_t i = first; !*is_over; ++i) {
    Batch batch;
    batch.push_back(Write::put({.type = kType, .id = id_of(i)},
                               {.type_url = kType, .bytes = std::string(kValueBytes, 'y')}));
    const auto done = co_await broker->put(std::move(batch), deadline);
    require(done.has_value());
  }
}

Task<bool> look_up_all(Databroker* broker,
                       World* world,
                       std::size_t records,
                       std::size_t writers,
                       std::vector<double>* millis) {
  bool is_over = false;
  async::Scope writes(world->core);
  for (std::size_t i = 0; i < writers; ++i) {
    writes.spawn(write_on(broker, world, records + (i * 1'000'000), &is_over));
  }
  const Deadline deadline = world->core.deadline_in(kPatience);
  async::Scope reads(world->core);
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    reads.spawn(look_up_every(broker, world, 3 * i, records, millis));
  }
  const std::size_t cut_off = co_await reads.drain(deadline);
  is_over = true;
  co_await writes.drain(deadline);
  co_return cut_off == 0;
}

void postgres_look_ups(benchmark::State& state) {
  constexpr std::size_t kRecords = 60'000;
  const char* const address = database(state);
  if (address == nullptr) {
    return;
  }
  World world;
  std::vector<double> millis;
  {
    const auto writer = world.open_store(address);
    std::size_t written = 0;
    while (written < kRecords) {
      put_rows(*writer, world, written);
    }
  }
  const auto broker = world.open(address);
  for (auto _ : state) {
    require(async::block_on(
        world.core,
        look_up_all(
            broker.get(), &world, kRecords, static_cast<std::size_t>(state.range(0)), &millis)));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(millis.size() * 3));
  std::ranges::sort(millis);
  state.counters["p50_ms"] = millis[millis.size() / 2];
  state.counters["p99_ms"] = millis[millis.size() * 99 / 100];
}
BENCHMARK(postgres_look_ups)
    ->ArgName("writers")
    ->Arg(0)
    ->Arg(64)
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kSecond);

// What libpq does at best for the same rows, commits and lock: all in one pipeline, one round trip.
class PlainTable {
 public:
  explicit PlainTable(const char* address) : connection_(PQconnectdb(address)) {
    require(PQstatus(connection_) == CONNECTION_OK);
    execute("DROP TABLE IF EXISTS plain_records");
    execute(
        "CREATE TABLE plain_records (version bigint PRIMARY KEY, id text NOT NULL UNIQUE,"
        " type text NOT NULL, value bytea NOT NULL)");
    PGresult* const prepared = PQprepare(
        connection_, "put", "INSERT INTO plain_records VALUES ($1, $2, $3, $4)", 4, nullptr);
    require(PQresultStatus(prepared) == PGRES_COMMAND_OK);
    PQclear(prepared);
    require(PQenterPipelineMode(connection_) == 1);
  }
  PlainTable(const PlainTable&) = delete;
  PlainTable& operator=(const PlainTable&) = delete;
  ~PlainTable() {
    PQexitPipelineMode(connection_);
    execute("DROP TABLE plain_records");
    PQfinish(connection_);
  }

  void put(std::size_t first) {
    send("BEGIN");
    send("SELECT pg_advisory_xact_lock(7)");
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::string version = std::to_string(first + i);
      const std::string id = id_of(first + i);
      const std::array<const char*, 4> values{version.c_str(), id.c_str(), kType, value_.data()};
      const std::array<int, 4> sizes{0, 0, 0, static_cast<int>(value_.size())};
      constexpr std::array<int, 4> kFormats{0, 0, 0, 1};
      require(PQsendQueryPrepared(
                  connection_, "put", 4, values.data(), sizes.data(), kFormats.data(), 1) == 1);
    }
    send("COMMIT");
    require(PQpipelineSync(connection_) == 1);
    while (!is_synced()) {
    }
  }

 private:
  void execute(const char* sql) {
    PGresult* const done = PQexec(connection_, sql);
    require(PQresultStatus(done) == PGRES_COMMAND_OK);
    PQclear(done);
  }
  void send(const char* sql) {
    require(PQsendQueryParams(connection_, sql, 0, nullptr, nullptr, nullptr, nullptr, 1) == 1);
  }
  // Takes one result; null ones end those of a command.
  bool is_synced() {
    PGresult* const result = PQgetResult(connection_);
    const ExecStatusType status = result == nullptr ? PGRES_COMMAND_OK : PQresultStatus(result);
    require(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
            status == PGRES_PIPELINE_SYNC);
    PQclear(result);
    return status == PGRES_PIPELINE_SYNC;
  }

  PGconn* connection_;
  std::string value_ = std::string(kValueBytes, 'x');
};

void plain_libpq_puts(benchmark::State& state) {
  const char* const address = database(state);
  if (address == nullptr) {
    return;
  }
  PlainTable table(address);
  std::size_t written = 0;
  for (auto _ : state) {
    table.put(written);
    written += kRows;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(written));
}
BENCHMARK(plain_libpq_puts)->UseRealTime();

// A node that starts beside others, which have written a million records.
void postgres_open_with_a_million(benchmark::State& state) {
  constexpr std::size_t kRecords = 1'000'000;
  const char* const address = database(state);
  if (address == nullptr) {
    return;
  }
  World world;
  const auto writer = world.open_store(address);
  std::size_t written = 0;
  while (written < kRecords) {
    put_rows(*writer, world, written);
  }
  for (auto _ : state) {
    const std::size_t before = resident_bytes();
    const auto store = world.open_store(address);
    state.counters["bytes_per_record"] =
        static_cast<double>(resident_bytes() - before) / static_cast<double>(written);
  }
  require(writer->clear().has_value());
}
BENCHMARK(postgres_open_with_a_million)
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vallum::databroker
