#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace vallum::codec {

// The pairs of a URL query or a form body, decoded, in order; a name may occur more than once.
class Query {
 public:
  using Pair = std::pair<std::string, std::string>;
  static constexpr std::size_t kPairsMax = 1000;

  Query() = default;

  // Text without the leading "?". Empty pieces are skipped; a piece without "=" has an empty value.
  // Fails on a malformed escape, on a bare ";" (which others read as a separator) and beyond
  // kPairsMax.
  static Result<Query> parse(std::string_view text);

  bool has(std::string_view name) const { return find(name) != nullptr; }
  // The first value of this name, or null. Until the next non-const call.
  const std::string* find(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  const std::vector<Pair>& pairs() const { return pairs_; }
  bool empty() const { return pairs_.empty(); }

  void add(std::string_view name, std::string_view value);
  // Replaces every value of this name by one.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);

  // Names in ascending byte order, values of one name in their order; form-urlencoded.
  std::string encode() const;

  bool operator==(const Query&) const = default;

 private:
  std::vector<Pair> pairs_;
};

}  // namespace vallum::codec
