#pragma once

#include <cstdint>

#include "base/entropy.h"

namespace vallum::testing {

// The same seed gives the same bytes (splitmix64).
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : state_(seed) {}
  void fill(ByteSpan into) override;

 private:
  std::uint64_t state_;
};

}  // namespace vallum::testing
