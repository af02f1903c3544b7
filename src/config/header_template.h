#pragma once

#include <string>
#include <string_view>

namespace vallum::config {

// A value of set_request_headers read by the grammar of configuration specification 3.11.
struct HeaderTemplate {
  std::string text;       // "$$" is "$"; a reference is replaced by nothing
  std::string reference;  // the first reference as written; empty: the value is literal
};

HeaderTemplate parse_header_template(std::string_view text);

}  // namespace vallum::config
