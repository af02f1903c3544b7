#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace vallum {

// The name an operator most likely meant: the one with the fewest edits, case aside, if that is few
// enough to be a slip. Until the names die.
std::optional<std::string_view> nearest_name(std::string_view written,
                                             std::span<const std::string_view> names);

}  // namespace vallum
