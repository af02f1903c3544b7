#include "route/settings_table.h"

#include <vector>

#include "config/settings.h"

namespace vallum::route {

Result<RouteTable> make_table(const config::Settings& settings) {
  std::vector<RouteSpec> specs;
  specs.reserve(settings.routes.size());
  for (const config::RouteSettings& route : settings.routes) {
    specs.push_back({.from = route.from.text, .prefix = route.prefix, .path = route.path});
  }
  TableOptions options;
  options.match_any_incoming_port = settings.flags.match_any_incoming_port;
  if (settings.authenticate_service_url && settings.signs_in) {
    options.authenticate_urls.push_back(settings.authenticate_service_url->text());
  }
  return RouteTable::build(specs, options);
}

}  // namespace vallum::route
