#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/route_settings.h"

namespace vallum::config {

// A value of set_request_headers read by the grammar of configuration specification 3.11: whatever
// does not parse is text.
struct HeaderTemplate {
  // Neighbours are never both Literal; empty: the value is "".
  std::vector<HeaderPiece> pieces;
  // References that stand for nothing, as written.
  std::vector<std::string> unknown;

  bool refers_to(HeaderPiece::Kind kind) const;
};

HeaderTemplate parse_header_template(std::string_view text);

}  // namespace vallum::config
