#include "server/control_endpoints.h"

#include <utility>

#include "async/run_on.h"

namespace vallum::server {

Async<http::Response> ControlEndpoints::answer(authenticate::Visit visit, Deadline deadline) {
  authenticate::Authenticator* const to = &authenticator_;
  return async::run_on(control_, scope_, [to, deadline, moved = std::move(visit)]() mutable {
    return to->answer(std::move(moved), deadline);
  });
}

Async<http::Response> ControlEndpoints::start_login(authenticate::Visit visit, Deadline deadline) {
  authenticate::Authenticator* const to = &authenticator_;
  return async::run_on(control_, scope_, [to, deadline, moved = std::move(visit)]() mutable {
    return to->start_login(std::move(moved), deadline);
  });
}

}  // namespace vallum::server
