#include "base/time.h"

#include <algorithm>

namespace vallum {

Instant SystemClock::now() const {
  return Instant(std::chrono::steady_clock::now().time_since_epoch());
}

WallTime SystemClock::wall() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

Duration Deadline::left(const Clock& clock) const {
  if (is_never()) {
    return Duration::max();
  }
  return std::max(at_ - clock.now(), Duration::zero());
}

}  // namespace vallum
