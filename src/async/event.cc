#include "async/event.h"

namespace vallum::async {

bool Event::Wait::await_ready() {
  DCHECK(core().on_home_core());
  if (event_.set_) {
    set_outcome(Ready::Ready);
    return true;
  }
  if (!deadline_.is_never() && deadline_.at() <= core().now()) {
    set_outcome(Ready::TimedOut);
    return true;
  }
  return false;
}

void Event::Wait::await_suspend(std::coroutine_handle<> handle) {
  suspend_until(handle, deadline_);
  event_.waiting_.push_back(*this);
}

void Event::set() {
  set_ = true;
  while (!waiting_.empty()) {
    static_cast<Wait&>(waiting_.front()).wake(Ready::Ready);
  }
}

}  // namespace vallum::async
