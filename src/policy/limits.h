#pragma once

#include <cstddef>

namespace vallum::policy {

// Criteria of one policy. More than anybody writes, and few enough to decide in a millisecond.
inline constexpr std::size_t kCriteriaMax = 100'000;

}  // namespace vallum::policy
