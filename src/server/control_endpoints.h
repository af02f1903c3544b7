#pragma once

#include "async/core.h"
#include "async/scope.h"
#include "authenticate/authenticator.h"
#include "proxy/own_endpoints.h"

namespace vallum::server {

// Carries visits from the data cores to the authenticator on the control core and answers back.
class ControlEndpoints final : public proxy::OwnEndpoints {
 public:
  // All outlive this and every call; `scope` belongs to `control`.
  ControlEndpoints(async::Core& control,
                   async::Scope& scope,
                   authenticate::Authenticator& authenticator)
      : control_(control), scope_(scope), authenticator_(authenticator) {}

  Async<http::Response> answer(authenticate::Visit visit, Deadline deadline) override;
  Async<http::Response> start_login(authenticate::Visit visit, Deadline deadline) override;

 private:
  async::Core& control_;
  async::Scope& scope_;
  authenticate::Authenticator& authenticator_;
};

}  // namespace vallum::server
