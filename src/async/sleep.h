#pragma once

#include "async/core.h"
#include "async/waiter.h"

namespace vallum::async {

// co_await sleep_until(core, instant): resumes at that instant or up to a millisecond later. Never
// allocates.
class [[nodiscard]] Sleep final : public TimedWait {
 public:
  Sleep(Core& core, Instant until) : TimedWait(core), until_(until) {}
  bool await_ready() const { return until_ <= core().now(); }
  void await_suspend(std::coroutine_handle<> handle) { suspend_until(handle, Deadline(until_)); }
  void await_resume() const {}

 private:
  Instant until_;
};

inline Sleep sleep_until(Core& core, Instant until) {
  return {core, until};
}
inline Sleep sleep_for(Core& core, Duration duration) {
  return {core, core.now() + duration};
}

// co_await yield(core): lets everything that is ready run first.
class [[nodiscard]] Yield final : public Waiter {
 public:
  explicit Yield(Core& core) : core_(core) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    suspend_as(handle);
    core_.make_ready(*this);
  }
  void await_resume() const {}

 private:
  Core& core_;
};

inline Yield yield(Core& core) {
  return Yield(core);
}

}  // namespace vallum::async
