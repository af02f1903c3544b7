#include "policy/value.h"

#include <algorithm>
#include <charconv>
#include <compare>
#include <cstddef>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/strings.h"

namespace vallum::policy {

namespace {

using codec::Node;

struct Decimal {
  std::string digits;  // no leading and no trailing zeros; "" for zero
  std::int64_t exponent = 0;
};

// Reads "12.50e3" as digits and a power of ten. Nothing for anything else.
std::optional<Decimal> parse_decimal(std::string_view text) {
  constexpr std::int64_t kExponentMax = 1'000'000'000'000;
  Decimal decimal;
  const std::size_t mark = text.find_first_of("eE");
  if (mark != std::string_view::npos) {
    std::string_view exponent = text.substr(mark + 1);
    if (exponent.starts_with('+')) {
      exponent.remove_prefix(1);
    }
    const char* const end = exponent.data() + exponent.size();
    const auto [stop, error] = std::from_chars(exponent.data(), end, decimal.exponent);
    if (error != std::errc{} || stop != end || decimal.exponent > kExponentMax ||
        decimal.exponent < -kExponentMax) {
      return std::nullopt;
    }
    text = text.substr(0, mark);
  }
  const std::size_t point = text.find('.');
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  decimal.digits.append(text.substr(0, point)).append(fraction);
  if (decimal.digits.empty() || !std::ranges::all_of(decimal.digits, is_ascii_digit)) {
    return std::nullopt;
  }
  decimal.exponent -= static_cast<std::int64_t>(fraction.size());
  decimal.digits.erase(0, std::min(decimal.digits.find_first_not_of('0'), decimal.digits.size()));
  const std::size_t significant = decimal.digits.find_last_not_of('0') + 1;
  decimal.exponent += static_cast<std::int64_t>(decimal.digits.size() - significant);
  decimal.digits.resize(significant);
  return decimal;
}

void append_number(std::string_view text, std::string& to) {
  const bool negative = text.starts_with('-');
  std::string_view magnitude = text;
  magnitude.remove_prefix(negative ? 1 : 0);
  const std::optional<Decimal> decimal = parse_decimal(magnitude);
  if (!decimal) {
    to.append(text);
    return;
  }
  if (decimal->digits.empty()) {
    to.push_back('0');
    return;
  }
  to.append(negative ? "-" : "").append(decimal->digits);
  if (decimal->exponent != 0) {
    to.append("e").append(std::to_string(decimal->exponent));
  }
}

// A number as append_number() writes it, ready to be compared: 0.digits times ten to the power of
// `magnitude`. Borrows.
struct Magnitude {
  bool negative = false;
  std::string_view digits;
  std::int64_t magnitude = 0;
};

std::optional<Magnitude> magnitude_of(std::string_view canonical) {
  Magnitude number{.negative = canonical.starts_with('-'), .digits = canonical, .magnitude = 0};
  number.digits.remove_prefix(number.negative ? 1 : 0);
  const std::size_t mark = number.digits.find('e');
  if (mark != std::string_view::npos) {
    const std::string_view exponent = number.digits.substr(mark + 1);
    const char* const end = exponent.data() + exponent.size();
    const auto [stop, error] = std::from_chars(exponent.data(), end, number.magnitude);
    if (error != std::errc{} || stop != end) {
      return std::nullopt;
    }
    number.digits = number.digits.substr(0, mark);
  }
  if (!std::ranges::all_of(number.digits, is_ascii_digit)) {
    return std::nullopt;
  }
  number.magnitude += static_cast<std::int64_t>(number.digits.size());
  return number;
}

std::partial_ordering order_numbers(std::string_view a, std::string_view b) {
  const std::optional<Magnitude> x = magnitude_of(a);
  const std::optional<Magnitude> y = magnitude_of(b);
  if (!x || !y) {
    return std::partial_ordering::unordered;
  }
  const auto sign = [](const Magnitude& number) {
    return number.digits == "0" ? 0 : number.negative ? -1 : 1;
  };
  if (sign(*x) != sign(*y)) {
    return sign(*x) <=> sign(*y);
  }
  std::strong_ordering bigger = x->magnitude <=> y->magnitude;
  if (bigger == std::strong_ordering::equal) {
    // As fractions: "25" is less than "3".
    bigger = x->digits <=> y->digits;
  }
  return sign(*x) < 0 ? 0 <=> bigger : bigger;
}

void append_quoted(std::string_view text, std::string& to) {
  to.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      to.push_back('\\');
    }
    to.push_back(c);
  }
  to.push_back('"');
}

void append_scalar(const Node& node, std::string& to) {
  switch (node.kind()) {
    case Node::Kind::Null:
      to.append("null");
      return;
    case Node::Kind::Bool:
      to.append(node.as_bool() ? "true" : "false");
      return;
    case Node::Kind::Number:
      append_number(node.text(), to);
      return;
    case Node::Kind::String:
      append_quoted(node.text(), to);
      return;
    case Node::Kind::List:
    case Node::Kind::Map:
      return;
  }
}

// A container that is being written.
struct Open {
  const Node* node;
  std::vector<const Node::Member*> members;  // sorted by key, the last of equal keys
  std::size_t next = 0;

  std::size_t size() const { return node->is_map() ? members.size() : node->items().size(); }
};

Open open(const Node& node) {
  std::map<std::string_view, const Node::Member*> last_of_key;
  for (const Node::Member& member : node.members()) {
    last_of_key.insert_or_assign(member.key, &member);
  }
  Open opened{.node = &node, .members = {}};
  for (const auto& [key, member] : last_of_key) {
    opened.members.push_back(member);
  }
  return opened;
}

// A stack of its own instead of recursion: the depth is the document's.
void append_composite(const Node& root, std::string& to) {
  std::vector<Open> stack;
  stack.push_back(open(root));
  to.push_back(root.is_map() ? '{' : '[');
  while (!stack.empty()) {
    Open& top = stack.back();
    if (top.next == top.size()) {
      to.push_back(top.node->is_map() ? '}' : ']');
      stack.pop_back();
      continue;
    }
    if (top.next > 0) {
      to.push_back(',');
    }
    const std::size_t at = top.next++;
    if (top.node->is_map()) {
      append_quoted(top.members[at]->key, to);
      to.push_back(':');
    }
    const Node& child = top.node->is_map() ? top.members[at]->value : top.node->items()[at];
    if (child.is_scalar()) {
      append_scalar(child, to);
      continue;
    }
    to.push_back(child.is_map() ? '{' : '[');
    stack.push_back(open(child));
  }
}

static_assert(std::is_trivially_destructible_v<Value> && std::is_trivially_destructible_v<Claim>);
static_assert(alignof(Claim) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
static_assert(sizeof(Claim) % alignof(Value) == 0);

// Collects values whose text does not lie still yet.
class Assembly {
 public:
  void add(const Node& node) {
    const std::size_t from = text_.size();
    append_canonical(node, text_);
    pieces_.push_back({value_kind(node), from, text_.size() - from});
  }
  void add_string(std::string_view string) {
    pieces_.push_back({Value::Kind::String, text_.size(), string.size()});
    text_.append(string);
  }
  std::size_t size() const { return pieces_.size(); }

  // Memory for `claims` claims, the values and their text, in this order. The claims are not there
  // yet.
  ValueMemory finish(std::size_t claims, std::span<const Value>& values) const {
    const std::size_t values_at = claims * sizeof(Claim);
    const std::size_t text_at = values_at + pieces_.size() * sizeof(Value);
    auto memory = std::make_unique_for_overwrite<std::byte[]>(text_at + text_.size());
    std::ranges::copy(as_bytes(text_), memory.get() + text_at);
    const std::string_view text = as_text({memory.get() + text_at, text_.size()});
    std::byte* at = memory.get() + values_at;
    const Value* first = nullptr;
    for (const Piece& piece : pieces_) {
      const auto* made = ::new (at) Value(piece.kind, text.substr(piece.from, piece.size));
      first = first == nullptr ? made : first;
      at += sizeof(Value);
    }
    values = {first, pieces_.size()};
    return memory;
  }

 private:
  struct Piece {
    Value::Kind kind;
    std::size_t from;
    std::size_t size;
  };
  std::string text_;
  std::vector<Piece> pieces_;
};

void add_list(const Node& list, Assembly& to) {
  if (!list.is_list()) {
    to.add(list);
    return;
  }
  for (const Node& item : list.items()) {
    to.add(item);
  }
}

}  // namespace

std::partial_ordering Value::order(const Value& a, const Value& b) {
  if (a.kind_ == Kind::Number && b.kind_ == Kind::Number) {
    return order_numbers(a.text_, b.text_);
  }
  if (a.kind_ == Kind::String && b.kind_ == Kind::String) {
    return a.text_ <=> b.text_;
  }
  return std::partial_ordering::unordered;
}

Value::Kind value_kind(const Node& node) {
  switch (node.kind()) {
    case Node::Kind::Null:
      return Value::Kind::Null;
    case Node::Kind::Bool:
      return Value::Kind::Bool;
    case Node::Kind::Number:
      return Value::Kind::Number;
    case Node::Kind::String:
      return Value::Kind::String;
    case Node::Kind::List:
    case Node::Kind::Map:
      break;
  }
  return Value::Kind::Composite;
}

void append_canonical(const Node& node, std::string& to) {
  if (node.is_string()) {
    to.append(node.text());
  } else if (node.is_scalar()) {
    append_scalar(node, to);
  } else {
    append_composite(node, to);
  }
}

ValueList ValueList::of_strings(std::span<const std::string> strings) {
  Assembly assembly;
  for (const std::string& string : strings) {
    assembly.add_string(string);
  }
  ValueList list;
  list.memory_ = assembly.finish(0, list.values_);
  return list;
}

ValueList ValueList::of_node(const Node& list) {
  Assembly assembly;
  add_list(list, assembly);
  ValueList values;
  values.memory_ = assembly.finish(0, values.values_);
  return values;
}

const Claim* Claims::find(std::string_view name) const {
  const auto at = std::ranges::lower_bound(sorted_, name, {}, &Claim::name);
  return at != sorted_.end() && at->name == name ? &*at : nullptr;
}

void ClaimTable::Builder::set(std::string_view name, Node value) {
  claims_.insert_or_assign(std::string(name), std::move(value));
}

ClaimTable ClaimTable::Builder::build() && {
  struct Range {
    std::size_t values_from;
    std::size_t values;
  };
  Assembly assembly;
  std::vector<Range> ranges;
  for (const auto& [name, value] : claims_) {
    const std::size_t from = assembly.size();
    add_list(value, assembly);
    ranges.push_back({from, assembly.size() - from});
    assembly.add_string(name);
  }
  ClaimTable table;
  std::span<const Value> values;
  table.memory_ = assembly.finish(ranges.size(), values);
  std::byte* at = table.memory_.get();
  const Claim* first = nullptr;
  for (const Range& range : ranges) {
    const auto* made = ::new (at) Claim{.name = values[range.values_from + range.values].text(),
                                        .values = values.subspan(range.values_from, range.values)};
    first = first == nullptr ? made : first;
    at += sizeof(Claim);
  }
  table.claims_ = {first, ranges.size()};
  return table;
}

}  // namespace vallum::policy
