#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "codec/node.h"
#include "identity/claims.h"

namespace vallum::identity {

// Whom a bearer token speaks for, once it was verified.
struct TokenHolder {
  std::string user_id;
  std::string issuer;
  std::string subject;
  std::string name;
  std::string email;  // as usable_email() leaves it; "" when the issuer says it is not verified
  Claims claims;
  // When its issuer said all this.
  WallTime said_at{};
  // Nothing: it does not say.
  std::optional<WallTime> expires_at;
};

// Name, e-mail address and claims; the rest is for the caller. Unauthenticated beyond ClaimBounds.
Result<TokenHolder> describe_holder(const codec::Node& claims);

// The text of "sub". Unauthenticated, beginning with `name`, without one of 1 to 255 bytes.
Result<std::string> subject_of(const codec::Node& claims, std::string_view name);

// When the claims hold, by "exp", "nbf" and "iat": Unauthenticated, beginning with `name`, outside
// and for dates that are none. "exp" is taken to the second, so that no session outlives its token.
struct Validity {
  std::optional<WallTime> issued_at;
  std::optional<WallTime> expires_at;
};
Result<Validity> validity_of(const codec::Node& claims, WallTime now, std::string_view name);

}  // namespace vallum::identity
