#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace vallum::proxy {

// Blocks of one size that connections borrow while they have bytes in hand, so that an idle
// connection holds none. One per core; not shared.
class BlockPool {
 public:
  static constexpr std::size_t kBlockBytes = 16 * 1024;

  // Keeps at most `kept_max` unused blocks; the rest go back to the allocator.
  explicit BlockPool(std::size_t kept_max) : kept_max_(kept_max) {}
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  std::unique_ptr<std::byte[]> take();
  void give(std::unique_ptr<std::byte[]> block);
  std::size_t blocks_out() const { return out_; }

 private:
  std::vector<std::unique_ptr<std::byte[]>> free_;
  std::size_t kept_max_;
  std::size_t out_ = 0;
};

// Bytes in transit: appended at the back, consumed at the front. Starts with one pooled block and
// grows by doubling up to a limit its user names. Views stay valid until the next call that
// appends, grows or releases.
class Buffer {
 public:
  // The pool must outlive the buffer.
  explicit Buffer(BlockPool& pool) : pool_(pool) {}
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  bool empty() const { return begin_ == end_; }
  std::size_t size() const { return end_ - begin_; }
  std::string_view text() const;
  ByteView bytes() const { return as_bytes(text()); }

  // Room for at least one byte, unless the buffer holds `bytes_max` already; then an empty span.
  ByteSpan space(std::size_t bytes_max);
  // Requires count <= the size of the span that space() returned.
  void produced(std::size_t count) { end_ += count; }
  // Requires count <= size().
  void consume(std::size_t count);
  // Appends all, growing as needed. The caller bounds what it appends.
  void append(std::string_view text);
  void append(ByteView bytes) { append(as_text(bytes)); }
  void clear() { begin_ = end_ = 0; }
  // Exchanges contents with a buffer of the same pool; views follow their bytes.
  void swap(Buffer& other) noexcept;
  // Gives the block back. Requires empty().
  void release();

 private:
  void reserve_back(std::size_t count);

  BlockPool& pool_;
  std::unique_ptr<std::byte[]> block_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace vallum::proxy
