#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/strings.h"

namespace vallum::route {

// A route's place in the configured list.
using RouteIndex = std::uint32_t;
inline constexpr RouteIndex kNoRoute = std::numeric_limits<RouteIndex>::max();

// Finds the first of many routes in file order whose path or prefix matches, without looking at
// each. Add, finish once, then find.
class PathIndex {
 public:
  void add_path(std::string_view path, RouteIndex route);
  // "" matches everything.
  void add_prefix(std::string_view prefix, RouteIndex route);
  void finish();

  // kNoRoute when none matches. Never allocates.
  RouteIndex find(std::string_view path) const;

 private:
  struct Prefix {
    std::string text;
    // The first route among this prefix and all shorter ones that begin it.
    RouteIndex route = kNoRoute;
    // The longest of those shorter ones, or kNone.
    std::uint32_t parent = kNone;
  };
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  std::unordered_map<std::string, RouteIndex, StringHash, std::equal_to<>> paths_;
  std::vector<Prefix> prefixes_;  // sorted by text, each once
};

}  // namespace vallum::route
