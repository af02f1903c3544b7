#include "databroker/filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>
#include <utility>

#include "base/strings.h"
#include "codec/rfc3339.h"

namespace vallum::databroker {
namespace {

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  return read.ec == std::errc() && read.ptr == end ? std::optional(value) : std::nullopt;
}

std::optional<std::int64_t> whole_of(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  return read.ec == std::errc() && read.ptr == end ? std::optional(value) : std::nullopt;
}

// Numbers by value, times by time, everything else by its bytes.
std::partial_ordering compare(std::string_view a, std::string_view b) {
  // Whole numbers first: a double would not tell large ones apart.
  if (const auto x = whole_of(a), y = whole_of(b); x && y) {
    return *x <=> *y;
  }
  if (const auto x = number_of(a), y = number_of(b); x && y) {
    return *x <=> *y;
  }
  if (const auto x = codec::parse_rfc3339(a), y = codec::parse_rfc3339(b); x && y) {
    return *x <=> *y;
  }
  return a <=> b;
}

// The one text whose field_path() is this: {"", "a"} is not "a".
std::string name_of(const FieldPath& path) {
  std::string name;
  for (std::size_t i = 0; i < path.size(); ++i) {
    name.append(i == 0 ? "" : ".").append(path[i]);
  }
  return name;
}

bool is_field(const FieldPath& path, std::string_view name) {
  return path.size() == 1 && path.front() == name;
}

}  // namespace

class Filter::Parser {
 public:
  Result<Node> object(const FieldPath& path, const Payload& from, int depth_left) {
    if (depth_left <= 0) {
      return fail(ErrorKind::InvalidInput, "filter: too many levels");
    }
    Node all = node_of(Kind::And);
    for (std::size_t i = 0; i < from.names.size(); ++i) {
      TRY(auto item, member(path, from.names[i], from.items[i], depth_left - 1));
      all.items.push_back(std::move(item));
    }
    return all;
  }

 private:
  struct Operator {
    std::string_view name;
    Test test;
    bool is_negated;
    bool of_times;
  };
  static constexpr auto kOperators = std::to_array<Operator>({
      {"=", Test::Equal, false, false},
      {"==", Test::Equal, false, false},
      {"$eq", Test::Equal, false, false},
      {"$equals", Test::Equal, false, false},
      {"$is", Test::Equal, false, false},
      {"!=", Test::Equal, true, false},
      {"$doesNotEqual", Test::Equal, true, false},
      {"<", Test::Less, false, false},
      {"<=", Test::LessOrEqual, false, false},
      {">", Test::Greater, false, false},
      {">=", Test::GreaterOrEqual, false, false},
      {"$before", Test::Less, false, true},
      {"$onOrBefore", Test::LessOrEqual, false, true},
      {"$after", Test::Greater, false, true},
      {"$onOrAfter", Test::GreaterOrEqual, false, true},
      {"$contains", Test::Contains, false, false},
      {"$doesNotContain", Test::Contains, true, false},
      {"$startsWith", Test::StartsWith, false, false},
      {"$endsWith", Test::EndsWith, false, false},
      {"$isEmpty", Test::Empty, false, false},
      {"$isNotEmpty", Test::Empty, true, false},
  });

  // One key of an object.
  Result<Node> member(const FieldPath& path,
                      const std::string& name,
                      const Payload& value,
                      int depth_left) {
    if (name == "$and" || name == "$or") {
      if (value.kind != Payload::Kind::List) {
        return fail(ErrorKind::InvalidInput, "filter: " + name + " takes a list");
      }
      return any_or_all(path, name == "$or" ? Kind::Or : Kind::And, value, depth_left);
    }
    if (name == "$not") {
      TRY(auto item, condition(path, value, depth_left));
      return negated(std::move(item));
    }
    if (name == "$isAnyOf") {
      if (value.kind != Payload::Kind::List ||
          !std::ranges::all_of(value.items, &Payload::is_scalar)) {
        return fail(ErrorKind::InvalidInput, "filter: $isAnyOf takes a list of values");
      }
      return any_or_all(path, Kind::Or, value, depth_left);
    }
    const auto* const known = std::ranges::find(kOperators, name, &Operator::name);
    if (known != kOperators.end()) {
      TRY(auto item, term(path, *known, value));
      return item;
    }
    if (name.empty() || (name.starts_with('$') && name != kNetworkField)) {
      return fail(ErrorKind::InvalidInput, "filter: unknown operator '" + name + "'");
    }
    FieldPath deeper = path;
    for (std::string& part : field_path(name)) {
      deeper.push_back(std::move(part));
    }
    return condition(deeper, value, depth_left);
  }

  Result<Node> condition(const FieldPath& path, const Payload& value, int depth_left) {
    switch (value.kind) {
      case Payload::Kind::Object:
        return object(path, value, depth_left);
      case Payload::Kind::List:
        return any_or_all(path, Kind::Or, value, depth_left);
      case Payload::Kind::Null:
      case Payload::Kind::Bool:
      case Payload::Kind::Number:
      case Payload::Kind::Text:
      case Payload::Kind::Bytes:
        break;
    }
    return term(path, kOperators.front(), value);
  }

  Result<Node> any_or_all(const FieldPath& path, Kind kind, const Payload& list, int depth_left) {
    if (depth_left <= 0) {
      return fail(ErrorKind::InvalidInput, "filter: too many levels");
    }
    Node node = node_of(kind);
    for (const Payload& item : list.items) {
      TRY(auto made, condition(path, item, depth_left - 1));
      node.items.push_back(std::move(made));
    }
    return node;
  }

  static Node node_of(Kind kind) {
    Node node;
    node.kind = kind;
    return node;
  }

  static Node negated(Node node) {
    Node outer = node_of(Kind::Not);
    outer.items.push_back(std::move(node));
    return outer;
  }

  Result<Node> term(const FieldPath& path, Operator how, const Payload& operand) {
    if (path.empty()) {
      return fail(ErrorKind::InvalidInput, "filter: a value stands where a field is needed");
    }
    if (path.size() > static_cast<std::size_t>(kPayloadDepthMax)) {
      return fail(ErrorKind::InvalidInput, "filter: too many levels");
    }
    if (++terms_ > kTermsMax) {
      return fail(ErrorKind::InvalidInput, "filter: too many terms");
    }
    Node node = node_of(Kind::Term);
    node.path = path;
    node.test = how.test;
    node.operand = operand;
    if (auto usable = check(node, how); !usable) {
      return fail(std::move(usable).error());
    }
    if (node.test == Test::Empty && operand.text == "false") {
      how.is_negated = !how.is_negated;
    }
    return how.is_negated ? negated(std::move(node)) : std::move(node);
  }

  static Result<void> check(Node& node, const Operator& how) {
    const auto refuse = [&](std::string_view reason) -> Result<void> {
      return fail(ErrorKind::InvalidInput,
                  std::string("filter: ").append(name_of(node.path)).append(" ").append(how.name) +
                      ": " + std::string(reason));
    };
    const Payload& operand = node.operand;
    if (!operand.is_scalar()) {
      return refuse("takes one value");
    }
    if (is_field(node.path, kNetworkField)) {
      const auto network = IpPrefix::parse(operand.text);
      if (node.test != Test::Equal || !network) {
        return refuse("takes an address or a network, and is only compared for equality");
      }
      node.test = Test::InNetwork;
      node.network = *network;
      return {};
    }
    switch (node.test) {
      case Test::Equal:
      case Test::InNetwork:
        return {};
      case Test::Empty:
        return operand.kind == Payload::Kind::Bool || operand.kind == Payload::Kind::Null
                   ? Result<void>()
                   : refuse("takes true or false");
      case Test::Less:
      case Test::LessOrEqual:
      case Test::Greater:
      case Test::GreaterOrEqual:
        if (how.of_times) {
          node.time = codec::parse_rfc3339(operand.text);
          return node.time ? Result<void>() : refuse("takes a time of RFC 3339");
        }
        return operand.kind == Payload::Kind::Number || operand.kind == Payload::Kind::Text
                   ? Result<void>()
                   : refuse("takes a number or a text");
      case Test::Contains:
      case Test::StartsWith:
      case Test::EndsWith:
        return operand.kind == Payload::Kind::Text ? Result<void>() : refuse("takes a text");
    }
    return refuse("cannot be used");
  }

  std::size_t terms_ = 0;
};

// Judges one record.
class Filter::Judge {
 public:
  Judge(const Record& record, const std::optional<Payload>& payload)
      : record_(record), payload_(payload) {}

  bool holds(const Node& node) const {
    switch (node.kind) {
      case Kind::And:
        return std::ranges::all_of(node.items, [this](const Node& item) { return holds(item); });
      case Kind::Or:
        return std::ranges::any_of(node.items, [this](const Node& item) { return holds(item); });
      case Kind::Not:
        return !holds(node.items.front());
      case Kind::Term:
        break;
    }
    return term_holds(node);
  }

 private:
  bool term_holds(const Node& term) const {
    if (is_field(term.path, "id")) {
      return test_text(term, record_.id);
    }
    if (is_field(term.path, "type")) {
      return test_text(term, record_.type);
    }
    FieldPath path = term.path;
    if (term.test == Test::InNetwork) {
      path.emplace_back("cidr");
    }
    const auto found = payload_ ? find_at(*payload_, path) : std::vector<const Payload*>();
    if (term.test == Test::Empty) {
      return std::ranges::all_of(found, is_empty);
    }
    if (term.operand.kind == Payload::Kind::Null) {
      return std::ranges::all_of(found,
                                 [](const Payload* p) { return p->kind == Payload::Kind::Null; });
    }
    return std::ranges::any_of(found, [&](const Payload* p) { return test(term, *p); });
  }

  static bool test_text(const Node& term, const std::string& text) {
    const Payload payload{.kind = Payload::Kind::Text, .text = text, .names = {}, .items = {}};
    if (term.test == Test::Empty) {
      return is_empty(&payload);
    }
    return term.operand.kind != Payload::Kind::Null && test(term, payload);
  }

  static bool is_empty(const Payload* payload) {
    return payload->is_scalar() ? payload->kind == Payload::Kind::Null || payload->text.empty()
                                : payload->items.empty();
  }

  static bool test(const Node& term, const Payload& found) {
    if (!found.is_scalar() || found.kind == Payload::Kind::Null) {
      return false;
    }
    const std::string& text = found.text;
    const std::string& operand = term.operand.text;
    switch (term.test) {
      case Test::Equal:
        return text == operand;
      case Test::Less:
        return order(term, text) < 0;
      case Test::LessOrEqual:
        return order(term, text) <= 0;
      case Test::Greater:
        return order(term, text) > 0;
      case Test::GreaterOrEqual:
        return order(term, text) >= 0;
      case Test::Contains:
        return text.contains(operand);
      case Test::StartsWith:
        return text.starts_with(operand);
      case Test::EndsWith:
        return text.ends_with(operand);
      case Test::InNetwork: {
        const auto network = IpPrefix::parse(text);
        return network && network->bits() <= term.network.bits() &&
               network->contains(term.network.address());
      }
      case Test::Empty:
        break;
    }
    return false;
  }

  static std::partial_ordering order(const Node& term, std::string_view text) {
    if (!term.time) {
      return compare(text, term.operand.text);
    }
    const auto time = codec::parse_rfc3339(text);
    return time ? std::partial_ordering(*time <=> *term.time) : std::partial_ordering::unordered;
  }

  const Record& record_;
  const std::optional<Payload>& payload_;
};

Result<Filter> Filter::parse(const Payload& object) {
  Filter filter;
  TRY(filter.root_, Parser().object({}, object, kDepthMax));
  filter.source_ = object;
  return filter;
}

bool Filter::looks_into_values() const {
  std::vector<const Node*> left = {&root_};
  while (!left.empty()) {
    const Node& node = *left.back();
    left.pop_back();
    if (node.kind == Kind::Term && !is_field(node.path, "id") && !is_field(node.path, "type")) {
      return true;
    }
    for (const Node& item : node.items) {
      left.push_back(&item);
    }
  }
  return false;
}

bool Filter::matches(const Record& record, const std::optional<Payload>& payload) const {
  return Judge(record, payload).holds(root_);
}

std::optional<Filter::Lookup> Filter::lookup(const TypeOptions* options) const {
  return lookup(root_, options);
}

std::optional<Filter::Lookup> Filter::lookup(const Node& node, const TypeOptions* options) {
  switch (node.kind) {
    case Kind::Not:
      return std::nullopt;
    case Kind::Term:
      return lookup_term(node, options);
    case Kind::And: {
      // Any one of them narrows enough; ids narrow most.
      std::optional<Lookup> best;
      for (const Node& item : node.items) {
        std::optional<Lookup> found = lookup(item, options);
        if (found && (!best || (!best->probes.empty() && found->probes.empty()))) {
          best = std::move(found);
        }
      }
      return best;
    }
    case Kind::Or:
      break;
  }
  Lookup all;
  for (const Node& item : node.items) {
    std::optional<Lookup> found = lookup(item, options);
    if (!found) {
      return std::nullopt;
    }
    all.ids.insert(all.ids.end(), found->ids.begin(), found->ids.end());
    all.probes.insert(all.probes.end(), found->probes.begin(), found->probes.end());
  }
  return all;
}

std::optional<Filter::Lookup> Filter::lookup_term(const Node& term, const TypeOptions* options) {
  if (term.test == Test::InNetwork) {
    return Lookup{.ids = {}, .probes = probes_for(term.network)};
  }
  if (term.test != Test::Equal || term.operand.kind == Payload::Kind::Null) {
    return std::nullopt;
  }
  if (is_field(term.path, "id")) {
    return Lookup{.ids = {term.operand.text}, .probes = {}};
  }
  const std::string field = name_of(term.path);
  if (field == "type" || options == nullptr ||
      std::ranges::find(options->indexable_fields, field) == options->indexable_fields.end()) {
    return std::nullopt;
  }
  return Lookup{.ids = {}, .probes = probes_for(field, term.operand.text)};
}

bool has_text(const Payload& payload, std::string_view lower) {
  if (payload.kind == Payload::Kind::Text) {
    return to_lower(payload.text).contains(lower);
  }
  return std::ranges::any_of(payload.items,
                             [lower](const Payload& item) { return has_text(item, lower); });
}

}  // namespace vallum::databroker
