#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/node.h"

namespace vallum::config {

// What the id of a route is made of, as written. Configuration specification 3.1.
struct RouteIdParts {
  std::string_view from;
  std::string_view prefix;
  std::string_view path;
  std::string_view regex;
  // One weight per URL; 0: none.
  const std::vector<std::string>* to = nullptr;
  const std::vector<std::uint32_t>* weights = nullptr;
  const codec::Node* redirect = nullptr;
  const codec::Node* response = nullptr;
};

// Lower-case hexadecimal of the 64-bit XXH3 of the parts. Total: URLs that are malformed give some
// id, for they are refused elsewhere.
std::string route_id(const RouteIdParts& parts);

// The 64-bit XXH3 of a route as it is written, but for its places: what changes with any change of
// it.
std::uint64_t checksum_of(const codec::Node& route);

}  // namespace vallum::config
