#pragma once

#include <string_view>

#include "base/result.h"
#include "config/reading.h"
#include "config/targets.h"

namespace vallum::config {

// `from` of a route. Configuration specification 3.3. A host with "*" is checked as if each "*"
// were a letter.
Result<RouteSource> parse_route_source(std::string_view text);

// `to` of a route: every scalar in it, however nested, is one "URL[,WEIGHT]". Fills the
// destinations, or says why the route is not served when a scheme or path is not built.
void read_destination_list(Reading& reading, const codec::Node& node, RouteTarget& target);

}  // namespace vallum::config
