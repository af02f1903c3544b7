#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vallum::config {

// Configuration specification, appendix A: a text names a value by its full name, by the name
// without the prefix all names share, or by the end of the name behind an underscore; in any case.
// "" is the first. Returns the index.
std::optional<std::size_t> match_choice(std::string_view text,
                                        std::span<const std::string_view> names);

// The usual spelling: lower case without the shared prefix.
std::string usual_spelling(std::string_view name, std::span<const std::string_view> names);

}  // namespace vallum::config
