#pragma once

#include <string>
#include <string_view>

#include "codec/read_limits.h"
#include "policy/compiler.h"

// Policy cases in the format of policy specification, appendix A: one JSON object per line.
namespace vallum::scenario {

// What became of one case.
struct CaseResult {
  std::string id;  // "" when the case has none
  bool passed = false;
  // In one form, so that what differs can be seen: "allow [claim-ok], no deny [], outcome allow",
  // or "refused: unknown-criterion".
  std::string expected;
  std::string got;
};

// How the corpus means its cases: every fact can be stated, and SSH certificates are read as the
// reference reads them.
policy::CompileOptions case_options();

// Whichever form the policy of a case has: policy, policy_yaml, policy_text or route. Requires a
// case that run_case() can read.
policy::Parsed parse_case(const codec::Node& c);

// Decides the case in a line and compares. `expect_recommended` is expected where there is one; a
// case with `code` instead must be refused with it, and one that expects an error must be refused.
// The error says why the line is no case, and where in it.
codec::ReadResult<CaseResult> run_case(std::string_view line,
                                       const policy::CompileOptions& options);

}  // namespace vallum::scenario
