#include "identity/signed_token.h"

#include <utility>

#include "crypto/jose/claims.h"
#include "crypto/jose/jws.h"

namespace vallum::identity {
namespace {

Unexpected unauthenticated(const char* name, const Error& why) {
  return fail(ErrorKind::Unauthenticated, std::string(name) + ": " + std::string(why.message()));
}

}  // namespace

Result<crypto::JwkSet> parse_keys(const http::ClientResponse& response) {
  if (response.status != 200) {
    return fail(ErrorKind::Unavailable,
                "provider keys: answered with status " + std::to_string(response.status));
  }
  auto keys = crypto::JwkSet::parse(response.body);
  if (!keys) {
    return fail(ErrorKind::Unavailable,
                std::string(keys.error().with_context("provider keys").message()));
  }
  if (keys->keys().empty()) {
    return fail(ErrorKind::Unavailable, "provider keys: none that can verify a signature");
  }
  return keys;
}

Async<SignedToken> verify_signed(KeyDocument* keys,
                                 crypto::JwsAlgorithmSet allowed,
                                 const Secret* token,
                                 const char* name,
                                 Deadline deadline) {
  const crypto::JwsLimits limits{.bytes_max = Limits::kIdTokenBytesMax};
  const auto jws = crypto::UnverifiedJws::parse(token->expose_text(), limits);
  if (!jws) {
    co_return unauthenticated(name, jws.error());
  }
  if (!allowed.contains(jws->algorithm())) {
    // Before keys are asked for: what can be told from the token alone costs the provider nothing.
    co_return fail(ErrorKind::Unauthenticated,
                   std::string(name) + ": 'alg' " +
                       std::string(crypto::to_string(jws->algorithm())) + " is not allowed here");
  }
  CO_TRY(const async::Snapshot<crypto::JwkSet> known, co_await keys->get(deadline));
  auto payload = crypto::verify_jws(*known, allowed, *jws);
  if (!payload && payload.error().kind() == ErrorKind::NotFound) {
    CO_TRY(const async::Snapshot<crypto::JwkSet> newer, co_await keys->newer_than(known, deadline));
    payload = crypto::verify_jws(*newer, allowed, *jws);
  }
  if (!payload) {
    co_return unauthenticated(name, payload.error());
  }
  auto claims = crypto::parse_claims(*payload,
                                     {.bytes_max = Limits::kIdTokenBytesMax,
                                      .depth_max = Limits::kClaimDepthMax,
                                      .nodes_max = Limits::kClaimNodesMax});
  if (!claims) {
    co_return unauthenticated(name, claims.error());
  }
  co_return SignedToken{
      .claims = *std::move(claims), .hash = crypto::hash_of(jws->algorithm()), .type = jws->type()};
}

}  // namespace vallum::identity
