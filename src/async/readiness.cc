#include "async/readiness.h"

#include "async/core.h"
#include "base/check.h"

namespace vallum::async {

Readiness::Wait::Wait(Readiness& readiness, Deadline deadline)
    : TimedWait(readiness.core_), readiness_(readiness), deadline_(deadline) {}

bool Readiness::Wait::await_ready() {
  DCHECK(core().on_home_core());
  if (readiness_.closed_) {
    set_outcome(Ready::Closed);
    return true;
  }
  if (readiness_.ready_) {
    set_outcome(Ready::Ready);
    return true;
  }
  if (!deadline_.is_never() && deadline_.at() <= core().now()) {
    set_outcome(Ready::TimedOut);
    return true;
  }
  return false;
}

void Readiness::Wait::await_suspend(std::coroutine_handle<> handle) {
  DCHECK(readiness_.waiting_.empty());
  suspend_until(handle, deadline_);
  readiness_.waiting_.push_back(*this);
}

void Readiness::set() {
  ready_ = true;
  if (!waiting_.empty()) {
    static_cast<Wait&>(waiting_.front()).wake(Ready::Ready);
  }
}

void Readiness::close() {
  closed_ = true;
  if (!waiting_.empty()) {
    static_cast<Wait&>(waiting_.front()).wake(Ready::Closed);
  }
}

}  // namespace vallum::async
