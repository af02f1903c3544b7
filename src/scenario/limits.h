#pragma once

#include <cstddef>

namespace vallum::scenario {

// Policy tests of one route. They run at every reload.
inline constexpr std::size_t kRouteTestsMax = 1000;

}  // namespace vallum::scenario
