#pragma once

#include "async/task.h"
#include "proxy/exchange.h"

namespace vallum::proxy {

// Answers the requests of a listener in place of the proxy: nothing that arrives there is routed or
// forwarded. Called on the core of the connection.
class Answerer {
 public:
  Answerer() = default;
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;
  virtual ~Answerer() = default;

  // The exchange's head is read and its peer known; a body is not. Fills x->reply and x->details.
  // The exchange lives until the task ends.
  virtual Task<void> answer(Exchange* x) = 0;
};

}  // namespace vallum::proxy
