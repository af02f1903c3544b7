#include "crypto/jose/claims.h"

#include <charconv>
#include <string>

#include "codec/json.h"

namespace vallum::crypto {
namespace {

constexpr double kYear2200 = 7'258'118'400.0;

}  // namespace

Result<codec::Node> parse_claims(std::string_view payload, const ClaimLimits& limits) {
  const codec::ReadLimits json_limits{
      .bytes_max = limits.bytes_max, .depth_max = limits.depth_max, .nodes_max = limits.nodes_max};
  TRY(codec::Node claims, codec::parse_json(payload, json_limits, codec::DuplicateKeys::Refuse));
  if (!claims.is_map()) {
    return fail(ErrorKind::InvalidInput, "claims: not a JSON object");
  }
  return claims;
}

std::optional<WallTime> numeric_date(const codec::Node& value) {
  if (!value.is_number()) {
    return std::nullopt;
  }
  const std::string& text = value.text();
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  const bool in_range = seconds >= 0 && seconds <= kYear2200;
  if (!in_range) {
    return std::nullopt;
  }
  return WallTime(
      std::chrono::round<std::chrono::milliseconds>(std::chrono::duration<double>(seconds)));
}

}  // namespace vallum::crypto
