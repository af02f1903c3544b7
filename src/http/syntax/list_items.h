#pragma once

#include <string_view>

#include "base/strings.h"

namespace vallum::http {

// Calls `visit` with each element of a comma-separated list (RFC 9110 5.6.1), without the white
// space around it; empty elements are skipped, as a recipient must. Stops when `visit` returns
// false, and returns whether it never did. Not for lists whose elements may hold quoted strings.
template <class Visit>
bool for_each_item(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view item = trim_ows(list.substr(0, comma));
    if (!item.empty() && !visit(item)) {
      return false;
    }
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return true;
}

}  // namespace vallum::http
