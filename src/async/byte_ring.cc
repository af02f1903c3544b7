#include "async/byte_ring.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace vallum::async {

ByteRing::ByteRing(std::size_t capacity)
    : mask_(capacity - 1), memory_(std::make_unique_for_overwrite<std::byte[]>(capacity)) {
  CHECK(std::has_single_bit(capacity));
}

std::size_t ByteRing::room() {
  dropped_seen_ = dropped_.load(std::memory_order_acquire);
  return capacity() - (pushed_.load(std::memory_order_relaxed) - dropped_seen_);
}

bool ByteRing::try_push(ByteView bytes) {
  const std::size_t at = pushed_.load(std::memory_order_relaxed);
  if (bytes.size() > capacity() - (at - dropped_seen_) && bytes.size() > room()) {
    return false;
  }
  const std::size_t offset = at & mask_;
  const std::size_t first = std::min(bytes.size(), capacity() - offset);
  if (first > 0) {
    std::memcpy(&memory_[offset], bytes.data(), first);
  }
  if (first < bytes.size()) {
    std::memcpy(&memory_[0], bytes.data() + first, bytes.size() - first);
  }
  pushed_.store(at + bytes.size(), std::memory_order_release);
  return true;
}

std::array<ByteView, 2> ByteRing::pushed() const {
  const std::size_t from = dropped_.load(std::memory_order_relaxed);
  const std::size_t size = pushed_.load(std::memory_order_acquire) - from;
  const std::size_t offset = from & mask_;
  const std::size_t first = std::min(size, capacity() - offset);
  return {ByteView(&memory_[offset], first), ByteView(&memory_[0], size - first)};
}

void ByteRing::drop(std::size_t bytes) {
  const std::size_t from = dropped_.load(std::memory_order_relaxed);
  DCHECK(bytes <= pushed_.load(std::memory_order_relaxed) - from);
  dropped_.store(from + bytes, std::memory_order_release);
}

}  // namespace vallum::async
