#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/diagnostic.h"
#include "crypto/jose/algorithm.h"
#include "http/syntax/uri.h"

namespace vallum::config {

// What "Authorization: Bearer TOKEN" of a request is.
enum class BearerTokenFormat : std::uint8_t {
  Default,           // the application's own business
  IdpAccessToken,    // an access token of the identity provider
  IdpIdentityToken,  // an ID token of the identity provider
  Jwt,               // a token of one of identity_providers
};

// Who issues tokens that routes with bearer_token_format jwt take: one of identity_providers.
struct TokenIssuer {
  static constexpr std::size_t kMax = 100;

  std::string name;
  // Names it in sessions. Made of name and issuer: sessions of one that has become another do not
  // count any more.
  std::string id;
  std::string issuer;                 // to the letter
  std::optional<http::Uri> jwks_url;  // nothing: found by discovery
  crypto::JwsAlgorithmSet algorithms;
  std::vector<std::string> audiences;  // at least one
  Place place;

  // Whether tokens are verified the same way.
  bool verifies_as(const TokenIssuer& other) const {
    return id == other.id && algorithms == other.algorithms && audiences == other.audiences &&
           jwks_url.has_value() == other.jwks_url.has_value() &&
           (!jwks_url || jwks_url->text() == other.jwks_url->text());
  }
};

// Which bearer tokens a route takes instead of a session.
struct BearerRules {
  struct Issuer {
    std::string id;
    std::vector<std::string> audiences;

    bool operator==(const Issuer&) const = default;
  };

  BearerTokenFormat format = BearerTokenFormat::Default;
  // Whose tokens, for Jwt; tokens of nobody else.
  std::vector<Issuer> issuers;
  // An access token must be for one of these; nothing: it must have been issued to `client_id`.
  std::optional<std::vector<std::string>> audiences;
  // Ours at the identity provider.
  std::string client_id;

  bool operator==(const BearerRules&) const = default;
};

}  // namespace vallum::config
