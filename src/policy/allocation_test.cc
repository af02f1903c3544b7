#include <string>

#include <gtest/gtest.h>

#include "codec/json.h"
#include "policy/compiler.h"
#include "support/allocation/allocation_count.h"
#include "support/policy/generator.h"
#include "support/policy/situation.h"

namespace vallum::policy {
namespace {

Program compile_text(std::string_view text) {
  auto compiled = compile(parse_policy_text(text, TextFormat::Json, Keywords::Exact), {});
  EXPECT_TRUE(compiled.has_value());
  return std::move(compiled->program);
}

TEST(AllocationTest, TheCounterCounts) {
  if (!testing::counts_allocations()) {
    GTEST_SKIP() << "a sanitizer brings its own allocator";
  }
  const std::uint64_t before = testing::allocations_so_far();

  // Called by name, so that no optimizer may leave the pair out.
  void* const block = ::operator new(100);
  ::operator delete(block);

  EXPECT_EQ(testing::allocations_so_far(), before + 1);
}

TEST(AllocationTest, ADecisionAllocatesNothing) {
  if (!testing::counts_allocations()) {
    GTEST_SKIP() << "a sanitizer brings its own allocator";
  }
  const std::vector<std::string> words = testing::common_words();
  std::uint64_t allocations = 0;

  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    testing::Choices choices(seed);
    const codec::Node policy = testing::generate_policy(choices, words);
    const auto compiled =
        compile(parse_policy(policy, Keywords::Exact), {.sources = FactSources::all()});
    ASSERT_TRUE(compiled.has_value());
    const codec::Node input = testing::generate_input(choices, words);
    const testing::Situation situation(input);

    const std::uint64_t before = testing::allocations_so_far();
    const Decision decision = decide(compiled->program, situation.facts());
    allocations += testing::allocations_so_far() - before;

    EXPECT_LE(decision.allow.reasons.size(), kReasonCount);
  }

  EXPECT_EQ(allocations, 0U);
}

TEST(AllocationTest, AThousandRulesAllocateNothingEither) {
  if (!testing::counts_allocations()) {
    GTEST_SKIP() << "a sanitizer brings its own allocator";
  }
  std::string text = "[";
  for (int i = 0; i < 1'000; ++i) {
    text.append(i == 0 ? "" : ",");
    text.append(R"({"allow":{"and":[{"domain":"d)" + std::to_string(i) +
                R"(.example.com"},{"claim/groups":"g)" + std::to_string(i) + R"("}]}})");
  }
  const Program program = compile_text(text + "]");
  const Facts nobody;

  const std::uint64_t before = testing::allocations_so_far();
  const Decision decision = decide(program, nobody);
  const std::uint64_t after = testing::allocations_so_far();

  EXPECT_EQ(after, before);
  EXPECT_FALSE(decision.allow.value);
}

}  // namespace
}  // namespace vallum::policy
