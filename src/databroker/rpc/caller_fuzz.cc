#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "codec/node.h"
#include "crypto/jose/claims.h"
#include "crypto/kdf.h"
#include "databroker/rpc/caller.h"

namespace {

using namespace vallum;
using databroker::CallerTokens;
using databroker::Role;

constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};

const Secret& secret() {
  static const Secret* const kSecret = new Secret("0123456789abcdef0123456789abcdef");
  return *kSecret;
}

std::string base64url(std::string_view text) {
  return codec::encode_base64(as_bytes(text), codec::Base64::UrlRaw);
}

std::string sign(std::string_view header, std::string_view claims, std::span<const std::byte> key) {
  const std::string text = base64url(header) + "." + base64url(claims);
  crypto::Hmac mac(crypto::MacAlgorithm::HmacSha256, key);
  return text + "." + base64url(as_text(mac.mac(as_bytes(text))));
}

// Of what was accepted: one claim, or the six, and an end within an hour and a minute.
void check_accepted(std::string_view claims_text, bool is_of_purpose, Role role) {
  const auto claims = crypto::parse_claims(claims_text);
  CHECK(claims.has_value());
  CHECK(claims->members().size() == (is_of_purpose ? 6 : 1));
  const codec::Node* const expires = claims->find("exp");
  CHECK(expires != nullptr && expires->as_i64().has_value());
  const std::int64_t left = *expires->as_i64() - unix_seconds(kNow);
  CHECK(left > 0 && left <= 3660);
  CHECK(is_of_purpose || role == Role::Admin);
}

void try_signed(CallerTokens& tokens, std::string_view header, std::string_view claims) {
  const Secret purpose =
      crypto::hkdf_sha256(secret().expose(), databroker::CallerTokens::kPurpose, 32);
  CallerTokens others{Secret("fedcba9876543210fedcba9876543210")};
  for (const bool is_of_purpose : {false, true}) {
    std::string token = sign(header, claims, is_of_purpose ? purpose.expose() : secret().expose());
    CHECK(!others.verify(token, kNow));
    if (const Result<Role> role = tokens.verify(token, kNow)) {
      check_accepted(claims, is_of_purpose, *role);
      char& first = token[token.rfind('.') + 1];
      first = first == 'A' ? 'B' : 'A';
      CHECK(!tokens.verify(token, kNow));
    }
  }
}

}  // namespace

// Lines of the input: a token's header, its claims, which are signed under either key, a token as
// it is, and names of a certificate.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> lines = split(text, '\n');
  lines.resize(std::max<std::size_t>(lines.size(), 3));
  CallerTokens tokens(secret());
  try_signed(tokens, lines[0], lines[1]);
  // Nobody who guesses knows the key.
  CHECK(!tokens.verify(lines[2], kNow));

  const std::vector<std::string> names(lines.begin() + 3, lines.end());
  const auto role = databroker::role_of_certificate(names);
  const bool names_a_service = std::ranges::any_of(
      names, [](const std::string& name) { return name.starts_with("vallum:service:"); });
  CHECK(!role || role->has_value() == names_a_service);
  return 0;
}
