#include <cstdio>

#include "cli/answer.h"
#include "cli/commands.h"
#include "policytools/eval.h"

namespace vallum::cli {

int eval_policies(const std::string& cases) {
  Result<policytools::LineReader> lines = policytools::LineReader::open(cases);
  if (!lines) {
    return cannot_say(lines.error().with_context(cases));
  }
  policytools::Print print([](std::string_view text) { print_answer(text); });
  const auto counts = policytools::eval_cases(*lines, cases, print);
  if (!counts) {
    return cannot_say(counts.error().with_context(cases));
  }
  return counts->failed == 0 ? 0 : 1;
}

}  // namespace vallum::cli
