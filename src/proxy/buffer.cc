#include "proxy/buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace vallum::proxy {

std::unique_ptr<std::byte[]> BlockPool::take() {
  ++out_;
  if (free_.empty()) {
    return std::make_unique_for_overwrite<std::byte[]>(kBlockBytes);
  }
  std::unique_ptr<std::byte[]> block = std::move(free_.back());
  free_.pop_back();
  return block;
}

void BlockPool::give(std::unique_ptr<std::byte[]> block) {
  --out_;
  if (free_.size() < kept_max_) {
    free_.push_back(std::move(block));
  }
}

Buffer::~Buffer() {
  clear();
  release();
}

std::string_view Buffer::text() const {
  if (empty()) {
    return {};
  }
  return as_text(ByteView(block_.get() + begin_, size()));
}

ByteSpan Buffer::space(std::size_t bytes_max) {
  if (size() >= bytes_max) {
    return {};
  }
  if (end_ == capacity_) {
    reserve_back(1);
  }
  return {block_.get() + end_, std::min(capacity_ - end_, bytes_max - size())};
}

void Buffer::consume(std::size_t count) {
  DCHECK(count <= size());
  begin_ += count;
  if (begin_ == end_) {
    begin_ = end_ = 0;
  }
}

void Buffer::append(std::string_view text) {
  if (text.empty()) {
    return;
  }
  if (capacity_ - end_ < text.size()) {
    reserve_back(text.size());
  }
  std::memcpy(block_.get() + end_, text.data(), text.size());
  end_ += text.size();
}

void Buffer::swap(Buffer& other) noexcept {
  DCHECK(&pool_ == &other.pool_);
  std::swap(block_, other.block_);
  std::swap(capacity_, other.capacity_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
}

void Buffer::release() {
  DCHECK(empty());
  if (capacity_ == BlockPool::kBlockBytes) {
    pool_.give(std::move(block_));
  }
  block_.reset();
  capacity_ = 0;
}

void Buffer::reserve_back(std::size_t count) {
  if (block_ == nullptr && count <= BlockPool::kBlockBytes) {
    block_ = pool_.take();
    capacity_ = BlockPool::kBlockBytes;
    return;
  }
  if (begin_ > 0 && capacity_ - size() >= count) {
    std::memmove(block_.get(), block_.get() + begin_, size());
    end_ = size();
    begin_ = 0;
    return;
  }
  // Larger blocks are rare (a head above 16 KiB) and do not go through the pool.
  const std::size_t capacity = std::max(capacity_ * 2, size() + count);
  auto grown = std::make_unique_for_overwrite<std::byte[]>(capacity);
  const std::size_t kept = size();
  if (kept > 0) {
    std::memcpy(grown.get(), block_.get() + begin_, kept);
  }
  if (capacity_ == BlockPool::kBlockBytes) {
    pool_.give(std::move(block_));
  }
  block_ = std::move(grown);
  capacity_ = capacity;
  begin_ = 0;
  end_ = kept;
}

}  // namespace vallum::proxy
