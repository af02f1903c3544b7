#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "policytools/directory.h"

namespace vallum::policytools {

// Who can reach one route.
struct RouteAccess {
  std::string route;  // "https://app.example.com/admin"
  std::string where;  // "FILE:LINE:COL"
  // Sorted as the policy names them. With a directory: its people, by e-mail address or id.
  std::vector<std::string> who;
  // Of those who are named by the policy, who cannot although the others of "anyone" can.
  std::vector<std::string> except;
  // Criteria whose answer depends on more than who asks: "source_ip".
  std::vector<std::string> depends_on;
  std::string not_served_because;

  bool operator==(const RouteAccess&) const = default;
};

// Decides for everybody in the directory, or, without one, for made-up people: anyone, anyone
// signed in, and one for each value the route's policy names. The request is a GET of the route's
// path, from nowhere in particular, unless a rule asks for another. Requires settings that were
// loaded with keep_written_policies.
std::vector<RouteAccess> access_of(const config::Settings& settings, const Directory& directory);

std::string access_text(const std::vector<RouteAccess>& access);

// What changes between two lists: routes that came or went, and who gains or loses one. "" when
// nothing does.
std::string access_difference(const std::vector<RouteAccess>& before,
                              const std::vector<RouteAccess>& after);

}  // namespace vallum::policytools
