#pragma once

#include <memory>
#include <utility>

#include "async/core.h"
#include "async/event.h"
#include "async/intrusive_list.h"

namespace vallum::async {

namespace detail {

class CancelHook : public ListHook<CancelHook> {
 public:
  virtual void cancelled() = 0;

 protected:
  ~CancelHook() = default;
};

// Counted by its source and tokens. Not atomic: all of them live on one core.
struct CancelState {
  explicit CancelState(Core& core) : event(core) {}
  Event event;
  List<CancelHook> hooks;
  std::size_t references = 1;
};

class CancelStateRef {
 public:
  CancelStateRef() = default;
  explicit CancelStateRef(Core& core) : state_(new CancelState(core)) {}
  CancelStateRef(const CancelStateRef& other) : state_(other.state_) {
    if (state_ != nullptr) {
      ++state_->references;
    }
  }
  CancelStateRef(CancelStateRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  CancelStateRef& operator=(CancelStateRef other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~CancelStateRef() {
    if (state_ != nullptr && --state_->references == 0) {
      delete state_;
    }
  }
  CancelState* get() const { return state_; }

 private:
  CancelState* state_ = nullptr;
};

}  // namespace detail

// Asks, does not force: whoever holds it is told once that it should finish what it has and stop.
// A value. A token made by default is never cancelled. Home core of its source only.
class CancelToken {
 public:
  CancelToken() = default;

  bool is_cancelled() const { return state_.get() != nullptr && state_.get()->event.is_set(); }

  // Waits until cancelled or until the deadline; returns whether it was cancelled. The token must
  // live until then. Requires a token of a source.
  Event::Wait cancelled(Deadline deadline = Deadline::never()) const {
    DCHECK(state_.get() != nullptr);
    return state_.get()->event.wait(deadline);
  }

 private:
  friend class CancelSource;
  template <class F>
  friend class CancelCallback;
  explicit CancelToken(detail::CancelStateRef state) : state_(std::move(state)) {}
  detail::CancelStateRef state_;
};

// The one that cancels.
class CancelSource {
 public:
  explicit CancelSource(Core& core) : state_(core) {}
  CancelSource(const CancelSource&) = delete;
  CancelSource& operator=(const CancelSource&) = delete;

  CancelToken token() const { return CancelToken(state_); }
  bool is_cancelled() const { return state_.get()->event.is_set(); }
  // Runs the callbacks and makes waiting coroutines ready. Once; again does nothing.
  void cancel();

 private:
  detail::CancelStateRef state_;
};

// Calls `function` when the token is cancelled, unless it dies first; at once when it already is.
// The function runs inside cancel(): it may close streams and set events, not destroy the source.
//
//   const CancelCallback close_it(token, [&] { stream->close(); });
template <class F>
class CancelCallback final : private detail::CancelHook {
 public:
  CancelCallback(CancelToken token, F function)
      : token_(std::move(token)), function_(std::move(function)) {
    if (token_.is_cancelled()) {
      function_();
    } else if (token_.state_.get() != nullptr) {
      token_.state_.get()->hooks.push_back(*this);
    }
  }

 private:
  void cancelled() override { function_(); }

  CancelToken token_;
  F function_;
};

}  // namespace vallum::async
