#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace vallum::recordtools {

// For a terminal: control characters, which a record's author may have chosen, as '?'.
std::string shown(std::string_view text);
// "2026-03-02T09:30:00Z", "-" for none.
std::string shown(const std::optional<WallTime>& time);

// Rows with a heading, in columns as wide as their widest text.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace vallum::recordtools
