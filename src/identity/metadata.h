#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/jose/algorithm.h"
#include "http/syntax/uri.h"

namespace vallum::identity {

// How we prove at the token endpoint who we are (OpenID Connect Core 9).
enum class ClientAuthentication : std::uint8_t { SecretBasic, SecretPost, None };

// What a provider says of itself (OpenID Connect Discovery 1.0 section 3, RFC 8414), as far as we
// use it.
struct Metadata {
  std::string issuer;
  http::Uri authorization_endpoint;
  http::Uri token_endpoint;
  http::Uri jwks_uri;
  std::optional<http::Uri> userinfo_endpoint;
  std::optional<http::Uri> end_session_endpoint;
  std::optional<http::Uri> revocation_endpoint;
  std::optional<http::Uri> introspection_endpoint;
  // For ID tokens; with a public key, never empty.
  crypto::JwsAlgorithmSet algorithms;
  ClientAuthentication client_authentication = ClientAuthentication::SecretBasic;
  // RFC 9207: every answer names the issuer.
  bool answers_name_issuer = false;
};

// The issuer as configured: https, or http to loopback, without query and fragment.
Result<http::Uri> parse_issuer(std::string_view issuer);

// Where the provider's document is.
Result<http::Uri> metadata_url(std::string_view issuer);

// InvalidInput when it is another issuer's document, when an endpoint is missing or less protected
// than the issuer, and when we have no signature algorithm or client authentication in common.
Result<Metadata> parse_metadata(std::string_view json, std::string_view issuer, bool has_secret);

// Of a document of which nothing else is used: of an issuer that nobody signs in at. InvalidInput
// as above.
Result<http::Uri> parse_keys_location(std::string_view json, std::string_view issuer);

}  // namespace vallum::identity
