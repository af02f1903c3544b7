#include <cstdint>
#include <cstdlib>
#include <optional>

#include <gtest/gtest.h>

#include "base/strings.h"
#include "policy/compiler.h"
#include "support/policy/generator.h"
#include "support/policy/naive_evaluator.h"
#include "support/policy/situation.h"

// The compiled program against the naive evaluator, over policies and inputs made from seeds. The
// fuzz target goes on where this stops. VALLUM_POLICY_SEEDS=1000000 makes that many policies, from
// VALLUM_POLICY_FIRST_SEED on; each is decided for kInputs inputs.
namespace vallum::policy {
namespace {

constexpr int kInputs = 3;

std::optional<std::uint64_t> number_in_environment(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? std::nullopt : parse_u64(text);
}

TEST(DifferentialTest, ProgramsSayWhatTheNaiveEvaluatorSays) {
  const std::vector<std::string> words = testing::common_words();
  std::uint64_t allowed = 0;
  std::uint64_t denied = 0;

  const std::uint64_t from = number_in_environment("VALLUM_POLICY_FIRST_SEED").value_or(0);
  const std::uint64_t seeds = number_in_environment("VALLUM_POLICY_SEEDS").value_or(1'000);
  for (std::uint64_t seed = from; seed < from + seeds; ++seed) {
    testing::Choices choices(seed);
    const Parsed parsed = parse_policy(testing::generate_policy(choices, words), Keywords::Exact);
    CompileOptions options{.sources = FactSources::all()};
    options.keywords = choices.one_in(2) ? Keywords::AnyCase : Keywords::Exact;
    options.ssh_ca_checks = choices.one_in(2) ? SshCaChecks::AsReference : SshCaChecks::Full;
    options.quirks = choices.one_in(3) ? Quirks::AsReference : Quirks::Required;
    options.deny_invalid_client_certificate = choices.one_in(4);
    options.merge = choices.one_in(2);
    const auto compiled = compile(parsed, options);
    ASSERT_TRUE(compiled.has_value()) << seed << ": " << compiled.error().front().text;
    for (int i = 0; i < kInputs; ++i) {
      const codec::Node input = testing::generate_input(choices, words);
      const testing::Situation situation(input);

      const Decision decision = decide(compiled->program, situation.facts());

      ASSERT_EQ(
          testing::difference(testing::decide_naively(parsed.policy, input, options), decision), "")
          << seed;
      allowed += decision.allow.value ? 1 : 0;
      denied += decision.deny.value ? 1 : 0;
    }
  }

  // Both answers occur often, or the comparison would say little.
  EXPECT_GT(allowed * 10, seeds * kInputs);
  EXPECT_GT(denied * 10, seeds * kInputs);
}

}  // namespace
}  // namespace vallum::policy
