#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "codec/node.h"

namespace vallum::policy {

// One JSON value, made once into a form in which "deep, type-strict, numbers by value" equality is
// equality of bytes: comparing two allocates nothing and does not recurse. A string is its own
// text; a number is written one way for all its spellings; lists and maps are canonical JSON.
// Borrows its text.
class Value {
 public:
  enum class Kind : std::uint8_t { Null, Bool, Number, String, Composite };

  Value() = default;
  Value(Kind kind, std::string_view canonical_text)
      : text_(canonical_text), hash_(hash_of(canonical_text)), kind_(kind) {}
  static Value string(std::string_view text) { return {Kind::String, text}; }

  Kind kind() const { return kind_; }
  bool is_string() const { return kind_ == Kind::String; }
  std::string_view text() const { return text_; }
  std::uint32_t hash() const { return hash_; }

  bool operator==(const Value& other) const {
    return hash_ == other.hash_ && kind_ == other.kind_ && text_ == other.text_;
  }
  bool is(std::string_view string) const { return is_string() && text_ == string; }

  // Numbers by value, strings byte by byte; unordered for anything else.
  static std::partial_ordering order(const Value& a, const Value& b);

  static std::uint32_t hash_of(std::string_view text) {
    return static_cast<std::uint32_t>(std::hash<std::string_view>{}(text));
  }

 private:
  std::string_view text_;
  std::uint32_t hash_ = hash_of({});
  Kind kind_ = Kind::Null;
};

Value::Kind value_kind(const codec::Node& node);

// Appends the text under which equal values are equal and different values of one kind differ.
void append_canonical(const codec::Node& node, std::string& to);

// Objects of trivial types and their text in one piece of memory: there are many of them.
using ValueMemory = std::unique_ptr<std::byte[]>;

// Owns values: a directory record's group ids, for one. Immutable once built; moving keeps views.
class ValueList {
 public:
  ValueList() = default;
  ValueList(const ValueList&) = delete;
  ValueList& operator=(const ValueList&) = delete;
  ValueList(ValueList&& other) noexcept
      : memory_(std::move(other.memory_)), values_(std::exchange(other.values_, {})) {}
  ValueList& operator=(ValueList&& other) noexcept {
    memory_ = std::move(other.memory_);
    values_ = std::exchange(other.values_, {});
    return *this;
  }
  ~ValueList() = default;

  static ValueList of_strings(std::span<const std::string> strings);
  // The elements of a List; any other node counts as a list of itself.
  static ValueList of_node(const codec::Node& list);

  std::span<const Value> values() const { return values_; }

 private:
  ValueMemory memory_;
  std::span<const Value> values_;
};

// One claim: its name and its values, which are always a list.
struct Claim {
  std::string_view name;
  std::span<const Value> values;
};

// Claims as criteria read them: sorted by name, found by binary search. Borrows everything.
class Claims {
 public:
  Claims() = default;
  // Requires names sorted by code point, each once.
  explicit Claims(std::span<const Claim> sorted) : sorted_(sorted) {}

  // Returns the claim with exactly this name, or null.
  const Claim* find(std::string_view name) const;
  std::span<const Claim> all() const { return sorted_; }

 private:
  std::span<const Claim> sorted_;
};

// Owns the claims of one joined identity. Fill with the session's, then with the user's: a later
// claim replaces an earlier one of the same name, so the user's win, as policy wants it.
//
//   ClaimTable::Builder builder;
//   for (...) builder.set(name, values);
//   ClaimTable table = std::move(builder).build();
class ClaimTable {
 public:
  class Builder {
   public:
    // A value that is not a List counts as a list of one.
    void set(std::string_view name, codec::Node value);
    ClaimTable build() &&;

   private:
    std::map<std::string, codec::Node> claims_;
  };

  ClaimTable() = default;
  ClaimTable(const ClaimTable&) = delete;
  ClaimTable& operator=(const ClaimTable&) = delete;
  ClaimTable(ClaimTable&& other) noexcept
      : memory_(std::move(other.memory_)), claims_(std::exchange(other.claims_, {})) {}
  ClaimTable& operator=(ClaimTable&& other) noexcept {
    memory_ = std::move(other.memory_);
    claims_ = std::exchange(other.claims_, {});
    return *this;
  }
  ~ClaimTable() = default;

  // Until the table dies; moving it keeps the view.
  Claims view() const { return Claims(claims_); }

 private:
  ValueMemory memory_;
  std::span<const Claim> claims_;
};

}  // namespace vallum::policy
