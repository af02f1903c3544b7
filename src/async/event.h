#pragma once

#include <optional>
#include <utility>

#include "async/core.h"
#include "async/task.h"
#include "async/waiter.h"

namespace vallum::async {

// A flag that coroutines of one core wait for; it stays set until reset(). Any number may wait.
// Setting it makes them ready, it does not run them. Home core only; no coroutine may wait on it
// when it dies, except one that is never resumed.
class Event {
 public:
  class [[nodiscard]] Wait final : public TimedWait {
   public:
    Wait(Event& event, Deadline deadline)
        : TimedWait(event.core_), event_(event), deadline_(deadline) {}
    bool await_ready();
    void await_suspend(std::coroutine_handle<> handle);
    // Returns whether the event was set; false when the deadline came first.
    bool await_resume() const { return outcome() == Ready::Ready; }

   private:
    Event& event_;
    Deadline deadline_;
  };

  explicit Event(Core& core) : core_(core) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void set();
  void reset() { set_ = false; }
  bool is_set() const { return set_; }
  Wait wait(Deadline deadline = Deadline::never()) { return {*this, deadline}; }

 private:
  Core& core_;
  List<Waiter> waiting_;
  bool set_ = false;
};

// A value that arrives later, from elsewhere on the same core, for one coroutine:
//
//   OneShot<Answer> answer(core);     // in the waiting coroutine
//   start(&answer);                   // whoever calls answer.complete(...), or forgets it
//   CO_TRY(auto value, co_await answer.take(deadline));
template <class T>
class OneShot {
 public:
  explicit OneShot(Core& core) : event_(core) {}

  // Requires that it is not complete yet.
  void complete(T value) {
    DCHECK(!value_.has_value());
    value_.emplace(std::move(value));
    event_.set();
  }
  bool is_complete() const { return event_.is_set(); }

  // Returns DeadlineExceeded when nothing came in time.
  Async<T> take(Deadline deadline) {
    const bool came = co_await event_.wait(deadline);
    if (!came) {
      co_return fail(ErrorKind::DeadlineExceeded, "no answer in time");
    }
    co_return *std::move(value_);
  }

 private:
  Event event_;
  std::optional<T> value_;
};

}  // namespace vallum::async
