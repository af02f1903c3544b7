#pragma once

#include <optional>
#include <string>

#include "config/route_settings.h"
#include "scenario/assumption.h"

namespace vallum::policytools {

// What people know a route by: "https://app.example.com/admin".
std::string route_text(const config::RouteSettings& route);

// A GET of the path the route is known by, from nowhere in particular.
scenario::Attempt usual_attempt(const config::RouteSettings& route);

// Whether the route's policy lets this person, or nobody in particular, through.
bool is_allowed(const config::RouteSettings& route,
                const std::optional<scenario::Person>& person,
                const scenario::Attempt& attempt);

}  // namespace vallum::policytools
