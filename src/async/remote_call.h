#pragma once

#include <atomic>
#include <optional>
#include <type_traits>
#include <utility>

#include "async/core.h"
#include "async/event.h"
#include "async/task.h"

namespace vallum::async::detail {

struct Nothing {};
template <class T>
using Stored = std::conditional_t<std::is_void_v<T>, Nothing, T>;

// A function on its way to another thread and its result on the way back. Shared by the waiting
// coroutine and the message that travels; the last of them deletes it, so neither side needs to
// know whether the other still exists.
class RemoteCallState {
 public:
  explicit RemoteCallState(Core& home) : home_(home), done_(home) {}
  RemoteCallState(const RemoteCallState&) = delete;
  RemoteCallState& operator=(const RemoteCallState&) = delete;
  virtual ~RemoteCallState() = default;

  // On the other thread.
  virtual void execute() = 0;

  Core& home() const { return home_; }
  // Home core only.
  Event& done() { return done_; }
  // Nobody waits any more: an execution that has not begun may be left out. Any thread.
  void abandon() { abandoned_.store(true, std::memory_order_relaxed); }
  bool is_abandoned() const { return abandoned_.load(std::memory_order_relaxed); }

  void add_reference() { references_.fetch_add(1, std::memory_order_relaxed); }
  void drop_reference() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      delete this;
    }
  }

 private:
  Core& home_;
  Event done_;
  std::atomic<unsigned> references_{0};
  std::atomic<bool> abandoned_{false};
};

template <class State>
class CallRef {
 public:
  explicit CallRef(State* state) : state_(state) { state_->add_reference(); }
  CallRef(CallRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  CallRef(const CallRef& other) : CallRef(other.state_) {}
  CallRef& operator=(CallRef other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  template <class Derived>
    requires(std::is_base_of_v<State, Derived> && !std::is_same_v<State, Derived>)
  CallRef(const CallRef<Derived>& other)  // NOLINT(google-explicit-constructor): as a pointer would
      : CallRef(other.get()) {}
  ~CallRef() {
    if (state_ != nullptr) {
      state_->drop_reference();
    }
  }
  State* get() const { return state_; }
  State* operator->() const { return state_; }

 private:
  State* state_;
};

template <class F>
class RemoteCall final : public RemoteCallState {
 public:
  using Value = std::invoke_result_t<F&>;

  RemoteCall(Core& home, F function) : RemoteCallState(home), function_(std::move(function)) {}

  void execute() override {
    if constexpr (std::is_void_v<Value>) {
      function_();
      value_.emplace();
    } else {
      value_.emplace(function_());
    }
  }
  // Home core only, once done() is set.
  Value take() {
    if constexpr (!std::is_void_v<Value>) {
      return *std::move(value_);
    }
  }

 private:
  F function_;
  std::optional<Stored<Value>> value_;
};

// Runs the call here and tells its home.
inline void execute_and_return(CallRef<RemoteCallState> call) {
  call->execute();
  Core& home = call->home();
  home.post([call = std::move(call)] { call->done().set(); });
}

// Marks the call abandoned when the waiting coroutine is destroyed or gives up.
class AbandonOnExit {
 public:
  explicit AbandonOnExit(RemoteCallState* call) : call_(call) {}
  AbandonOnExit(const AbandonOnExit&) = delete;
  AbandonOnExit& operator=(const AbandonOnExit&) = delete;
  ~AbandonOnExit() { call_->abandon(); }

 private:
  RemoteCallState* call_;
};

}  // namespace vallum::async::detail
