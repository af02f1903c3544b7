#include "server/bearer_tokens.h"

#include <utility>

#include "async/run_on.h"

namespace vallum::server {

session::VerifyBearer verify_with(async::Core& control,
                                  async::Scope& scope,
                                  identity::BearerTokens& tokens) {
  return [&control, &scope, &tokens](session::BearerQuestion question, Deadline deadline) {
    return async::run_on(
        control, scope, [&tokens, deadline, moved = std::move(question)]() mutable {
          return tokens.session_of(std::move(moved), deadline);
        });
  };
}

}  // namespace vallum::server
