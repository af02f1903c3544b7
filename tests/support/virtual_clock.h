#pragma once

#include "base/time.h"

namespace vallum::testing {

// Time that moves only when told to. Starts at 2026-01-01 00:00:00 UTC.
class VirtualClock final : public Clock {
 public:
  Instant now() const override { return now_; }
  WallTime wall() const override { return wall_; }

  void advance(Duration duration) {
    now_ += duration;
    wall_ += duration;
  }
  // Moves civil time alone, as an operator or NTP would.
  void jump_wall(Duration duration) { wall_ += duration; }

 private:
  Instant now_{std::chrono::hours(1)};
  WallTime wall_{std::chrono::seconds(1767225600)};
};

}  // namespace vallum::testing
