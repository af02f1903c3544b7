#pragma once

#include <chrono>
#include <cstdint>

namespace vallum {

using Duration = std::chrono::nanoseconds;

// A point on the monotonic clock: for deadlines and measuring. Its zero has no meaning.
struct MonotonicTag {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicTag, duration>;
  static constexpr bool is_steady = true;
};
using Instant = MonotonicTag::time_point;

// A point in civil time, UTC: for records, tokens and logs.
using WallTime = std::chrono::sys_time<Duration>;

inline std::int64_t unix_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}
inline std::int64_t unix_millis(WallTime time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}
inline WallTime from_unix_seconds(std::int64_t seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

// The one source of time. Virtual in tests and in the simulation.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  virtual Instant now() const = 0;
  virtual WallTime wall() const = 0;
};

// The kernel's clocks. Any thread.
class SystemClock final : public Clock {
 public:
  Instant now() const override;
  WallTime wall() const override;
};

// An absolute instant, made once per request and passed down, so that waits do not add up.
class Deadline {
 public:
  constexpr explicit Deadline(Instant at) : at_(at) {}
  static constexpr Deadline never() { return Deadline(Instant::max()); }
  static Deadline after(const Clock& clock, Duration duration) {
    return Deadline(clock.now() + duration);
  }

  constexpr Instant at() const { return at_; }
  constexpr bool is_never() const { return at_ == Instant::max(); }
  bool has_passed(const Clock& clock) const { return !is_never() && clock.now() >= at_; }
  constexpr Deadline earlier(Deadline other) const { return other.at_ < at_ ? other : *this; }
  // Never negative.
  Duration left(const Clock& clock) const;

  constexpr bool operator==(const Deadline&) const = default;

 private:
  Instant at_;
};

}  // namespace vallum
