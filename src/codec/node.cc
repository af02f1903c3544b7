#include "codec/node.h"

#include <algorithm>
#include <charconv>
#include <ranges>

#include "base/check.h"
#include "base/strings.h"
#include "codec/number.h"

namespace vallum::codec {

Node::Node() = default;
Node::Node(const Node&) = default;
Node& Node::operator=(const Node&) = default;
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(Node&&) noexcept = default;
Node::~Node() = default;

Node Node::null(Position at) {
  Node node;
  node.position_ = at;
  return node;
}

Node Node::boolean(bool value, Position at) {
  Node node = null(at);
  node.kind_ = Kind::Bool;
  node.text_ = value ? "true" : "false";
  return node;
}

Node Node::number(std::string text, Position at) {
  Node node = null(at);
  node.kind_ = Kind::Number;
  node.text_ = std::move(text);
  return node;
}

Node Node::string(std::string text, Position at) {
  Node node = null(at);
  node.kind_ = Kind::String;
  node.text_ = std::move(text);
  return node;
}

Node Node::list(std::vector<Node> items, Position at) {
  Node node = null(at);
  node.kind_ = Kind::List;
  node.items_ = std::move(items);
  return node;
}

Node Node::map(std::vector<Member> members, Position at) {
  Node node = null(at);
  node.kind_ = Kind::Map;
  node.members_ = std::move(members);
  return node;
}

bool Node::as_bool() const {
  CHECK(is_bool());
  return text_ == "true";
}

const Node* Node::find(std::string_view key) const {
  for (const Member& member : members_ | std::views::reverse) {
    if (member.key == key) {
      return &member.value;
    }
  }
  return nullptr;
}

std::optional<std::uint64_t> Node::as_u64() const {
  return is_number() ? parse_u64(text_) : std::nullopt;
}

std::optional<std::int64_t> Node::as_i64() const {
  if (!is_number()) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  const char* const end = text_.data() + text_.size();
  const auto [stop, error] = std::from_chars(text_.data(), end, value);
  if (error != std::errc{} || stop != end) {
    return std::nullopt;
  }
  return value;
}

namespace {

// The members that count, in ascending order of keys: of duplicates the last.
std::vector<const Node::Member*> effective_members(const Node& node) {
  std::vector<const Node::Member*> members;
  members.reserve(node.members().size());
  for (const Node::Member& member : node.members()) {
    members.push_back(&member);
  }
  const auto key = [](const Node::Member* member) -> const std::string& { return member->key; };
  // Of one key the last stands first: members are one array, so addresses tell their order.
  std::ranges::sort(members, [](const Node::Member* a, const Node::Member* b) {
    return a->key != b->key ? a->key < b->key : b < a;
  });
  const auto duplicates = std::ranges::unique(members, {}, key);
  members.erase(duplicates.begin(), duplicates.end());
  return members;
}

}  // namespace

// Recursive: the readers bound the depth.
bool Node::equals(const Node& other) const {
  if (kind_ != other.kind_) {
    return false;
  }
  switch (kind_) {
    case Kind::Null:
      return true;
    case Kind::Bool:
    case Kind::String:
      return text_ == other.text_;
    case Kind::Number:
      return numbers_equal(text_, other.text_);
    case Kind::List:
      return std::ranges::equal(
          items_, other.items_, [](const Node& a, const Node& b) { return a.equals(b); });
    case Kind::Map:
      break;
  }
  return std::ranges::equal(
      effective_members(*this), effective_members(other), [](const Member* a, const Member* b) {
        return a->key == b->key && a->value.equals(b->value);
      });
}

}  // namespace vallum::codec
