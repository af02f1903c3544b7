#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "http/client.h"
#include "identity/provider.h"

namespace vallum::identity {

struct TokenAnswer {
  OAuthTokens tokens;
  Secret id_token;
};

// Reads what a token endpoint answered to a code (RFC 6749 5, OpenID Connect Core 3.1.3.3).
// Unauthenticated when the provider refuses the code, Internal when it refuses us, Unavailable for
// everything that may pass or makes no sense.
Result<TokenAnswer> parse_token_answer(const http::ClientResponse& response, WallTime now);

// Reads what a token endpoint answered to a refresh token (RFC 6749 5 and 6, OpenID Connect Core
// 12.2). Its ID token, empty when there is none, is not verified yet. Never fails: an answer
// nobody can make sense of is a failure that may pass.
struct RefreshAnswer {
  RefreshOutcome outcome;
  Secret id_token;
};
RefreshAnswer parse_refresh_answer(const http::ClientResponse& response, WallTime now);

}  // namespace vallum::identity
