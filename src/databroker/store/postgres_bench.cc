#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

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

// How soon another node sees a change while one writes a thousand a second: half of them as said by
// p50_ms, 99 of 100 within p99_ms, for which 50 is the bound. Counted from when the write was due.
//
//   VALLUM_BENCH_POSTGRES='postgres://vallum:...@localhost/bench' databroker_bench
//     --benchmark_filter=change_seen_by_another_node
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

  std::unique_ptr<Databroker> open(const char* address) {
    const Secret where{std::string_view(address)};
    const auto keys = crypto::KeyEncryptionKeys::derive(Secret(std::string(32, 's')));
    auto store = PostgresStore::open(
        {.address = where, .keys = keys, .clock = clock, .entropy = entropy, .log = log});
    require(store.has_value());
    return std::make_unique<Databroker>(
        Databroker::Parts{.home = core, .store = *std::move(store)});
  }
};

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
  const char* const address = std::getenv("VALLUM_BENCH_POSTGRES");
  if (address == nullptr) {
    state.SkipWithError("VALLUM_BENCH_POSTGRES names no database");
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

}  // namespace
}  // namespace vallum::databroker
