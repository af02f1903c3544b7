#pragma once

#include "policy/syntax.h"

namespace vallum::policytools {

// Calls `visit` with each block of a policy and the rule it is of, in the order of the text.
template <class Visit>
void for_each_block(const policy::PolicySyntax& policy, Visit visit) {
  for (const policy::RuleSyntax& rule : policy.rules) {
    for (const policy::BlockSyntax& block : rule.blocks) {
      visit(rule, block);
    }
  }
}

// Calls `visit` with each criterion of a policy, in the order of the text.
template <class Visit>
void for_each_criterion(const policy::PolicySyntax& policy, Visit visit) {
  for_each_block(policy, [&](const policy::RuleSyntax&, const policy::BlockSyntax& block) {
    for (const policy::CriterionSyntax& criterion : block.criteria) {
      visit(criterion);
    }
  });
}

}  // namespace vallum::policytools
