#include "server/serverless_tokens.h"

#include <utility>

#include "async/run_on.h"

namespace vallum::server {

proxy::ServerlessTokens::Fetch fetch_from(async::Core& control,
                                          async::Scope& scope,
                                          identity::GoogleIdTokens& tokens) {
  return [&control, &scope, &tokens](std::string audience, Deadline deadline) {
    return async::run_on(
        control, scope, [&tokens, deadline, moved = std::move(audience)]() mutable {
          return tokens.token(std::move(moved), deadline);
        });
  };
}

}  // namespace vallum::server
