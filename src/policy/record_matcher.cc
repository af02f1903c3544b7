#include "policy/record_matcher.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "policy/keys.h"

namespace vallum::policy {

namespace {

using codec::Node;

struct Operator {
  std::string_view name;
  Comparison comparison;
};

constexpr std::array<Operator, 14> kOperators{{
    {"is", Comparison::IsOnly},
    {"=", Comparison::IsOnly},
    {"not", Comparison::IsNot},
    {"contains", Comparison::Contains},
    {"starts_with", Comparison::StartsWith},
    {"ends_with", Comparison::EndsWith},
    {"in", Comparison::In},
    {"not_in", Comparison::NotIn},
    {"has", Comparison::Has},
    {"exclude", Comparison::Excludes},
    {"<", Comparison::Less},
    {"<=", Comparison::AtMost},
    {">=", Comparison::AtLeast},
    {">", Comparison::Greater},
}};

// What a record criterion may say, for the message about what it may not.
constexpr std::array<std::string_view, 17> kNames{"type",
                                                  "field",
                                                  "exists",
                                                  "is",
                                                  "not",
                                                  "contains",
                                                  "starts_with",
                                                  "ends_with",
                                                  "in",
                                                  "not_in",
                                                  "has",
                                                  "exclude",
                                                  "=",
                                                  "<",
                                                  "<=",
                                                  ">=",
                                                  ">"};

// What an operator wants: nothing when anything will do.
std::string_view wanted_kind(Comparison comparison, const Node& operand) {
  switch (comparison) {
    case Comparison::In:
    case Comparison::NotIn:
      return operand.is_list() ? "" : "a list, even for one value";
    case Comparison::Contains:
    case Comparison::StartsWith:
    case Comparison::EndsWith:
      return operand.is_string() ? "" : "a string";
    case Comparison::Less:
    case Comparison::AtMost:
    case Comparison::AtLeast:
    case Comparison::Greater:
      return operand.is_string() || operand.kind() == Node::Kind::Number ? ""
                                                                         : "a number or a string";
    default:
      return "";
  }
}

class RecordReader {
 public:
  RecordReader(Keywords keywords, Problems& problems) : keywords_(keywords), problems_(problems) {}

  std::optional<RecordMatcher> read(const Node& operand) && {
    if (!operand.is_map()) {
      refuse(operand.position(),
             "record needs a mapping, as in {type: example.com/device, exists: true}, not " +
                 std::string(kind_name(operand)));
      return std::nullopt;
    }
    const std::size_t before = problems_.size();
    for (const NamedMember& named : named_members(operand, keywords_, problems_)) {
      read_member(named);
    }
    if (problems_.size() == before) {
      check_whole(operand);
    }
    return problems_.size() == before ? std::optional(std::move(matcher_)) : std::nullopt;
  }

 private:
  void refuse(codec::Position at, std::string text) {
    problems_.push_back({ProblemCode::UnknownCriterion, at, std::move(text)});
  }

  void refuse_kind(const NamedMember& named, std::string_view wanted) {
    refuse(named.member->value.position(),
           quoted(named.name) + " needs " + std::string(wanted) + ", not " +
               std::string(kind_name(named.member->value)));
  }

  void read_member(const NamedMember& named) {
    const Node& value = named.member->value;
    if (named.name == "type" || named.name == "field") {
      if (value.text().empty() || !value.is_string()) {
        refuse_kind(named, "a name");
      } else {
        (named.name == "type" ? matcher_.type : matcher_.field) = value.text();
      }
    } else if (named.name == "exists") {
      if (!value.is_bool()) {
        refuse_kind(named, "true or false");
      } else {
        matcher_.exists = value.as_bool();
      }
    } else {
      read_operator(named);
    }
  }

  void read_operator(const NamedMember& named) {
    const auto* const known = std::ranges::find(kOperators, named.name, &Operator::name);
    if (known == kOperators.end()) {
      refuse(named.member->position,
             unknown_name(named.member->key, "a field or an operator of record", kNames));
      return;
    }
    const Node& value = named.member->value;
    const std::string_view wanted = wanted_kind(known->comparison, value);
    if (!wanted.empty()) {
      refuse_kind(named, wanted);
      return;
    }
    Condition condition{.comparison = known->comparison, .operands = {}};
    if (known->comparison == Comparison::In || known->comparison == Comparison::NotIn) {
      std::ranges::transform(value.items(), std::back_inserter(condition.operands), constant_of);
    } else {
      condition.operands.push_back(constant_of(value));
    }
    matcher_.matcher.push_back(std::move(condition));
  }

  void check_whole(const Node& operand) {
    if (matcher_.type.empty()) {
      refuse(operand.position(), "record needs the type of the records, as in type: geoip");
    } else if (!matcher_.exists && matcher_.matcher.empty()) {
      refuse(operand.position(), "record needs exists, or a field and an operator");
    } else if (!matcher_.matcher.empty() && matcher_.field.empty()) {
      refuse(operand.position(), "record needs the field that its operators are about");
    }
  }

  Keywords keywords_;
  Problems& problems_;
  RecordMatcher matcher_;
};

}  // namespace

std::optional<RecordMatcher> read_record(const Node& operand,
                                         Keywords keywords,
                                         Problems& problems) {
  return RecordReader(keywords, problems).read(operand);
}

}  // namespace vallum::policy
