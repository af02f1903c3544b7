#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "config/environment.h"
#include "config/files.h"
#include "config/load.h"
#include "policytools/replay.h"

// What a line of a log may cost: 1 000 000 in at most 5 s on one core, so 5 us each.
namespace vallum::policytools {
namespace {

constexpr int kRoutes = 1000;

config::Settings settings() {
  std::string text = "routes:\n";
  for (int i = 0; i < kRoutes; ++i) {
    const std::string n = std::to_string(i);
    text.append(
        "  - {from: https://app" + n + ".example.com, to: http://127.0.0.1:1, policy: " +
        "{allow: {and: [{domain: {is: example.com}}, {email: {in: [a@example.com, user" + n +
        "@example.com]}}, {http_method: {in: [GET, HEAD]}}, {source_ip: 203.0.113.0/24}]}, " +
        "deny: {or: [{http_path: {starts_with: /admin/}}]}}}\n");
  }
  const config::Environment environment;
  const config::DiskFiles files;
  config::Loaded loaded = config::load_text(text,
                                            config::Format::Yaml,
                                            "c.yaml",
                                            {.environment = environment,
                                             .files = files,
                                             .now = WallTime(),
                                             .keep_written_policies = true});
  if (!loaded.settings) {
    std::abort();
  }
  return *std::move(loaded.settings);
}

// As the server writes them.
std::string line_of(int i) {
  const std::string n = std::to_string(i % kRoutes);
  return R"({"level":"info","service":"authorize","time":"2026-01-01T00:00:00.000Z",)"
         R"("message":"authorize check","request-id":"0b6f3c1e-8a59-4c4e-9a53-2f0a4f3c9d1b",)"
         R"("check-request-id":"","method":"GET","host":"app)" +
         n +
         R"(.example.com","path":"/reports/2026/03/summary%20of%20all","ip":"203.0.113.10",)"
         R"("session-id":"0194f6f8-e760-76a0-8917-e28ac927a34d","user":"google-oauth2|11523156789",)"
         R"("email":"user)" +
         std::to_string(i % 7 == 0 ? i : i % kRoutes) +
         R"(@example.com","envoy-route-id":"5f3c9d1b8a594c4e","envoy-route-checksum":)"
         R"(18446744073709551615,"route-id":"","route-checksum":18446744073709551615,)"
         R"("allow":true,"allow-why-true":["domain-ok","email-ok","http-method-ok","source-ip-ok"],)"
         R"("deny":false,"deny-why-false":["http-path-unauthorized"],"outcome":"allowed"})";
}

void replay_line(benchmark::State& state) {
  const config::Settings configured = settings();
  const Directory nobody;
  auto replay = Replay::make(configured, nobody);
  std::vector<std::string> lines;
  std::int64_t bytes = 0;
  for (int i = 0; i < 4096; ++i) {
    lines.push_back(line_of(i));
    bytes += static_cast<std::int64_t>(lines.back().size());
  }
  std::size_t next = 0;
  for (auto _ : state) {
    replay->add({.text = lines[next], .number = next});
    next = (next + 1) % lines.size();
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes_per_line"] = static_cast<double>(bytes) / 4096;
}
BENCHMARK(replay_line);

}  // namespace
}  // namespace vallum::policytools
