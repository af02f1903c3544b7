#include "databroker/rpc/caller.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "codec/base64.h"
#include "codec/json_writer.h"
#include "codec/node.h"
#include "crypto/jose/claims.h"
#include "crypto/jose/jws.h"
#include "crypto/kdf.h"

namespace vallum::databroker {
namespace {

constexpr Duration kLifetimeMax = std::chrono::hours(1);
constexpr Duration kSkew = std::chrono::minutes(1);
constexpr Duration kLifetimeOfOurs = std::chrono::minutes(1);
constexpr std::string_view kCertificatePrefix = "vallum:service:";
constexpr std::size_t kClaimsOfV2 = 6;
constexpr std::size_t kTokenIdBytesMax = 128;

Unexpected refuse() {
  return fail(ErrorKind::Unauthenticated, "invalid JWT");
}

crypto::Hmac purpose_key(const Secret& shared_secret) {
  const Secret key = crypto::hkdf_sha256(shared_secret.expose(), CallerTokens::kPurpose, 32);
  return {crypto::MacAlgorithm::HmacSha256, key.expose()};
}

// Whole seconds only: nobody writes anything else, and there is then one way to read it.
std::optional<WallTime> time_claim(const codec::Node& claims, std::string_view name) {
  const codec::Node* claim = claims.find(name);
  if (claim == nullptr || !claim->is_number() || !claim->as_i64()) {
    return std::nullopt;
  }
  return crypto::numeric_date(*claim);
}

bool is_text(const codec::Node& claims, std::string_view name, std::string_view value) {
  const codec::Node* claim = claims.find(name);
  return claim != nullptr && claim->is_string() && claim->text() == value;
}

bool is_in_time(const codec::Node& claims, WallTime now) {
  const auto expires = time_claim(claims, "exp");
  return expires && *expires > now && *expires <= now + kLifetimeMax + kSkew;
}

Result<Role> role_of_v1(const codec::Node& claims, WallTime now) {
  if (claims.members().size() != 1 || !is_in_time(claims, now)) {
    return refuse();
  }
  return Role::Admin;
}

Result<Role> role_of_v2(const codec::Node& claims, WallTime now) {
  const auto issued = time_claim(claims, "iat");
  const codec::Node* service = claims.find("sub");
  const codec::Node* id = claims.find("jti");
  const bool is_whole = claims.members().size() == kClaimsOfV2 && is_in_time(claims, now) &&
                        issued && *issued <= now + kSkew && is_text(claims, "iss", "vallum") &&
                        is_text(claims, "aud", "databroker") && service != nullptr &&
                        service->is_string() && id != nullptr && id->is_string() &&
                        !id->text().empty() && id->text().size() <= kTokenIdBytesMax;
  const auto role = is_whole ? role_of_service(service->text()) : std::nullopt;
  return role ? Result<Role>(*role) : refuse();
}

}  // namespace

std::optional<Role> role_of_service(std::string_view name) {
  if (name == "proxy" || name == "authorize") {
    return Role::Reader;
  }
  if (name == "authenticate" || name == "identity-manager") {
    return Role::Writer;
  }
  return name == "databroker" ? std::optional(Role::Admin) : std::nullopt;
}

Result<std::optional<Role>> role_of_certificate(const std::vector<std::string>& names) {
  std::optional<Role> weakest;
  for (const std::string_view name : names) {
    if (!name.starts_with(kCertificatePrefix)) {
      continue;
    }
    const std::optional<Role> role = role_of_service(name.substr(kCertificatePrefix.size()));
    if (!role) {
      return fail(ErrorKind::PermissionDenied,
                  "the caller's certificate names a service that there is not");
    }
    weakest = std::min(weakest.value_or(*role), *role);
  }
  return weakest;
}

CallerTokens::CallerTokens(const SecretList& shared_secrets) {
  CHECK(shared_secrets.has_value());
  for (const Secret& secret : shared_secrets.all()) {
    keys_.push_back({.shared = crypto::Hmac(crypto::MacAlgorithm::HmacSha256, secret.expose()),
                     .purpose = purpose_key(secret)});
  }
}

Result<Role> CallerTokens::verify(std::string_view token, WallTime now) {
  const auto jws = crypto::UnverifiedJws::parse(token);
  if (!jws) {
    return refuse();
  }
  const bool is_v2 = jws->key_id() == kPurpose;
  Result<std::string> payload = refuse();
  for (Keys& keys : keys_) {
    payload = crypto::verify_hs256(is_v2 ? keys.purpose : keys.shared, *jws);
    if (payload) {
      break;
    }
  }
  if (!payload) {
    return refuse();
  }
  const auto claims = crypto::parse_claims(*payload);
  if (!claims) {
    return refuse();
  }
  return is_v2 ? role_of_v2(*claims, now) : role_of_v1(*claims, now);
}

std::string make_caller_token(const Secret& shared_secret,
                              std::string_view service,
                              WallTime now,
                              Entropy& entropy) {
  std::string header;
  codec::JsonWriter(header)
      .begin_object()
      .member("alg", "HS256")
      .member("kid", CallerTokens::kPurpose)
      .member("typ", "JWT")
      .end_object();
  std::string claims;
  codec::JsonWriter(claims)
      .begin_object()
      .member("iss", "vallum")
      .member("aud", "databroker")
      .member("sub", service)
      .member("iat", unix_seconds(now))
      .member("exp", unix_seconds(now + kLifetimeOfOurs))
      .member("jti", entropy.uuid())
      .end_object();
  std::string token = codec::encode_base64(as_bytes(header), codec::Base64::UrlRaw);
  token.push_back('.');
  codec::append_base64(token, as_bytes(claims), codec::Base64::UrlRaw);
  const crypto::Mac mac = purpose_key(shared_secret).mac(as_bytes(token));
  token.push_back('.');
  codec::append_base64(token, mac, codec::Base64::UrlRaw);
  return token;
}

}  // namespace vallum::databroker
