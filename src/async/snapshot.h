#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace vallum::async {

// Shared immutable state: configuration, policy programs, certificates, keys. The one place for
// shared_ptr. Any thread may hold one; the last to let go destroys the value, on its own thread.
template <class T>
using Snapshot = std::shared_ptr<const T>;

template <class T, class... Args>
Snapshot<T> make_snapshot(Args&&... args) {
  return std::make_shared<const T>(std::forward<Args>(args)...);
}

// Where the newest snapshot is put by one thread and found by others. Takes a lock: cores keep
// their own Snapshot and are told of a new one by post(), they do not load() per request.
template <class T>
class SnapshotCell {
 public:
  explicit SnapshotCell(Snapshot<T> initial = nullptr) : value_(std::move(initial)) {}
  SnapshotCell(const SnapshotCell&) = delete;
  SnapshotCell& operator=(const SnapshotCell&) = delete;

  Snapshot<T> load() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  // Returns the snapshot that was there.
  Snapshot<T> exchange(Snapshot<T> value) {
    const std::lock_guard lock(mutex_);
    return std::exchange(value_, std::move(value));
  }
  void store(Snapshot<T> value) { exchange(std::move(value)); }

 private:
  mutable std::mutex mutex_;
  Snapshot<T> value_;
};

}  // namespace vallum::async
