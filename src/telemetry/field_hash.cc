#include "telemetry/field_hash.h"

#include <algorithm>

namespace vallum::telemetry {

namespace {

constexpr auto kSha256 = crypto::MacAlgorithm::HmacSha256;
// Of this use of the shared secret alone.
constexpr std::string_view kLabel = "vallum record fields";

}  // namespace

FieldHash::FieldHash(const Secret& shared_secret)
    : key_(kSha256, crypto::hmac(kSha256, shared_secret.expose(), as_bytes(kLabel))) {
  std::ranges::copy(kPrefix, text_.begin());
}

std::string_view FieldHash::of(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  if (text.empty()) {
    return {};
  }
  const crypto::Mac mac = key_.mac(as_bytes(text));
  auto* at = text_.begin() + kPrefix.size();
  for (const std::byte byte : std::span(mac).first(kBytes)) {
    *at++ = kDigits[std::to_integer<unsigned>(byte) >> 4U];
    *at++ = kDigits[std::to_integer<unsigned>(byte) & 0xFU];
  }
  return {text_.data(), text_.size()};
}

}  // namespace vallum::telemetry
