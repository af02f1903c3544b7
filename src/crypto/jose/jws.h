#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hmac.h"
#include "crypto/jose/algorithm.h"

namespace vallum::crypto {

class JwkSet;

// What a compact JWS (RFC 7515 7.1) may cost before its signature is known to be good.
struct JwsLimits {
  std::size_t bytes_max = 16 * 1024;
  std::size_t header_bytes_max = 4 * 1024;
};

// A compact JWS that was read and not yet verified: its payload is out of reach until a verify
// function returns it.
class UnverifiedJws {
 public:
  // InvalidInput unless it is exactly three parts of strict base64url without padding, with a
  // header that is one JSON object without duplicate members, with an algorithm of JwsAlgorithm,
  // and without "crit" and "b64". `compact` must outlive the value.
  static Result<UnverifiedJws> parse(std::string_view compact, const JwsLimits& limits = {});

  JwsAlgorithm algorithm() const { return algorithm_; }
  // Absent when the header has none.
  const std::optional<std::string>& key_id() const { return key_id_; }
  // The header's "typ"; "" when it has none.
  const std::string& type() const { return type_; }
  // What the payload gives as its issuer, which proves nothing: only to find whose keys may verify
  // it. Nothing when it gives none.
  std::optional<std::string> unverified_issuer() const;

 private:
  friend Result<std::string> verify_hs256(Hmac& key, const UnverifiedJws& jws);
  friend Result<std::string> verify_jws(const JwkSet& keys,
                                        JwsAlgorithmSet allowed,
                                        const UnverifiedJws& jws);

  UnverifiedJws() = default;
  Result<void> read_header(std::string_view encoded, const JwsLimits& limits);

  JwsAlgorithm algorithm_ = JwsAlgorithm::Hs256;
  std::optional<std::string> key_id_;
  std::string type_;
  std::string_view signing_input_;
  std::string_view payload_;
  Bytes signature_;
};

// Compact JWS with the header {"alg":"HS256","typ":"JWT"}. Requires a key of HMAC-SHA-256.
std::string sign_hs256(Hmac& key, std::string_view payload);
// The same with a "kid" in the header, which says which key to try. It needs no escape in JSON.
std::string sign_hs256(Hmac& key, std::string_view payload, std::string_view key_id);

// Returns the payload. Unauthenticated when the algorithm is not HS256 or the MAC differs.
Result<std::string> verify_hs256(Hmac& key, const UnverifiedJws& jws);
Result<std::string> verify_hs256(Hmac& key, std::string_view compact, const JwsLimits& limits = {});

// Returns the payload. With a key id only the key of that id is tried, else every key that may
// verify the algorithm. NotFound when the set has no such key, so that the caller may look for a
// newer set; Unauthenticated when the algorithm is not allowed or the signature is wrong.
Result<std::string> verify_jws(const JwkSet& keys,
                               JwsAlgorithmSet allowed,
                               const UnverifiedJws& jws);

}  // namespace vallum::crypto
