#pragma once

#include <set>
#include <string>

#include "codec/node.h"
#include "policy/compiler.h"
#include "policy/syntax.h"

// The policy language once more, written for plainness: it reads the corpus' input as it stands,
// keeps sets of strings, copies freely and knows nothing of programs or facts. What it says must be
// what the compiled program says.
namespace vallum::testing {

struct NaiveVerdict {
  bool value = false;
  std::set<std::string> reasons;
  std::set<std::string> device_types;
};

struct NaiveDecision {
  NaiveVerdict allow;
  NaiveVerdict deny;
};

// Requires a policy that compiles with the same options.
NaiveDecision decide_naively(const policy::PolicySyntax& policy,
                             const codec::Node& input,
                             const policy::CompileOptions& options);

// "" when both say the same, else what differs.
std::string difference(const NaiveDecision& naive, const policy::Decision& compiled);

}  // namespace vallum::testing
