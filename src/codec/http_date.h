#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace vallum::codec {

// RFC 9110 5.6.7 IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT". Requires a year from 0 to 9999.
std::string http_date(WallTime time);
void append_http_date(std::string& out, WallTime time);

// IMF-fixdate only; the obsolete forms give nothing. The day name must fit the date.
std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace vallum::codec
