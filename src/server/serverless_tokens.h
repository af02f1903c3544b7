#pragma once

#include "async/core.h"
#include "async/scope.h"
#include "identity/google_id_tokens.h"
#include "proxy/serverless_tokens.h"

namespace vallum::server {

// The way from a data core to the tokens, which live on the control core. All outlive it and every
// call; `scope` belongs to `control`.
proxy::ServerlessTokens::Fetch fetch_from(async::Core& control,
                                          async::Scope& scope,
                                          identity::GoogleIdTokens& tokens);

}  // namespace vallum::server
