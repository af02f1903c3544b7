#include "policytools/usual_request.h"

#include "policy/outcome.h"

namespace vallum::policytools {

namespace {

const std::string& path_of(const config::RouteSettings& route) {
  return route.path.empty() ? route.prefix : route.path;
}

}  // namespace

std::string route_text(const config::RouteSettings& route) {
  return route.from.text + path_of(route);
}

scenario::Attempt usual_attempt(const config::RouteSettings& route) {
  scenario::Attempt attempt;
  if (!path_of(route).empty()) {
    attempt.path = path_of(route);
    attempt.decoded_path = path_of(route);
  }
  return attempt;
}

bool is_allowed(const config::RouteSettings& route,
                const std::optional<scenario::Person>& person,
                const scenario::Attempt& attempt) {
  const scenario::Assumption assumption(person, attempt);
  const policy::Decision decision = policy::decide(route.program, assumption.facts());
  return policy::outcome_of(decision, {}) == policy::Outcome::Allowed;
}

}  // namespace vallum::policytools
