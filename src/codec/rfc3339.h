#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace vallum::codec {

// RFC 3339 5.6: "2026-03-02T09:30:00Z", "2026-03-02T10:30:00.5+01:00". A zone is a must. Digits of
// a fraction past the ninth do not count; a leap second is the last one of its minute. Nothing for
// everything else, and for years that WallTime cannot hold (1678 to 2261).
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace vallum::codec
