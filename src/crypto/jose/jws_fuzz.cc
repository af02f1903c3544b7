// Any text through the JWS reader, the HS256 verifier and the claims reader. What verifies must
// read the same when it is signed again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "crypto/hmac.h"
#include "crypto/jose/claims.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "support/hex.h"
#include "support/signed_tokens.h"

namespace {

using namespace vallum;  // NOLINT(google-build-using-namespace): a program of one function

void read_claims(std::string_view text) {
  const auto claims = crypto::parse_claims(text);
  if (!claims) {
    return;
  }
  for (const auto& member : claims->members()) {
    static_cast<void>(crypto::numeric_date(member.value));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static crypto::Hmac key(crypto::MacAlgorithm::HmacSha256, testing::counting_bytes(32));
  read_claims(text);

  const std::string token = crypto::sign_hs256(key, text.substr(0, 8000));
  const auto again = crypto::verify_hs256(key, token);
  CHECK(again.has_value() && *again == text.substr(0, 8000));

  const auto jws = crypto::UnverifiedJws::parse(text);
  if (!jws) {
    return 0;
  }
  if (const auto payload = crypto::verify_hs256(key, *jws)) {
    read_claims(*payload);
  }
  static const auto kKeys =
      crypto::JwkSet::parse("{\"keys\":[" + std::string(testing::kRsaJwk) + "," +
                            std::string(testing::kSignedTokens[6].jwk) + "," +
                            std::string(testing::kSignedTokens[9].jwk) + "]}");
  static_cast<void>(crypto::verify_jws(*kKeys, crypto::JwsAlgorithmSet::asymmetric(), *jws));
  return 0;
}
