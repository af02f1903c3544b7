#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include "codec/json.h"
#include "policy/compiler.h"

// What a decision may cost: 20 criteria at most 0.5 us, 1000 rules at most 15 us, and 10 000 routes
// of five criteria compiled in at most 500 ms.
namespace vallum::policy {
namespace {

Program program_of(const std::string& text, bool merge = true) {
  auto compiled =
      compile(parse_policy_text(text, TextFormat::Json, Keywords::Exact), {.merge = merge});
  if (!compiled) {
    std::abort();
  }
  return std::move(compiled->program);
}

// A signed-in user with the usual amount of everything.
class Alice {
 public:
  Alice() {
    ClaimTable::Builder claims;
    for (int i = 0; i < 20; ++i) {
      claims.set("claim_" + std::to_string(i),
                 codec::Node::list({codec::Node::string("value-" + std::to_string(i))}));
    }
    claims_ = std::move(claims).build();
    std::vector<std::string> ids;
    for (int i = 0; i < 30; ++i) {
      ids.push_back("0194f6f8-e760-76a0-8917-group-" + std::to_string(i));
    }
    groups_ = ValueList::of_strings(ids);
    directory_ = {.email = "alice@example.com", .groups = groups_.values()};
    session_ = {.user_id = "google-oauth2|115231567890123456789",
                .user_email = "alice@example.com",
                .directory = &directory_,
                .claims = claims_.view(),
                .devices = {},
                .records = {}};
    facts_.request = {.method = "GET",
                      .path = "/reports/2026/03/summary",
                      .origin = {},
                      .access_control_request_method = {},
                      .client_ip = IpAddress::parse("203.0.113.10")};
    facts_.now = from_unix_seconds(1'772'443'800);
    facts_.session = &session_;
  }
  Alice(const Alice&) = delete;
  Alice& operator=(const Alice&) = delete;
  ~Alice() = default;

  const Facts& facts() const { return facts_; }

 private:
  ClaimTable claims_;
  ValueList groups_;
  DirectoryFacts directory_;
  SessionFacts session_;
  Facts facts_;
};

// As an operator would write them: none matches but the last, the worst case.
constexpr std::string_view kTwentyCriteria = R"([
  {"allow": {"and": [{"domain": "example.org"}, {"groups": "staff"}, {"http_method": "POST"}]}},
  {"allow": {"and": [{"email": {"ends_with": "@partner.example"}}, {"http_path": {"starts_with": "/shared"}}]}},
  {"allow": {"or": [{"email": "bob@example.com"}, {"email": "carol@example.com"}, {"email": "dave@example.com"},
                    {"user": "auth0|4711"}, {"claim/claim_3": "value-4"}, {"groups": "admins"}, {"groups": "sre"},
                    {"claim/role": "owner"}]}},
  {"allow": {"and": [{"authenticated_user": true}, {"source_ip": ["10.0.0.0/8", "203.0.113.0/24"]},
                     {"claim/claim_7": {"has": "value-7"}}]}},
  {"deny": {"or": [{"http_path": {"starts_with": "/internal"}}, {"email": {"in": ["eve@example.com", "mallory@example.com"]}}],
            "nor": [{"authenticated_user": true}, {"domain": {"is": "example.com"}}]}}
])";

void decide_twenty_criteria(benchmark::State& state) {
  const Program program = program_of(std::string(kTwentyCriteria));
  const Alice alice;
  for (auto _ : state) {
    benchmark::DoNotOptimize(decide(program, alice.facts()));
  }
}
BENCHMARK(decide_twenty_criteria);

void decide_twenty_criteria_unmerged(benchmark::State& state) {
  const Program program = program_of(std::string(kTwentyCriteria), false);
  const Alice alice;
  for (auto _ : state) {
    benchmark::DoNotOptimize(decide(program, alice.facts()));
  }
}
BENCHMARK(decide_twenty_criteria_unmerged);

// Eighteen questions more, all of them about the instant.
void decide_by_the_clock(benchmark::State& state) {
  std::string text =
      R"({"allow":{"and":[{"date":{"after":"2026-01-01"}},{"day_of_week":"mon-fri"})";
  for (int hour = 0; hour < 18; ++hour) {
    text.append(R"(,{"time_of_day":{"timezone":"Europe/Berlin","after":")")
        .append(std::to_string(hour))
        .append(R"(:00"}})");
  }
  const Program program = program_of(text + "]}}");
  const Alice alice;
  for (auto _ : state) {
    benchmark::DoNotOptimize(decide(program, alice.facts()));
  }
}
BENCHMARK(decide_by_the_clock);

// rule(i) gives the i-th rule as JSON.
template <class Rule>
std::string thousand_rules(Rule rule) {
  std::string text = "[";
  for (int i = 0; i < 1'000; ++i) {
    text.append(i == 0 ? "" : ",").append(rule(std::to_string(i)));
  }
  return text + "]";
}

void run(benchmark::State& state, const std::string& policy) {
  const Program program = program_of(policy);
  const Alice alice;
  for (auto _ : state) {
    benchmark::DoNotOptimize(decide(program, alice.facts()));
  }
}

void decide_thousand_emails(benchmark::State& state) {
  run(state, thousand_rules([](const std::string& i) {
        return R"({"allow":{"or":[{"email":"user)" + i + R"(@example.com"}]}})";
      }));
}
BENCHMARK(decide_thousand_emails);

void decide_thousand_pairs_of_domain_and_path(benchmark::State& state) {
  run(state, thousand_rules([](const std::string& i) {
        return R"({"allow":{"and":[{"domain":"d)" + i +
               R"(.example"},{"http_path":{"starts_with":"/r)" + i + R"("}}]}})";
      }));
}
BENCHMARK(decide_thousand_pairs_of_domain_and_path);

// The hardest: each rule looks through the user's thirty groups.
void decide_thousand_pairs_of_group_and_method(benchmark::State& state) {
  run(state, thousand_rules([](const std::string& i) {
        return R"({"allow":{"and":[{"groups":"0194f6f8-e760-76a0-8917-group-x)" + i +
               R"("},{"http_method":"GET"}]}})";
      }));
}
BENCHMARK(decide_thousand_pairs_of_group_and_method);

void compile_ten_thousand_routes(benchmark::State& state) {
  std::vector<codec::Node> routes;
  for (int i = 0; i < 10'000; ++i) {
    const std::string n = std::to_string(i);
    auto node =
        codec::parse_json(R"({"allow":{"or":[{"email":"a)" + n + R"(@example.com"},{"groups":"g)" +
                          n + R"("},{"claim/role":"admin"}],"and":[{"domain":"d)" + n +
                          R"(.example.com"},{"http_path":{"starts_with":"/x"}}]}})");
    routes.push_back(*std::move(node));
  }
  for (auto _ : state) {
    std::vector<Program> programs;
    for (const codec::Node& route : routes) {
      auto compiled = compile(parse_policy(route, Keywords::AnyCase), {});
      programs.push_back(std::move(compiled->program));
    }
    benchmark::DoNotOptimize(programs.data());
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    state.counters["peak_mb"] = static_cast<double>(usage.ru_maxrss) / 1024;
  }
}
BENCHMARK(compile_ten_thousand_routes)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vallum::policy
