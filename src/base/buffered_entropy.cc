#include "base/buffered_entropy.h"

#include <algorithm>

#include "base/secret.h"

namespace vallum {

BufferedEntropy::~BufferedEntropy() {
  wipe(block_);
}

void BufferedEntropy::fill(ByteSpan into) {
  while (!into.empty()) {
    if (left_ == 0) {
      source_.fill(block_);
      left_ = kBlockBytes;
    }
    const std::size_t count = std::min(left_, into.size());
    const ByteSpan from = ByteSpan(block_).subspan(kBlockBytes - left_, count);
    std::ranges::copy(from, into.begin());
    wipe(from);
    left_ -= count;
    into = into.subspan(count);
  }
}

}  // namespace vallum
