#pragma once

#include "base/result.h"
#include "route/route_table.h"

namespace vallum::config {
struct Settings;
}  // namespace vallum::config

namespace vallum::route {

// The table of a configuration: for the server and for every tool that asks where a request goes.
// Places in it are those in settings.routes. InvalidInput when a `from` cannot be read.
Result<RouteTable> make_table(const config::Settings& settings);

}  // namespace vallum::route
