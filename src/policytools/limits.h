#pragma once

#include <cstddef>

namespace vallum::policytools {

// Who and where of a replay; what comes later is counted and not named.
inline constexpr std::size_t kReplayChangesMax = 100'000;

// Lines of a log that could not be read, named with their place; the rest is counted.
inline constexpr std::size_t kUnreadLinesNamedMax = 20;

// People made up for one rule of the access list: a rule with lists under "and" means every
// combination of their values.
inline constexpr std::size_t kPersonasOfRuleMax = 256;

}  // namespace vallum::policytools
