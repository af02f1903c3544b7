#pragma once

#include <mutex>
#include <shared_mutex>
#include <utility>

namespace vallum::async {

// What one thread owns and changes, and others look into without asking it: they see all of a
// change or nothing of it. For tables too big to be copied as a Snapshot; whoever looks holds up
// the owner, so functions are short, and block on nothing.
template <class T>
class SingleWriter {
 public:
  template <class... Args>
  explicit SingleWriter(Args&&... args) : value_(std::forward<Args>(args)...) {}
  SingleWriter(const SingleWriter&) = delete;
  SingleWriter& operator=(const SingleWriter&) = delete;

  // The owner's thread.
  const T& get() const { return value_; }
  template <class F>
  void change(F&& function) {
    const std::unique_lock lock(mutex_);
    std::forward<F>(function)(value_);
  }

  // Any other thread. Returns a value, nothing that refers to what it saw.
  template <class F>
  auto look(F&& function) const {
    const std::shared_lock lock(mutex_);
    return std::forward<F>(function)(value_);
  }

 private:
  mutable std::shared_mutex mutex_;
  T value_;
};

}  // namespace vallum::async
