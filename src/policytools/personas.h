#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/syntax.h"
#include "scenario/assumption.h"

namespace vallum::policytools {

// Somebody made up so that one rule of a policy means exactly this person.
struct Persona {
  std::string label;  // "groups staff, with POST"
  // Nobody: anonymous.
  std::optional<scenario::Person> person;
  scenario::Attempt attempt;
};

// Those whom no policy names: nobody in particular, and whoever has signed in.
inline constexpr std::string_view kAnyone = "anyone";
inline constexpr std::string_view kAnyoneSignedIn = "anyone signed in";

// For each value that a policy asks for somebody who has it, each label once. Of a block that asks
// for several things at once, people who have them all. What is asked for in a way that no one
// value answers, such as a part of a name, is answered by the shortest.
std::vector<Persona> personas_of(const policy::PolicySyntax& policy, const scenario::Attempt& base);

}  // namespace vallum::policytools
