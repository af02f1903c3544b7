#include "async/scope.h"

#include <utility>

#include "base/check.h"

namespace vallum::async {

// A coroutine that owns itself until it ends or its scope destroys it.
struct Scope::Child {
  using promise_type = Promise;
};

struct Scope::Promise : public FrameAllocated, public ListHook<Promise> {
  struct End {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<Promise> done) const noexcept {
      Scope* owner = done.promise().scope;
      done.destroy();
      owner->child_ended();
    }
    void await_resume() const noexcept {}
  };

  Promise(Scope* of, Task<void>& /*task*/) : scope(of) {}
  Child get_return_object() {
    const auto handle = std::coroutine_handle<Promise>::from_promise(*this);
    scope->children_.push_back(*this);
    ++scope->size_;
    start.suspend_as(handle);
    scope->core_.make_ready(start);
    return {};
  }
  std::suspend_always initial_suspend() const noexcept { return {}; }
  End final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  [[noreturn]] void unhandled_exception() noexcept {
    check_failed(__FILE__, __LINE__, "no exception leaves a coroutine");
  }

  Scope* scope;
  Waiter start;
};

Scope::Scope(Core& core) : core_(core), source_(core), idle_(core) {
  idle_.set();
}

Scope::~Scope() {
  dying_ = true;
  cancel_children();
  CHECK(size_ == 0);
}

Scope::Child Scope::supervise(Scope* /*scope*/, Task<void> task) {
  co_await std::move(task);
}

void Scope::spawn(Task<void> task) {
  DCHECK(core_.on_home_core());
  if (dying_) {
    return;
  }
  idle_.reset();
  supervise(this, std::move(task));
}

void Scope::child_ended() {
  --size_;
  if (size_ == 0) {
    idle_.set();
  }
}

std::size_t Scope::cancel_children() {
  std::size_t count = 0;
  while (!children_.empty()) {
    Promise& promise = children_.back();
    promise.unlink();
    std::coroutine_handle<Promise>::from_promise(promise).destroy();
    child_ended();
    ++count;
  }
  return count;
}

Task<std::size_t> Scope::drain(Deadline deadline) {
  source_.cancel();
  co_await idle_.wait(deadline);
  co_return cancel_children();
}

}  // namespace vallum::async
