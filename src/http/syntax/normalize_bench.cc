#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "http/syntax/normalize.h"

namespace vallum::http {
namespace {

void normalize(benchmark::State& state, std::string_view target) {
  std::string scratch;
  for (auto _ : state) {
    benchmark::DoNotOptimize(normalize_target(target, {}, scratch));
  }
}

void normal_target(benchmark::State& state) {
  normalize(state, "/reports/2024/summary?view=table&sort=desc");
}
BENCHMARK(normal_target);

void target_with_escapes(benchmark::State& state) {
  normalize(state, "/reports/2024/./%61/../summary%20of%20all?view=table&sort=desc");
}
BENCHMARK(target_with_escapes);

}  // namespace
}  // namespace vallum::http
