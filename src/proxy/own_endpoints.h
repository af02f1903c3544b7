#pragma once

#include "async/task.h"
#include "authenticate/visit.h"
#include "base/time.h"
#include "http/message.h"

namespace vallum::proxy {

// What answers for Vallum itself: sign-in, keys, the user's page. In the server it passes visits to
// the control core. Called on any serving core; the answer arrives there.
class OwnEndpoints {
 public:
  OwnEndpoints() = default;
  OwnEndpoints(const OwnEndpoints&) = delete;
  OwnEndpoints& operator=(const OwnEndpoints&) = delete;
  virtual ~OwnEndpoints() = default;

  virtual Async<http::Response> answer(authenticate::Visit visit, Deadline deadline) = 0;
  // A redirect to sign-in, or a page that says why there is none.
  virtual Async<http::Response> start_login(authenticate::Visit visit, Deadline deadline) = 0;
};

}  // namespace vallum::proxy
