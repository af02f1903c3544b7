#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "codec/node.h"

namespace vallum::crypto {

// What the payload of a token may cost. It is signed, but not every signer is a friend.
struct ClaimLimits {
  std::size_t bytes_max = 64 * 1024;
  std::size_t depth_max = 16;
  std::size_t nodes_max = 20'000;
};

// A token's payload: one JSON object (RFC 7519 7.2), no member twice. Integers keep their 64 bits.
Result<codec::Node> parse_claims(std::string_view payload, const ClaimLimits& limits = {});

// A NumericDate (RFC 7519 2), with a fraction and an exponent if need be. Nothing when it is not a
// number between the years 1970 and 2200.
std::optional<WallTime> numeric_date(const codec::Node& value);

}  // namespace vallum::crypto
