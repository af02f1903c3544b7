#pragma once

#include "async/waiter.h"

namespace vallum::async {

// One direction of a descriptor or of a pipe in memory: whether an operation may succeed, and the
// coroutine that waits for it. The usual loop:
//
//   for (;;) {
//     if (try_operation() != WouldBlock) break;   // clears the readiness when it would block
//     const Ready ready = co_await readiness.wait(deadline);
//     if (ready != Ready::Ready) break;
//   }
//
// At most one coroutine waits at a time. Home core only. Never allocates.
class Readiness {
 public:
  class [[nodiscard]] Wait final : public TimedWait {
   public:
    Wait(Readiness& readiness, Deadline deadline);
    bool await_ready();
    void await_suspend(std::coroutine_handle<> handle);
    Ready await_resume() const { return outcome(); }

   private:
    Readiness& readiness_;
    Deadline deadline_;
  };

  // `core` outlives this.
  Readiness(Core& core, bool ready) : core_(core), ready_(ready) {}
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  bool is_set() const { return ready_; }
  bool is_closed() const { return closed_; }
  bool is_awaited() const { return !waiting_.empty(); }
  void set();
  void clear() { ready_ = false; }
  // For good: this wait and all later ones end with Closed.
  void close();

  // Returns at once when ready, even past the deadline. Until it returns the readiness must live,
  // or be closed and the coroutine not be resumed before it looks elsewhere.
  Wait wait(Deadline deadline) { return {*this, deadline}; }

 private:
  Core& core_;
  List<Waiter> waiting_;
  bool ready_;
  bool closed_ = false;
};

}  // namespace vallum::async
