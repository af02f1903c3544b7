#include "policytools/lint.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "codec/json_writer.h"
#include "http/syntax/authority.h"
#include "policytools/rules.h"
#include "policytools/usual_request.h"
#include "route/settings_table.h"

namespace vallum::policytools {

using codec::Node;
using config::RouteSettings;
using config::Settings;
using policy::Action;
using policy::BlockSyntax;
using policy::CriterionSyntax;
using policy::Logic;
using policy::RuleSyntax;

namespace {

// "/admin" also matches "/administrator"; "/" and "/admin/" match what they seem to.
bool is_lookalike(std::string_view prefix) {
  return prefix.size() > 1 && prefix.starts_with('/') && !prefix.ends_with('/');
}

std::string text_of(const Node& node) {
  std::string text;
  codec::JsonWriter json(text);
  codec::write_node(json, node);
  return text;
}

bool is_named(const CriterionSyntax& criterion, std::string_view name) {
  return criterion.name == name;
}

// The value of one operator of a matcher; null without it.
const Node* operand_of(const CriterionSyntax& criterion, std::string_view operation) {
  for (const Node::Member& member : criterion.operand.members()) {
    if (to_lower(member.key) == operation) {
      return &member.value;
    }
  }
  return nullptr;
}

// The one value that a criterion about one text must equal; null when it asks for anything else.
const Node* exact_value(const CriterionSyntax& criterion) {
  static constexpr auto kOfOneText =
      std::to_array<std::string_view>({"user", "email", "domain", "http_method", "http_path"});
  if (std::ranges::find(kOfOneText, criterion.name) == kOfOneText.end()) {
    return nullptr;
  }
  return criterion.operand.is_map() ? operand_of(criterion, "is") : &criterion.operand;
}

class Linter {
 public:
  explicit Linter(const Settings& settings) : settings_(settings) {}

  config::Diagnostics run() && {
    if (const auto table = route::make_table(settings_)) {
      for (std::uint32_t index = 0; index < settings_.routes.size(); ++index) {
        check_reached(*table, index);
      }
    }
    for (const RouteSettings& route : settings_.routes) {
      route_ = &route;
      check_anyone();
      check_prefix();
      if (route_->written) {
        check_rules(route_->written->syntax);
      }
    }
    config::sort_by_place(found_);
    return std::move(found_);
  }

 private:
  config::Place place_of(std::string_view option) const {
    const auto found = route_->places.find(option);
    return found == route_->places.end() ? route_->place : found->second;
  }
  config::Place place_of(codec::Position at) const {
    return at.line == 0 ? route_->place : config::Place{.source = route_->place.source, .at = at};
  }

  void warn(config::Place place, std::string message, std::string cure) {
    found_.push_back({.severity = config::Severity::Warning,
                      .place = place,
                      .where = config::where(settings_.sources, place),
                      .option = "routes",
                      .message = std::move(message),
                      .cure = std::move(cure)});
  }

  // A route is behind another when even its own path leads there, and all below it, too.
  void check_reached(const route::RouteTable& table, std::uint32_t index) {
    route_ = &settings_.routes[index];
    if (route_->from.kind != config::RouteSource::Kind::Http || route_->from.is_wildcard()) {
      return;
    }
    const std::string host = route_->from.port
                                 ? route_->from.host + ":" + std::to_string(*route_->from.port)
                                 : route_->from.host;
    const auto authority = http::Authority::parse(host);
    if (!authority) {
      return;
    }
    const std::string& path = route_->path.empty() ? route_->prefix : route_->path;
    const auto found = table.find_route(*authority, path.empty() ? "/" : path, http::Method::Get);
    if (!found || *found >= index) {
      return;
    }
    const RouteSettings& before = settings_.routes[*found];
    if (!before.path.empty() && route_->path.empty()) {
      return;  // takes that one path and leaves what is below it
    }
    warn(route_->place,
         "no request reaches this route: the one at " +
             config::where(settings_.sources, before.place) + " comes first and takes them all",
         "put the more particular route first");
  }

  void check_anyone() {
    if (is_allowed(*route_, std::nullopt, usual_attempt(*route_))) {
      warn(route_->place,
           "anyone reaches this route without signing in",
           "say authenticated_user in its policy if that is not meant");
    }
  }

  void check_prefix() {
    if (route_->path.empty() && is_lookalike(route_->prefix)) {
      warn(place_of("prefix"),
           "prefix: also matches " + route_->prefix + "x, not only what is below " + route_->prefix,
           "write " + route_->prefix + "/, and a route with path: " + route_->prefix +
               " for itself");
    }
  }

  void check_rules(const policy::PolicySyntax& policy) {
    for (const Action action : {Action::Allow, Action::Deny}) {
      check_after_accept(policy, action);
    }
    for (const RuleSyntax& rule : policy.rules) {
      for (const BlockSyntax& block : rule.blocks) {
        check_contradiction(block);
        for (const CriterionSyntax& criterion : block.criteria) {
          check_path(criterion);
          check_groups(criterion);
        }
      }
    }
  }

  // A criterion that holds for everybody leaves nothing to its neighbours.
  void check_after_accept(const policy::PolicySyntax& policy, Action action) {
    const CriterionSyntax* accept = nullptr;
    for_each_block(policy, [&](const RuleSyntax& rule, const BlockSyntax& block) {
      if (rule.action == action && accept == nullptr) {
        accept = accept_alone(block);
      }
    });
    if (accept == nullptr) {
      return;
    }
    for_each_block(policy, [&](const RuleSyntax& rule, const BlockSyntax& block) {
      if (rule.action == action) {
        warn_beside(*accept, block, action);
      }
    });
  }

  // The criterion that makes the block hold for everybody; null when it does not.
  static const CriterionSyntax* accept_alone(const BlockSyntax& block) {
    const bool is_one = block.criteria.size() == 1 && block.logic == Logic::And;
    if (block.logic != Logic::Or && !is_one) {
      return nullptr;
    }
    const auto found = std::ranges::find(block.criteria, "accept", &CriterionSyntax::name);
    return found == block.criteria.end() ? nullptr : &*found;
  }

  void warn_beside(const CriterionSyntax& accept, const BlockSyntax& block, Action action) {
    for (const CriterionSyntax& criterion : block.criteria) {
      if (&criterion == &accept) {
        continue;
      }
      warn(place_of(criterion.at),
           criterion.name + ": changes nothing, for accept at " +
               config::where(settings_.sources, place_of(accept.at)) +
               (action == Action::Allow ? " allows everybody" : " denies everybody"),
           "remove one of them");
      return;  // one for a block is enough
    }
  }

  // "and" of what cannot be at once.
  void check_contradiction(const BlockSyntax& block) {
    if (block.logic != Logic::And) {
      return;
    }
    for (std::size_t i = 0; i < block.criteria.size(); ++i) {
      const CriterionSyntax& criterion = block.criteria[i];
      if (is_named(criterion, "reject") && block.criteria.size() > 1) {
        warn(place_of(block.at), "and: never holds, for reject is part of it", "remove the rule");
        return;
      }
      const Node* value = exact_value(criterion);
      for (std::size_t j = 0; j < i && value != nullptr; ++j) {
        const Node* other = exact_value(block.criteria[j]);
        if (block.criteria[j].name == criterion.name && other != nullptr &&
            !other->equals(*value)) {
          warn(place_of(criterion.at),
               "and: never holds, for " + criterion.name + " cannot be " + text_of(*other) +
                   " and " + text_of(*value) + " at once",
               "write or, or in: [...]");
          return;
        }
      }
    }
  }

  void check_path(const CriterionSyntax& criterion) {
    if (!is_named(criterion, "http_path")) {
      return;
    }
    const Node* prefix = operand_of(criterion, "starts_with");
    if (prefix != nullptr && is_lookalike(prefix->text())) {
      warn(place_of(prefix->position()),
           "http_path: starts_with " + prefix->text() + " also matches " + prefix->text() + "x",
           "write " + prefix->text() + "/, and is: " + prefix->text() + " for itself");
    }
  }

  void check_groups(const CriterionSyntax& criterion) {
    if (!is_named(criterion, "groups")) {
      return;
    }
    const Node& operand = criterion.operand;
    const Node* const has = operand.is_map() ? operand_of(criterion, "has") : &operand;
    if (operand.is_map() && operand.members().empty()) {
      warn(place_of(criterion.at),
           "groups: names no group, so it holds for everybody whom the directory knows",
           "write has: and a group");
    } else if (has != nullptr && ((has->is_string() && has->text().empty()) ||
                                  (has->is_list() && has->items().empty()) || has->is_null())) {
      warn(place_of(criterion.at),
           "groups: an empty group, which nobody is in",
           "write has: and a group");
    }
  }

  const Settings& settings_;
  const RouteSettings* route_ = nullptr;
  config::Diagnostics found_;
};

}  // namespace

config::Diagnostics lint(const Settings& settings) {
  return Linter(settings).run();
}

}  // namespace vallum::policytools
