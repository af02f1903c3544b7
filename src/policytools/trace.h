#pragma once

#include <string>
#include <vector>

#include "policy/compiler.h"
#include "policy/syntax.h"

// A policy with the answer of each of its parts to one request. Each part is compiled alone and
// decided: no answer here comes from anywhere else.
namespace vallum::policytools {

struct CriterionTrace {
  std::string name;     // "claim/plan"
  std::string operand;  // as JSON
  codec::Position at;
  // What it looked at, as JSON, or a word such as "(no session)"; "" for criteria that look at
  // nothing or at what is not shown.
  std::string compared;
  bool value = false;
  policy::ReasonSet reasons;
};

struct BlockTrace {
  policy::Logic logic = policy::Logic::Or;
  codec::Position at;
  policy::Verdict verdict;
  std::vector<CriterionTrace> criteria;
};

struct RuleTrace {
  policy::Action action = policy::Action::Allow;
  codec::Position at;
  std::vector<BlockTrace> blocks;
};

std::string_view to_string(policy::Action action);
std::string_view to_string(policy::Logic logic);

// Requires a policy that compiles with these options.
std::vector<RuleTrace> trace_policy(const policy::PolicySyntax& policy,
                                    const policy::CompileOptions& options,
                                    const policy::Facts& facts);

}  // namespace vallum::policytools
