#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>

#include "base/time.h"
#include "support/seeded_entropy.h"

namespace vallum::testing {

// Draws of one seed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : entropy_(seed) {}

  // 0 to sides - 1.
  std::size_t roll(std::size_t sides) {
    return static_cast<std::size_t>(entropy_.next_u64() % sides);
  }
  bool one_in(std::size_t sides) { return roll(sides) == 0; }
  Duration up_to(std::chrono::milliseconds most) {
    return std::chrono::milliseconds(roll(static_cast<std::size_t>(most.count()) + 1));
  }
  template <class T>
  T pick(std::initializer_list<T> of) {
    return *std::next(of.begin(), static_cast<std::ptrdiff_t>(roll(of.size())));
  }
  SeededEntropy& entropy() { return entropy_; }

 private:
  SeededEntropy entropy_;
};

}  // namespace vallum::testing
