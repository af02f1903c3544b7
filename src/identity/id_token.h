#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "codec/node.h"
#include "crypto/digest.h"

namespace vallum::identity {

// What an ID token must say to be the answer to our question. Views: until the call returns.
struct IdTokenExpectation {
  std::string_view issuer;
  std::string_view client_id;
  // Nothing: the question was somebody else's, or it is the token of a refresh, which need not have
  // one (OpenID Connect Core 12.2); any will do.
  std::optional<std::string_view> nonce;
  // The access token that came with it, for at_hash, and the hash of the token's algorithm.
  // Nothing: none came.
  std::optional<std::string_view> access_token;
  crypto::HashAlgorithm hash = crypto::HashAlgorithm::Sha256;
  WallTime now;
};

struct IdTokenFacts {
  std::string subject;
  WallTime issued_at;
  WallTime expires_at;
};

// What every token that a provider signs for us has: OpenID Connect Core 3.1.3.7, steps 2 to 5.
Result<void> check_issuer_and_audience(const codec::Node& claims,
                                       std::string_view issuer,
                                       std::string_view client_id);
// A claim that must be there and be a date.
Result<WallTime> date_claim(const codec::Node& claims, std::string_view name);

// OpenID Connect Core 3.1.3.7, of a token whose signature is good. Unauthenticated, with the claim
// and the reason, for everything else.
Result<IdTokenFacts> check_id_token(const codec::Node& claims,
                                    const IdTokenExpectation& expectation);

}  // namespace vallum::identity
