#pragma once

#include "base/result.h"
#include "base/time.h"

namespace vallum::async {

class IoHandle;

// Where a core waits for the outside world: epoll in the server, a virtual clock in tests. Belongs
// to one core; only wake() may be called from other threads.
class Reactor {
 public:
  Reactor() = default;
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  virtual ~Reactor() = default;

  // Returns when a watched handle changed (and has been told so), when wake() was called, or after
  // `at_most`; zero only looks, Duration::max() waits for ever. Runs no code of handles' owners.
  virtual void wait(Duration at_most) = 0;
  // Makes the present or the next wait() return. Any thread.
  virtual void wake() = 0;

  // Reports every change of the handle's readiness, once each, until remove().
  virtual Result<void> add(IoHandle& handle) = 0;
  virtual void remove(IoHandle& handle) = 0;
  // Reports again what is ready now: for code that does not read until "would block".
  virtual void report_again(IoHandle& handle) = 0;
};

}  // namespace vallum::async
