#pragma once

#include <cstddef>

#include "async/cancel.h"
#include "async/event.h"
#include "async/task.h"

namespace vallum::async {

// Owns running tasks: nothing runs unowned. A member of what the tasks work for, declared last, so
// that it is destroyed first and no task sees dead members.
//
//   scope_.spawn(serve(std::move(stream)));
//   ...
//   co_await scope_.drain(deadline);   // soft stop, then hard
//
// Destroying the scope is the hard stop: every child is destroyed where it waits, the newest first.
// Never from within a child. Home core only.
class Scope {
 public:
  explicit Scope(Core& core);
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope();

  // The child starts in the core's next stretch of work, never inside spawn(). After the scope
  // began to die the task is destroyed instead.
  void spawn(Task<void> task);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // What drain() cancels: give it to children that should end early.
  CancelToken token() const { return source_.token(); }

  // Cancels the token, waits for the children until the deadline, destroys the rest. Returns how
  // many had to be destroyed. Requires that no child awaits it and that nothing else drains.
  Task<std::size_t> drain(Deadline deadline);
  // Destroys the children now; returns how many.
  std::size_t cancel_children();

 private:
  struct Child;
  struct Promise;

  static Child supervise(Scope* scope, Task<void> task);
  void child_ended();

  Core& core_;
  CancelSource source_;
  Event idle_;
  List<Promise> children_;
  std::size_t size_ = 0;
  bool dying_ = false;
};

}  // namespace vallum::async
