#include <gtest/gtest.h>

#include "policy/compiler.h"
#include "support/policy/generator.h"
#include "support/policy/naive_evaluator.h"
#include "support/policy/situation.h"

// The compiled program against the naive evaluator, over policies and inputs made from seeds. The
// fuzz target goes on where this stops.
namespace vallum::policy {
namespace {

TEST(DifferentialTest, ProgramsSayWhatTheNaiveEvaluatorSays) {
  const std::vector<std::string> words = testing::common_words();
  int allowed = 0;
  int denied = 0;

  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    testing::Choices choices(seed);
    const Parsed parsed = parse_policy(testing::generate_policy(choices, words), Keywords::Exact);
    CompileOptions options{.sources = FactSources::all()};
    options.keywords = choices.one_in(2) ? Keywords::AnyCase : Keywords::Exact;
    options.ssh_ca_checks = choices.one_in(2) ? SshCaChecks::AsReference : SshCaChecks::Full;
    options.deny_invalid_client_certificate = choices.one_in(4);
    options.merge = choices.one_in(2);
    const auto compiled = compile(parsed, options);
    ASSERT_TRUE(compiled.has_value()) << seed << ": " << compiled.error().front().text;
    for (int i = 0; i < 3; ++i) {
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
  EXPECT_GT(allowed, 300);
  EXPECT_GT(denied, 300);
}

}  // namespace
}  // namespace vallum::policy
