#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vallum::codec {

// Where something stands in its text: 1-based, columns in code points. Line 0: unknown.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  bool operator==(const Position&) const = default;
};

// One value of a YAML or JSON document, with its place. Values keep their text: numbers are
// compared and converted by whoever reads them, so that a 64-bit integer or "3.0" survives. Depth
// and size are bounded by the readers.
class Node {
 public:
  enum class Kind : std::uint8_t { Null, Bool, Number, String, List, Map };
  struct Member;

  Node();
  Node(const Node&);
  Node& operator=(const Node&);
  Node(Node&&) noexcept;
  Node& operator=(Node&&) noexcept;
  ~Node();

  static Node null(Position at = {});
  static Node boolean(bool value, Position at = {});
  static Node number(std::string text, Position at = {});
  static Node string(std::string text, Position at = {});
  static Node list(std::vector<Node> items, Position at = {});
  static Node map(std::vector<Member> members, Position at = {});

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::Null; }
  bool is_bool() const { return kind_ == Kind::Bool; }
  bool is_number() const { return kind_ == Kind::Number; }
  bool is_string() const { return kind_ == Kind::String; }
  bool is_list() const { return kind_ == Kind::List; }
  bool is_map() const { return kind_ == Kind::Map; }
  bool is_scalar() const { return kind_ <= Kind::String; }
  Position position() const { return position_; }

  // Requires a Bool.
  bool as_bool() const;
  // The scalar's text as written ("" for null and for containers).
  const std::string& text() const { return text_; }
  // The elements of a List; empty for everything else.
  const std::vector<Node>& items() const { return items_; }
  // The members of a Map in document order; empty for everything else.
  const std::vector<Member>& members() const { return members_; }
  // The member with this exact key, or null. The last one when a reader allowed duplicates.
  const Node* find(std::string_view key) const;

  // A Number that is an integer in range; nothing for fractions, exponents, overflow and other
  // kinds.
  std::optional<std::int64_t> as_i64() const;
  std::optional<std::uint64_t> as_u64() const;

  // Deep and type-strict; numbers by value ("3" equals "3.0"); positions do not count; member order
  // does not count.
  bool equals(const Node& other) const;

 private:
  Kind kind_ = Kind::Null;
  Position position_;
  std::string text_;
  std::vector<Node> items_;
  std::vector<Member> members_;
};

struct Node::Member {
  std::string key;
  Position position;
  Node value;
};

}  // namespace vallum::codec
