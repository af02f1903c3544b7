#include "policytools/access.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "policytools/personas.h"
#include "policytools/rules.h"
#include "policytools/usual_request.h"

namespace vallum::policytools {

using config::RouteSettings;

namespace {

// Who asks does not settle these.
std::vector<std::string> circumstances_of(const policy::PolicySyntax& policy) {
  static constexpr auto kAboutWho = std::to_array<std::string_view>(
      {"accept", "reject", "authenticated_user", "user", "email", "domain", "claim", "groups"});
  std::vector<std::string> names;
  for_each_criterion(policy, [&](const policy::CriterionSyntax& criterion) {
    if (std::ranges::find(kAboutWho, criterion.name) == kAboutWho.end() &&
        std::ranges::find(names, criterion.name) == names.end()) {
      names.push_back(criterion.name);
    }
  });
  return names;
}

std::string name_of(const scenario::Person& person) {
  return person.email.empty() ? person.user_id : person.email;
}

// Of the people of a directory, and of nobody in particular.
void add_people(const RouteSettings& route,
                const Directory& directory,
                const scenario::Attempt& attempt,
                RouteAccess& into) {
  if (is_allowed(route, std::nullopt, attempt)) {
    into.who.emplace_back(kAnyone);
  }
  for (const scenario::Person& person : directory.people()) {
    if (is_allowed(route, person, attempt)) {
      into.who.push_back(name_of(person));
    }
  }
}

// Of people made up from the policy: who is covered by somebody less particular is not named.
void add_personas(const RouteSettings& route, const scenario::Attempt& attempt, RouteAccess& into) {
  const bool anyone = is_allowed(route, std::nullopt, attempt);
  const bool anyone_signed_in = is_allowed(route, scenario::Person(), attempt);
  if (anyone) {
    into.who.emplace_back(kAnyone);
  } else if (anyone_signed_in) {
    into.who.emplace_back(kAnyoneSignedIn);
  }
  if (!route.written) {
    return;
  }
  for (const Persona& persona : personas_of(route.written->syntax, attempt)) {
    const bool covered = persona.person ? anyone_signed_in : anyone;
    const bool allowed = is_allowed(route, persona.person, persona.attempt);
    if (allowed && !covered && persona.label != kAnyoneSignedIn) {
      into.who.push_back(persona.label);
    } else if (!allowed && covered) {
      into.except.push_back(persona.label);
    }
  }
}

void append_list(std::string& out, std::string_view mark, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    append_all(out, {"  ", mark, name, "\n"});
  }
}

std::vector<std::string> without(const std::vector<std::string>& names,
                                 const std::vector<std::string>& others) {
  std::vector<std::string> left;
  for (const std::string& name : names) {
    if (std::ranges::find(others, name) == others.end()) {
      left.push_back(name);
    }
  }
  return left;
}

// The lines of one route that both lists have; "" when nothing changed.
std::string change_of(const RouteAccess& before, const RouteAccess& after) {
  std::string out;
  append_list(out, "+ ", without(after.who, before.who));
  append_list(out, "- ", without(before.who, after.who));
  append_list(out, "+ no longer excepted: ", without(before.except, after.except));
  append_list(out, "- now excepted: ", without(after.except, before.except));
  append_list(out, "~ now depends on ", without(after.depends_on, before.depends_on));
  append_list(out, "~ no longer depends on ", without(before.depends_on, after.depends_on));
  return out;
}

using ByRoute = std::map<std::string_view, const RouteAccess*>;

// Of routes under one name the first is the one that requests reach.
ByRoute by_route(const std::vector<RouteAccess>& access) {
  ByRoute routes;
  for (const RouteAccess& route : access) {
    routes.try_emplace(route.route, &route);
  }
  return routes;
}

}  // namespace

std::vector<RouteAccess> access_of(const config::Settings& settings, const Directory& directory) {
  std::vector<RouteAccess> all;
  for (const RouteSettings& route : settings.routes) {
    RouteAccess access{.route = route_text(route),
                       .where = config::where(settings.sources, route.place),
                       .who = {},
                       .except = {},
                       .depends_on = {},
                       .not_served_because = route.not_served_because};
    if (route.written) {
      access.depends_on = circumstances_of(route.written->syntax);
    }
    if (directory.empty()) {
      add_personas(route, usual_attempt(route), access);
    } else {
      add_people(route, directory, usual_attempt(route), access);
    }
    all.push_back(std::move(access));
  }
  return all;
}

std::string access_text(const std::vector<RouteAccess>& access) {
  std::string out;
  for (const RouteAccess& route : access) {
    append_all(out, {route.route, "  (", route.where, ")\n"});
    if (!route.not_served_because.empty()) {
      append_all(out, {"  not served: ", route.not_served_because, "\n"});
    }
    if (route.who.empty()) {
      out.append("  nobody\n");
    }
    append_list(out, "", route.who);
    append_list(out, "not ", route.except);
    append_list(out, "depending on ", route.depends_on);
  }
  return out;
}

std::string access_difference(const std::vector<RouteAccess>& before,
                              const std::vector<RouteAccess>& after) {
  std::string out;
  const ByRoute old_routes = by_route(before);
  const ByRoute new_routes = by_route(after);
  for (const auto& [name, route] : new_routes) {
    const auto old_route = old_routes.find(name);
    if (old_route == old_routes.end()) {
      append_all(out, {"new route ", name, "  (", route->where, ")\n"});
      append_list(out, "+ ", route->who);
      continue;
    }
    if (const std::string change = change_of(*old_route->second, *route); !change.empty()) {
      append_all(out, {name, "  (", route->where, ")\n", change});
    }
  }
  for (const auto& [name, route] : old_routes) {
    if (!new_routes.contains(name)) {
      append_all(out, {"route is gone ", name, "  (", route->where, ")\n"});
      append_list(out, "- ", route->who);
    }
  }
  return out;
}

}  // namespace vallum::policytools
