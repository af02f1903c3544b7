#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "route/route_table.h"

namespace vallum::route {
namespace {

constexpr int kRoutes = 10'000;

RouteSpec spec(std::string from, std::string prefix) {
  return {.from = std::move(from), .prefix = std::move(prefix), .path = ""};
}

// Looks up a different one of `requests` each time, so that the caches see the whole table.
void look_up(benchmark::State& state,
             const std::vector<RouteSpec>& specs,
             const std::vector<RouteSpec>& requests) {
  const auto table = RouteTable::build(specs, {});
  std::vector<http::Authority> hosts;
  for (const RouteSpec& request : requests) {
    hosts.push_back(http::Authority::parse(request.from).value());
  }
  std::size_t at = 0;
  for (auto _ : state) {
    at = (at + 7919) % requests.size();
    benchmark::DoNotOptimize(table->find(hosts[at], requests[at].prefix, http::Method::Get));
  }
}

std::string numbered(std::string_view text, int number) {
  return std::string(text) + std::to_string(number);
}

void many_hosts(benchmark::State& state) {
  std::vector<RouteSpec> specs;
  std::vector<RouteSpec> requests;
  for (int i = 0; i < kRoutes; ++i) {
    specs.push_back(spec(numbered("https://app", i) + ".example.com", ""));
    requests.push_back(spec(numbered("app", i) + ".example.com", "/reports/2024"));
  }
  look_up(state, specs, requests);
}
BENCHMARK(many_hosts);

void many_prefixes_of_one_host(benchmark::State& state) {
  std::vector<RouteSpec> specs;
  std::vector<RouteSpec> requests;
  for (int i = 0; i < kRoutes; ++i) {
    specs.push_back(spec("https://app.example.com", numbered("/service/", i)));
    requests.push_back(spec("app.example.com", numbered("/service/", i) + "/reports/2024"));
  }
  look_up(state, specs, requests);
}
BENCHMARK(many_prefixes_of_one_host);

void many_wildcards(benchmark::State& state) {
  std::vector<RouteSpec> specs;
  std::vector<RouteSpec> requests;
  for (int i = 0; i < kRoutes; ++i) {
    specs.push_back(spec(numbered("https://*.tenant", i) + ".example.com", ""));
    requests.push_back(spec(numbered("app.tenant", i) + ".example.com", "/reports/2024"));
  }
  look_up(state, specs, requests);
}
BENCHMARK(many_wildcards);

}  // namespace
}  // namespace vallum::route
