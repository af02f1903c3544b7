#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/entropy.h"
#include "base/time.h"
#include "config/route_settings.h"
#include "crypto/jose/signing_key.h"
#include "session/joined_identity.h"

namespace vallum::authorize {

inline constexpr std::chrono::seconds kAssertionLifetime{300};

// For whom and for where an assertion is made.
struct AssertionSubject {
  // Null for an anonymous request.
  const session::JoinedIdentity* identity = nullptr;
  // The host that was asked for, without port.
  std::string_view host;
  config::IssuerFormat issuer_format = config::IssuerFormat::HostOnly;
  // Claims of jwt_claims_headers.
  std::span<const std::string> extra_claims;
};

// The JWT that tells an application who asks (policy specification 5.2).
std::string sign_assertion(const AssertionSubject& subject,
                           const crypto::SigningKey& key,
                           WallTime now,
                           Entropy& entropy);

// The complete header lines that carry identity: the assertion and one line per claim header. A
// claim that does not exist gives an empty line, so that a client's own can never stand for it.
std::string identity_lines(const AssertionSubject& subject,
                           std::span<const config::ClaimHeader> headers,
                           const crypto::SigningKey& key,
                           WallTime now,
                           Entropy& entropy);

}  // namespace vallum::authorize
