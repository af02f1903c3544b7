#include "session/bearer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/entropy.h"
#include "base/strings.h"
#include "crypto/uuid.h"
#include "session/credentials.h"
#include "session/joined_identity.h"

namespace vallum::session {
namespace {

using config::BearerRules;
using config::BearerTokenFormat;

constexpr crypto::UuidBytes bytes_of(std::uint64_t high, std::uint64_t low) {
  crypto::UuidBytes bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::byte>(high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<std::byte>(low >> (56 - 8 * i));
  }
  return bytes;
}

// Of the reference, so that its sessions and ours have the same ids.
constexpr crypto::UuidBytes kAccessTokens = bytes_of(0x0194f6f8e76076a0, 0x8917e28ac927a34d);
constexpr crypto::UuidBytes kIdentityTokens = bytes_of(0x0194f6f9aec0704e, 0xbb4a51054f17ad17);
constexpr crypto::UuidBytes kJwts = bytes_of(0x0195a000a0007000, 0x800000000000a01a);

const crypto::UuidBytes& name_space_of(BearerTokenFormat format) {
  DCHECK(format != BearerTokenFormat::Default);
  switch (format) {
    case BearerTokenFormat::IdpAccessToken:
      return kAccessTokens;
    case BearerTokenFormat::IdpIdentityToken:
      return kIdentityTokens;
    case BearerTokenFormat::Default:
    case BearerTokenFormat::Jwt:
      break;
  }
  return kJwts;
}

bool is_token_text(std::string_view text) {
  return !text.empty() && text.size() <= kBearerBytesMax &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool holds(const policy::Claim* claim, std::string_view text) {
  return claim != nullptr &&
         std::ranges::any_of(claim->values, [text](const auto& value) { return value.is(text); });
}

bool is_for_one_of(const policy::Claims& claims, const std::vector<std::string>& audiences) {
  const policy::Claim* found = claims.find("aud");
  return std::ranges::any_of(audiences,
                             [found](const std::string& name) { return holds(found, name); });
}

// What providers call the client that an access token was issued to: RFC 9068 and 7662, OpenID
// Connect, Okta, Azure.
bool is_issued_to(const policy::Claims& claims, std::string_view client_id) {
  static constexpr auto kNames =
      std::to_array<std::string_view>({"appid", "aud", "azp", "cid", "client_id"});
  return !client_id.empty() && std::ranges::any_of(kNames, [&](std::string_view name) {
    return holds(claims.find(name), client_id);
  });
}

}  // namespace

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer";
  const std::string_view value = trim_ows(authorization);
  if (value.size() < kScheme.size() || !iequals(value.substr(0, kScheme.size()), kScheme) ||
      carries_own_credential(value)) {
    return std::nullopt;
  }
  const std::string_view rest = value.substr(kScheme.size());
  if (rest.empty() || rest.front() == '\t') {
    return std::string_view();
  }
  return rest.front() == ' ' ? std::optional(rest.substr(1)) : std::nullopt;
}

std::string bearer_session_id(BearerTokenFormat format,
                              std::string_view provider,
                              std::string_view token) {
  const crypto::UuidBytes of_provider = crypto::uuid_v5(name_space_of(format), provider);
  return std::string(uuid_text_of(crypto::uuid_v5(of_provider, token)).view());
}

bool bearer_fits(const BearerRules& rules,
                 std::string_view own_idp_id,
                 std::string_view idp_id,
                 const policy::Claims& claims) {
  if (rules.format == BearerTokenFormat::Jwt) {
    const auto issuer = std::ranges::find(rules.issuers, idp_id, &BearerRules::Issuer::id);
    return issuer != rules.issuers.end() && is_for_one_of(claims, issuer->audiences);
  }
  if (own_idp_id.empty() || idp_id != own_idp_id) {
    return false;
  }
  switch (rules.format) {
    case BearerTokenFormat::IdpAccessToken:
      return rules.audiences ? is_for_one_of(claims, *rules.audiences)
                             : is_issued_to(claims, rules.client_id);
    case BearerTokenFormat::IdpIdentityToken:
      return true;
    case BearerTokenFormat::Default:
    case BearerTokenFormat::Jwt:
      break;
  }
  return false;
}

BearerFinder::BearerFinder(IdentityCache& identities, std::string own_idp_id)
    : identities_(identities), own_idp_id_(std::move(own_idp_id)), known_(kKnownMax) {}

FoundBearer BearerFinder::find(std::string_view token, const BearerRules& rules, WallTime now) {
  FoundBearer found;
  if (!is_token_text(token)) {
    return found;
  }
  found.state = FoundBearer::State::NeedsVerification;
  const Known* known = known_.find(token);
  if (known == nullptr || known->format != rules.format) {
    return found;
  }
  std::optional<IdentityRef> identity = identities_.find(known->handle, now, Duration::zero());
  if (!identity) {
    found.state = FoundBearer::State::NeedsLoad;
    found.wanted = SessionWanted::of(known->handle);
  } else if (*identity == nullptr) {
    known_.erase(token);
  } else if (bearer_fits(
                 rules, own_idp_id_, (*identity)->idp_id(), (*identity)->session_claims())) {
    found.state = FoundBearer::State::Found;
    found.identity = *std::move(identity);
  }
  return found;
}

void BearerFinder::remember(const Secret& token,
                            BearerTokenFormat format,
                            const BearerSession& session) {
  known_.erase(token.expose_text());
  Known known{.format = format, .handle = {}};
  known.handle.session_id = session.session_id;
  known.handle.idp_id = session.idp_id;
  known.handle.server_version = session.server_version;
  known.handle.record_version = session.record_version;
  known_.insert(std::string(token.expose_text()), std::move(known), [](auto&&...) {});
}

}  // namespace vallum::session
