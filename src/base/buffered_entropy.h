#pragma once

#include <array>
#include <cstddef>

#include "base/entropy.h"

namespace vallum {

// Fetches randomness in blocks, because a request needs an id and must not cost a system call.
// Bytes are wiped once they have been handed out. One thread.
class BufferedEntropy final : public Entropy {
 public:
  // `source` must outlive this.
  explicit BufferedEntropy(Entropy& source) : source_(source) {}
  BufferedEntropy(const BufferedEntropy&) = delete;
  BufferedEntropy& operator=(const BufferedEntropy&) = delete;
  ~BufferedEntropy() override;

  void fill(ByteSpan into) override;

 private:
  static constexpr std::size_t kBlockBytes = 4096;

  Entropy& source_;
  std::array<std::byte, kBlockBytes> block_{};
  std::size_t left_ = 0;
};

}  // namespace vallum
