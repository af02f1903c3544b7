#include "policy/syntax.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "policy/criterion.h"
#include "policy/keys.h"

namespace vallum::policy {

namespace {

using codec::Node;

std::optional<Action> action_of(std::string_view name) {
  if (name == "allow") {
    return Action::Allow;
  }
  if (name == "deny") {
    return Action::Deny;
  }
  return std::nullopt;
}

std::optional<Logic> logic_of(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames{"and", "or", "not", "nor"};
  const auto* const at = std::ranges::find(kNames, name);
  if (at == kNames.end()) {
    return std::nullopt;
  }
  return static_cast<Logic>(at - kNames.begin());
}

class Reader {
 public:
  explicit Reader(Keywords keywords) : keywords_(keywords) {}

  Parsed read(const Node& policy) && {
    if (policy.is_map()) {
      read_rules(policy);
    } else if (policy.is_list()) {
      for (const Node& element : policy.items()) {
        read_element(element);
      }
    } else {
      add(ProblemCode::PolicyMustBeObjectOrArray,
          policy.position(),
          std::string("a policy is a mapping with 'allow' and 'deny', or a list of such mappings, "
                      "not ")
              .append(kind_name(policy)));
    }
    return {std::move(policy_), std::move(problems_)};
  }

 private:
  void add(ProblemCode code, codec::Position at, std::string text) {
    problems_.push_back({code, at, std::move(text)});
  }

  void read_element(const Node& element) {
    if (!element.is_map()) {
      add(ProblemCode::RulesArrayElementMustBeObject,
          element.position(),
          std::string("each element of a policy list is a mapping with 'allow' or 'deny', not ")
              .append(kind_name(element)));
      return;
    }
    read_rules(element);
  }

  void read_rules(const Node& rules) {
    for (const NamedMember& named : named_members(rules, keywords_, problems_)) {
      const std::optional<Action> action = action_of(named.name);
      if (!action) {
        add(ProblemCode::UnsupportedAction, named.member->position, no_action(*named.member));
        continue;
      }
      if (!named.member->value.is_map()) {
        add(ProblemCode::ActionValueMustBeObject,
            named.member->value.position(),
            quoted(named.name) + " needs a mapping with and, or, not or nor, not " +
                std::string(kind_name(named.member->value)));
        continue;
      }
      read_body(*action, *named.member);
    }
  }

  static std::string no_action(const Node::Member& member) {
    if (find_criterion(member.key.substr(0, member.key.find('/')))) {
      return quoted(member.key) + " is a criterion: write it as an element of allow: {or: [...]}";
    }
    if (logic_of(member.key)) {
      return quoted(member.key) + " stands inside an action: write allow: {" + member.key +
             ": [...]}";
    }
    return quoted(member.key) + " is not an action: write allow or deny";
  }

  void read_body(Action action, const Node::Member& rule) {
    RuleSyntax syntax{.action = action, .at = rule.position, .blocks = {}};
    for (const NamedMember& named : named_members(rule.value, keywords_, problems_)) {
      if (named.name == "action") {
        continue;
      }
      const std::optional<Logic> logic = logic_of(named.name);
      if (!logic) {
        add(ProblemCode::UnsupportedConditional, named.member->position, no_logic(*named.member));
        continue;
      }
      if (!named.member->value.is_list()) {
        add(ProblemCode::OperatorValueMustBeArray,
            named.member->value.position(),
            quoted(named.name) + " needs a list of criteria, even for one, not " +
                std::string(kind_name(named.member->value)));
        continue;
      }
      BlockSyntax block{.logic = *logic, .at = named.member->position, .criteria = {}};
      for (const Node& criterion : named.member->value.items()) {
        read_criterion(criterion, block);
      }
      if (!block.criteria.empty()) {
        syntax.blocks.push_back(std::move(block));
      }
    }
    if (!syntax.blocks.empty()) {
      policy_.rules.push_back(std::move(syntax));
    }
  }

  static std::string no_logic(const Node::Member& member) {
    if (find_criterion(member.key.substr(0, member.key.find('/')))) {
      return quoted(member.key) + " is a criterion: put it into a list, as in or: [{" + member.key +
             ": ...}]";
    }
    return quoted(member.key) + " is not an operator: write and, or, not or nor";
  }

  void read_criterion(const Node& criterion, BlockSyntax& block) {
    if (!criterion.is_map()) {
      add(ProblemCode::CriterionMustBeObject,
          criterion.position(),
          std::string("a criterion is a mapping of its name to its data, as in {email: "
                      "a@example.com}, not ")
              .append(kind_name(criterion)));
      return;
    }
    const std::vector<NamedMember> members = named_members(criterion, keywords_, problems_);
    if (members.size() != 1) {
      add(ProblemCode::CriterionMustHaveOneKey,
          criterion.position(),
          members.empty() ? "a criterion needs a name, as in {accept: true}"
                          : "a criterion has exactly one name: make " + quoted(members[1].name) +
                                " an element of its own");
      return;
    }
    const NamedMember& named = members.front();
    const std::size_t slash = named.name.find('/');
    block.criteria.push_back(
        {.name = named.name.substr(0, slash),
         .subpath = slash == std::string::npos ? "" : named.name.substr(slash + 1),
         .at = named.member->position,
         .operand = named.member->value});
  }

  Keywords keywords_;
  PolicySyntax policy_;
  Problems problems_;
};

}  // namespace

Parsed parse_policy(const Node& policy, Keywords keywords) {
  return Reader(keywords).read(policy);
}

Parsed parse_policy_text(std::string_view text, TextFormat format, Keywords keywords) {
  const bool yaml = format == TextFormat::Yaml;
  if (yaml && trim_space(text).empty()) {
    return {.policy = {},
            .problems = {{ProblemCode::MalformedYaml, {1, 1}, "the document is empty"}}};
  }
  const codec::ReadResult<Node> node = yaml ? codec::parse_yaml(text) : codec::parse_json(text);
  if (!node) {
    const ProblemCode code = yaml ? ProblemCode::MalformedYaml : ProblemCode::MalformedJson;
    return {.policy = {}, .problems = {{code, node.error().position, node.error().text}}};
  }
  return parse_policy(*node, keywords);
}

}  // namespace vallum::policy
