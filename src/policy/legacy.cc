#include "policy/legacy.h"

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "policy/keys.h"

namespace vallum::policy {

namespace {

using codec::Node;

CriterionSyntax criterion(std::string name, codec::Position at, Node operand) {
  return {.name = std::move(name), .subpath = {}, .at = at, .operand = std::move(operand)};
}

Node is_matcher(const Node& value) {
  std::vector<Node::Member> members;
  members.push_back({.key = "is", .position = value.position(), .value = value});
  return Node::map(std::move(members), value.position());
}

class RouteReader {
 public:
  RouteReader(const Node& route, Keywords keywords) : route_(route), keywords_(keywords) {}

  Parsed read() && {
    const Node* sub_policies = find_list("sub_policies");
    if (flag("allow_public_unauthenticated_access")) {
      add("accept", route_.find("allow_public_unauthenticated_access")->position());
    }
    if (flag("cors_allow_preflight")) {
      add("cors_preflight", route_.find("cors_allow_preflight")->position());
    }
    if (flag("allow_any_authenticated_user")) {
      add("authenticated_user", route_.find("allow_any_authenticated_user")->position());
    }
    std::vector<const Node*> sources{&route_};
    if (sub_policies != nullptr) {
      for (const Node& sub_policy : sub_policies->items()) {
        if (is_usable(sub_policy)) {
          sources.push_back(&sub_policy);
        }
      }
    }
    for (const Node* source : sources) {
      add_domains(*source);
    }
    for (const Node* source : sources) {
      add_claims(*source);
    }
    for (const Node* source : sources) {
      add_users(*source);
    }
    finish();
    return std::move(parsed_);
  }

 private:
  void problem(ProblemCode code, codec::Position at, std::string text) {
    parsed_.problems.push_back({code, at, std::move(text)});
  }

  void add(std::string name, codec::Position at) {
    criteria_.push_back(criterion(std::move(name), at, Node::boolean(true, at)));
  }

  bool flag(std::string_view key) {
    const Node* value = route_.find(key);
    if (value == nullptr || value->is_null()) {
      return false;
    }
    if (!value->is_bool()) {
      problem(ProblemCode::RouteKeyType,
              value->position(),
              std::string(key) + " is true or false, not " + std::string(kind_name(*value)));
      return false;
    }
    return value->as_bool();
  }

  // Null when absent.
  const Node* find_list(std::string_view key) { return find_list(route_, key); }
  const Node* find_list(const Node& source, std::string_view key) {
    const Node* value = source.find(key);
    if (value == nullptr || value->is_null()) {
      return nullptr;
    }
    if (!value->is_list()) {
      problem(ProblemCode::RouteKeyType,
              value->position(),
              std::string(key) + " is a list, not " + std::string(kind_name(*value)));
      return nullptr;
    }
    return value;
  }

  bool is_usable(const Node& sub_policy) {
    if (!sub_policy.is_map()) {
      problem(ProblemCode::RouteKeyType,
              sub_policy.position(),
              std::string("a sub-policy is a mapping, not ").append(kind_name(sub_policy)));
      return false;
    }
    // Left out, a script that denies would no longer deny.
    const Node* rego = sub_policy.find("rego");
    const bool is_empty =
        rego == nullptr || rego->is_null() || (rego->is_list() && rego->items().empty());
    if (!is_empty) {
      problem(ProblemCode::CustomRego,
              rego->position(),
              "policies written in Rego are not supported: write the rules in 'policy'");
      return false;
    }
    return true;
  }

  // Calls `take` with each string of a list of strings.
  template <class Take>
  void each_string(const Node& source, std::string_view key, Take take) {
    const Node* list = find_list(source, key);
    if (list == nullptr) {
      return;
    }
    for (const Node& item : list->items()) {
      if (item.is_string()) {
        take(item);
      } else {
        problem(ProblemCode::RouteKeyType,
                item.position(),
                std::string(key) + " is a list of strings: put " + std::string(kind_name(item)) +
                    " in quotes");
      }
    }
  }

  void add_domains(const Node& source) {
    each_string(source, "allowed_domains", [&](const Node& domain) {
      criteria_.push_back(criterion("domain", domain.position(), is_matcher(domain)));
    });
  }

  void add_users(const Node& source) {
    each_string(source, "allowed_users", [&](const Node& user) {
      criteria_.push_back(criterion("user", user.position(), is_matcher(user)));
      criteria_.push_back(criterion("email", user.position(), is_matcher(user)));
    });
  }

  void add_claims(const Node& source) {
    const Node* claims = source.find("allowed_idp_claims");
    if (claims == nullptr || claims->is_null()) {
      return;
    }
    if (!claims->is_map()) {
      problem(ProblemCode::RouteKeyType,
              claims->position(),
              std::string("allowed_idp_claims is a mapping of claim names to lists, not ")
                  .append(kind_name(*claims)));
      return;
    }
    for (const auto& [name, value] : flattened(*claims)) {
      if (!value->is_list()) {
        add_claim(name, *value);
        continue;
      }
      for (const Node& item : value->items()) {
        add_claim(name, item);
      }
    }
  }

  void add_claim(const std::string& name, const Node& value) {
    CriterionSyntax claim = criterion("claim", value.position(), value);
    claim.subpath = name;
    criteria_.push_back(std::move(claim));
  }

  // {a: {b: [x]}} gives a.b: [x]; sorted by name. Walks with a list of its own: how deep the
  // mapping is decides whoever wrote it.
  static std::map<std::string, const Node*> flattened(const Node& claims) {
    std::map<std::string, const Node*> flat;
    std::vector<std::pair<std::string, const Node*>> open{{"", &claims}};
    while (!open.empty()) {
      const auto [prefix, map] = std::move(open.back());
      open.pop_back();
      for (const Node::Member& member : map->members()) {
        std::string name = prefix.empty() ? member.key : prefix + "." + member.key;
        if (member.value.is_map()) {
          open.emplace_back(std::move(name), &member.value);
        } else {
          flat.insert_or_assign(std::move(name), &member.value);
        }
      }
    }
    return flat;
  }

  void finish() {
    const Node* policy = route_.find("policy");
    if (!criteria_.empty()) {
      RuleSyntax rule{.action = Action::Allow, .at = route_.position(), .blocks = {}};
      rule.blocks.push_back(
          {.logic = Logic::Or, .at = route_.position(), .criteria = std::move(criteria_)});
      parsed_.policy.rules.push_back(std::move(rule));
    }
    if (policy == nullptr || policy->is_null()) {
      return;
    }
    Parsed own = parse_policy(*policy, keywords_);
    for (RuleSyntax& rule : own.policy.rules) {
      parsed_.policy.rules.push_back(std::move(rule));
    }
    for (Problem& found : own.problems) {
      parsed_.problems.push_back(std::move(found));
    }
  }

  const Node& route_;
  Keywords keywords_;
  std::vector<CriterionSyntax> criteria_;
  Parsed parsed_;
};

bool is_true(const Node* value) {
  return value != nullptr && value->is_bool() && value->as_bool();
}

bool is_present(const Node* value) {
  return value != nullptr && !value->is_null();
}

bool has_path(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t slash = url.find('/', host);
  return slash != std::string_view::npos && url.substr(slash) != "/";
}

}  // namespace

Parsed parse_route(const Node& route, Keywords keywords) {
  return RouteReader(route, keywords).read();
}

Problems validate_route(const Node& route) {
  constexpr std::array<std::string_view, 2> kAllowlists{"allowed_users", "allowed_domains"};
  constexpr std::array<std::string_view, 3> kDestinations{"to", "redirect", "response"};
  Problems problems;
  const Node* open = route.find("allow_public_unauthenticated_access");
  const Node* any_user = route.find("allow_any_authenticated_user");
  if (is_true(open) && is_true(any_user)) {
    problems.push_back({ProblemCode::PublicWithAllowlist,
                        any_user->position(),
                        "a public route asks nobody to sign in: remove "
                        "allow_public_unauthenticated_access or allow_any_authenticated_user"});
  }
  for (const std::string_view key : kAllowlists) {
    const Node* list = route.find(key);
    if (!is_present(list)) {
      continue;
    }
    if (is_true(open)) {
      problems.push_back({ProblemCode::PublicWithAllowlist,
                          list->position(),
                          "a public route is open to everybody: remove "
                          "allow_public_unauthenticated_access or " +
                              std::string(key)});
    }
    if (is_true(any_user)) {
      problems.push_back({ProblemCode::AnyUserWithAllowlist,
                          list->position(),
                          "allow_any_authenticated_user lets in everybody who signs in: remove it "
                          "or " +
                              std::string(key)});
    }
  }
  const Node* groups = route.find("allowed_groups");
  if (groups != nullptr) {
    problems.push_back({ProblemCode::RemovedKey,
                        groups->position(),
                        "allowed_groups was removed: write policy: {allow: {or: [{groups: ID}]}}"});
  }
  const Node* from = route.find("from");
  if (from != nullptr && from->is_string() && has_path(from->text())) {
    problems.push_back({ProblemCode::FromHasPath,
                        from->position(),
                        "'from' names a host: put the path into 'path' or 'prefix'"});
  }
  bool has_destination = false;
  for (const std::string_view key : kDestinations) {
    has_destination = has_destination || is_present(route.find(key));
  }
  if (!has_destination) {
    problems.push_back({ProblemCode::DestinationRequired,
                        route.position(),
                        "a route needs one of to, redirect or response"});
  }
  return problems;
}

}  // namespace vallum::policy
