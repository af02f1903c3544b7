#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/syntax/uri.h"
#include "route/route_table.h"

namespace vallum::authenticate {

// Where a browser may be sent after sign-in: https, on a host that this deployment serves (identity
// specification 1.10). InvalidInput otherwise.
Result<http::Uri> parse_route_url(std::string_view text, const route::RouteTable& routes);

// Where a program wants its token: http or https, on a host of the list. The entry "localhost"
// stands for every canonical loopback address, too (identity specification 1.7). InvalidInput
// otherwise.
Result<http::Uri> parse_program_url(std::string_view text,
                                    std::span<const std::string> allowed_hosts);

}  // namespace vallum::authenticate
