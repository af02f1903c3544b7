#include "codec/node.h"

#include <charconv>

#include "base/check.h"
#include "base/strings.h"

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
  for (auto it = members_.rbegin(); it != members_.rend(); ++it) {
    if (it->key == key) {
      return &it->value;
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

}  // namespace vallum::codec
