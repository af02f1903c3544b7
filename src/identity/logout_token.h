#pragma once

#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "codec/node.h"
#include "identity/provider.h"

namespace vallum::identity {

// Of whom and for whom a logout token must be. Views: until the call returns.
struct LogoutExpectation {
  std::string_view issuer;
  std::string_view client_id;
  WallTime now;
};

// OpenID Connect Back-Channel Logout 1.0 section 2.6, of a token whose signature is good; that its
// `jti` is new is for the caller to see. One that was issued longer ago than
// Limits::kLogoutTokenAge is refused, so that a used one need not be remembered for longer.
// Unauthenticated, with the claim and the reason, for everything that is not one.
Result<LogoutToken> check_logout_token(const codec::Node& claims,
                                       const LogoutExpectation& expectation);

}  // namespace vallum::identity
