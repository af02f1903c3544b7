// What the runtime itself costs: run with VALLUM_BENCH=ON.
#include <benchmark/benchmark.h>

#include "async/block_on.h"
#include "async/core.h"
#include "async/epoll_reactor.h"
#include "async/readiness.h"
#include "async/scope.h"
#include "async/sleep.h"
#include "base/entropy.h"
#include "base/time.h"

namespace vallum::async {
namespace {

struct BenchCore {
  SystemClock clock;  // NOLINT(vallum-banned): a benchmark measures real time
  SystemEntropy entropy;
  std::unique_ptr<EpollReactor> reactor = *EpollReactor::create();
  Core core{{.reactor = *reactor, .clock = clock, .entropy = entropy}};
};

Task<int> add_one(int n) {
  co_return n + 1;
}

Task<void> call_children(benchmark::State* state) {
  int n = 0;
  for (auto _ : *state) {
    n = co_await add_one(n);
  }
  benchmark::DoNotOptimize(n);
}

void bench_awaiting_a_child(benchmark::State& state) {
  BenchCore bench;
  block_on(bench.core, call_children(&state));
}
BENCHMARK(bench_awaiting_a_child);

Task<void> answer(Readiness* mine, Readiness* other) {
  Core* core = Core::current();
  for (;;) {
    co_await mine->wait(core->deadline_in(std::chrono::seconds(30)));
    mine->clear();
    other->set();
  }
}

Task<void> ask(Readiness* mine, Readiness* other, benchmark::State* state) {
  Core* core = Core::current();
  for (auto _ : *state) {
    other->set();
    co_await mine->wait(core->deadline_in(std::chrono::seconds(30)));
    mine->clear();
  }
}

// Two waits with deadlines, two wake-ups.
void bench_readiness_round_trip(benchmark::State& state) {
  BenchCore bench;
  Readiness ping(bench.core, false);
  Readiness pong(bench.core, false);
  Scope scope(bench.core);
  scope.spawn(answer(&ping, &pong));
  block_on(bench.core, ask(&pong, &ping, &state));
}
BENCHMARK(bench_readiness_round_trip);

Task<void> end_at_once() {
  co_return;
}

Task<void> spawn_children(benchmark::State* state) {
  Core* core = Core::current();
  Scope scope(*core);
  for (auto _ : *state) {
    scope.spawn(end_at_once());
    co_await yield(*core);
  }
}

void bench_spawning_a_child(benchmark::State& state) {
  BenchCore bench;
  block_on(bench.core, spawn_children(&state));
}
BENCHMARK(bench_spawning_a_child);

}  // namespace
}  // namespace vallum::async
