#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>

#include "base/bytes.h"

namespace vallum::async {

// Bytes from one thread to another, in order, without locks, in fixed memory. One thread pushes,
// one thread takes; neither ever waits.
class ByteRing {
 public:
  // `capacity` is a power of two. The memory is touched as it is first used.
  explicit ByteRing(std::size_t capacity);
  ByteRing(const ByteRing&) = delete;
  ByteRing& operator=(const ByteRing&) = delete;

  // Pushing thread. All of the bytes or none: false when there is no room.
  bool try_push(ByteView bytes);
  // Pushing thread: at least this much fits.
  std::size_t room();

  // Taking thread: everything pushed so far, in two pieces, the second empty unless it wraps. Until
  // drop().
  std::array<ByteView, 2> pushed() const;
  // Taking thread: gives the first bytes of pushed() back.
  void drop(std::size_t bytes);

  std::size_t capacity() const { return mask_ + 1; }

 private:
  static constexpr std::size_t kCacheLine = 64;

  std::size_t mask_;
  std::unique_ptr<std::byte[]> memory_;
  // Both count bytes since the beginning and wrap with their type.
  alignas(kCacheLine) std::atomic<std::size_t> pushed_{0};
  std::size_t dropped_seen_ = 0;  // the pushing thread's last look at dropped_
  alignas(kCacheLine) std::atomic<std::size_t> dropped_{0};
};

}  // namespace vallum::async
