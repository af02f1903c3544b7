#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "policy/compiler.h"
#include "policy/outcome.h"
#include "support/policy/generator.h"
#include "support/policy/naive_evaluator.h"
#include "support/policy/situation.h"

namespace {

using namespace vallum;
using namespace vallum::policy;

void check_problems(const Problems& problems) {
  CHECK(has_errors(problems));
  for (const Problem& problem : problems) {
    CHECK(!problem.text.empty());
  }
}

// The program, with and without merging, and the naive evaluator must agree.
void decide_every_way(const Parsed& parsed,
                      testing::Choices& choices,
                      const std::vector<std::string>& words) {
  CompileOptions options{.keywords = choices.one_in(2) ? Keywords::AnyCase : Keywords::Exact,
                         .sources = FactSources::all()};
  options.deny_invalid_client_certificate = choices.one_in(4);
  options.quirks = choices.one_in(3) ? Quirks::AsReference : Quirks::Required;
  options.ssh_ca_checks = choices.one_in(2) ? SshCaChecks::AsReference : SshCaChecks::Full;
  const auto merged = compile(parsed, options);
  options.merge = false;
  const auto plain = compile(parsed, options);
  CHECK(merged.has_value() == plain.has_value());
  if (!merged) {
    check_problems(merged.error());
    return;
  }
  for (int i = 0; i < 4; ++i) {
    const codec::Node input = testing::generate_input(choices, words);
    const testing::Situation situation(input);
    const testing::NaiveDecision naive = testing::decide_naively(parsed.policy, input, options);
    for (const Program* program : {&merged->program, &plain->program}) {
      const Decision decision = decide(*program, situation.facts());
      const std::string differs = testing::difference(naive, decision);
      if (!differs.empty()) {
        std::fprintf(stderr, "naively: %s\n", differs.c_str());
      }
      CHECK(differs.empty());
      CHECK(outcome_of(decision, {}) != Outcome::Allowed ||
            (decision.allow.value && !decision.deny.value));
    }
  }
}

void decide_text(std::string_view text, TextFormat format) {
  const Parsed parsed = parse_policy_text(text, format, Keywords::Exact);
  if (has_errors(parsed.problems)) {
    check_problems(parsed.problems);
    return;
  }
  std::vector<std::string> words = testing::common_words();
  for (const RuleSyntax& rule : parsed.policy.rules) {
    for (const BlockSyntax& block : rule.blocks) {
      for (const CriterionSyntax& criterion : block.criteria) {
        testing::add_words(criterion.operand, words);
      }
    }
  }
  testing::Choices choices(std::hash<std::string_view>{}(text));
  decide_every_way(parsed, choices, words);
}

}  // namespace

// Text is a policy to be read, checked and decided over made-up inputs. After a zero byte, the
// bytes choose a policy and inputs instead.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16U << 10U) {
    return 0;
  }
  if (size > 0 && data[0] == 0) {
    testing::Choices choices(size, std::span(data, size).subspan(1));
    const std::vector<std::string> words = testing::common_words();
    const codec::Node policy = testing::generate_policy(choices, words);
    decide_every_way(parse_policy(policy, Keywords::Exact), choices, words);
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  decide_text(text, TextFormat::Yaml);
  decide_text(text, TextFormat::Json);
  return 0;
}
