#pragma once

#include <coroutine>
#include <cstdint>

#include "async/intrusive_list.h"
#include "async/timer_wheel.h"
#include "base/time.h"

namespace vallum::async {

class Core;

// A suspended coroutine in the queue of what it waits for, or in its core's ready queue: in one of
// them at a time. A member or base of an awaiter, so it lives in the frame of the coroutine and
// leaves its queue when that frame dies.
class Waiter : public ListHook<Waiter> {
 public:
  void suspend_as(std::coroutine_handle<> handle) { handle_ = handle; }
  void resume() { handle_.resume(); }

 private:
  std::coroutine_handle<> handle_;
};

// Why a wait ended.
enum class Ready : std::uint8_t {
  Ready,     // try the operation now
  TimedOut,  // the deadline passed
  Closed,    // our own side closed it: stop
};

// A Waiter with a deadline. Never allocates.
class TimedWait : public Waiter, private Timer {
 public:
  explicit TimedWait(Core& core) : core_(core) {}

  // Moves the coroutine from its queue to the core's ready queue.
  void wake(Ready outcome);

 protected:
  ~TimedWait() = default;
  // Requires that the caller links this into a queue afterwards, unless it waits for time alone.
  void suspend_until(std::coroutine_handle<> handle, Deadline deadline);
  Core& core() const { return core_; }
  Ready outcome() const { return outcome_; }
  void set_outcome(Ready outcome) { outcome_ = outcome; }

 private:
  void fired() override { wake(Ready::TimedOut); }

  Core& core_;
  Ready outcome_ = Ready::Ready;
};

}  // namespace vallum::async
