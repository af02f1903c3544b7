#pragma once

#include "async/core.h"
#include "async/scope.h"
#include "identity/bearer/bearer_tokens.h"
#include "session/bearer.h"

namespace vallum::server {

// The way from a data core to whoever verifies tokens, on the control core. All outlive it and
// every call; `scope` belongs to `control`.
session::VerifyBearer verify_with(async::Core& control,
                                  async::Scope& scope,
                                  identity::BearerTokens& tokens);

}  // namespace vallum::server
