#include "support/seeded_entropy.h"

namespace vallum::testing {

void SeededEntropy::fill(ByteSpan into) {
  std::uint64_t bits = 0;
  unsigned left = 0;
  for (std::byte& b : into) {
    if (left == 0) {
      state_ += 0x9e3779b97f4a7c15ULL;
      std::uint64_t z = state_;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      bits = z ^ (z >> 31);
      left = 8;
    }
    b = static_cast<std::byte>(bits & 0xff);
    bits >>= 8;
    --left;
  }
}

}  // namespace vallum::testing
