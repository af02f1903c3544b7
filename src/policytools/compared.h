#pragma once

#include <string>

#include "policy/criterion.h"
#include "policy/facts.h"
#include "policy/syntax.h"

namespace vallum::policytools {

// What a criterion looks at, for people: JSON, or a word in brackets such as "(no session)". ""
// for one that looks at nothing, or at what this does not know how to show. For display only:
// whether it holds is decided elsewhere.
std::string compared_text(const policy::CriterionSyntax& criterion, const policy::Facts& facts);

}  // namespace vallum::policytools
