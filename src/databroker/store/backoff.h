#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace vallum::databroker {

// How long to wait before the next attempt: twice as long each time, up to a limit, and each time
// something between half of that and all of it, so that nodes that lost one server do not come back
// as a herd.
class Backoff {
 public:
  static constexpr Duration kFirst = std::chrono::milliseconds(100);
  static constexpr Duration kMost = std::chrono::seconds(10);

  // `seed` comes from Entropy.
  explicit Backoff(std::uint64_t seed) : state_(seed) {}

  Duration next() {
    const Duration whole = whole_;
    whole_ = std::min(whole_ * 2, kMost);
    return whole / 2 + Duration(static_cast<std::int64_t>(
                           draw() % static_cast<std::uint64_t>((whole / 2).count())));
  }
  void reset() { whole_ = kFirst; }

 private:
  // splitmix64: spread is all that is asked of it.
  std::uint64_t draw() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
  Duration whole_ = kFirst;
};

}  // namespace vallum::databroker
