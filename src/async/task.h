#pragma once

#include <coroutine>
#include <cstdlib>
#include <optional>
#include <utility>

#include "async/frame_pool.h"
#include "base/check.h"
#include "base/result.h"

namespace vallum::async {

template <class T>
class Task;

namespace detail {

class AwaitedPromise : public FrameAllocated {
 public:
  struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> done) const noexcept {
      return done.promise().continuation_;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  // Failures are values; an exception that gets here is a bug or memory exhaustion.
  [[noreturn]] void unhandled_exception() noexcept {
    check_failed(__FILE__, __LINE__, "no exception leaves a coroutine");
  }
  void continue_with(std::coroutine_handle<> continuation) noexcept {
    DCHECK(!continuation_);
    continuation_ = continuation;
  }

 private:
  std::coroutine_handle<> continuation_;
};

template <class T>
class TaskPromise final : public AwaitedPromise {
 public:
  Task<T> get_return_object() noexcept;
  template <class U = T>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() { return *std::move(value_); }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> final : public AwaitedPromise {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace detail

// A coroutine that starts when it is awaited and is awaited once:
//
//   Task<int> answer() { co_return 42; }
//   Task<void> ask() { const int n = co_await answer(); ... }
//
// Owned by whoever holds the Task; destroying a suspended one cancels it and everything it awaits:
// each leaf takes itself out of the queue it waits in. Never destroy a task from code that it is
// running. Runs on the core of its awaiter. Resumption is by symmetric transfer: chains of any
// length use no stack. Frames come from frame_pool.h.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Value = T;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { reset(); }

  // co_await make(), or co_await std::move(task).
  auto operator co_await() && noexcept {
    DCHECK(handle_);
    struct Awaiter {
      std::coroutine_handle<promise_type> handle;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
        handle.promise().continue_with(awaiting);
        return handle;
      }
      T await_resume() const { return handle.promise().take(); }
    };
    return Awaiter{handle_};
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  void reset() noexcept {
    // Not compared with nullptr: that would look at every operator== of the value's namespaces.
    if (handle_) {
      handle_.destroy();
      handle_ = nullptr;
    }
  }

  std::coroutine_handle<promise_type> handle_;
};

// What a coroutine that may fail returns.
template <class T>
using Async = Task<Result<T>>;

namespace detail {

template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

}  // namespace detail
}  // namespace vallum::async

namespace vallum {
using async::Async;
using async::Task;
}  // namespace vallum
