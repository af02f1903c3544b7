#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace vallum::codec {

// Go duration syntax: an optional sign, then one or more decimal numbers each with a unit of
// ns, us (or U+00B5/U+03BC s), ms, s, m, h: "1h30m", "500ms", "-1.5h". "0" needs no unit. Nothing
// when malformed or beyond what 64 bits of nanoseconds hold.
std::optional<Duration> parse_go_duration(std::string_view text);

// The form Go prints: "1h30m0s", "1.5s", "250ms", "0s".
std::string go_duration(Duration duration);

}  // namespace vallum::codec
