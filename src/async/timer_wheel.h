#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "async/intrusive_list.h"
#include "base/time.h"

namespace vallum::async {

// Something to do at an instant. A member or base of its owner; dying or cancel() takes it out of
// the wheel. Home core only.
class Timer : public ListHook<Timer> {
 public:
  Timer() = default;
  bool is_armed() const { return is_linked(); }
  void cancel() { unlink(); }

 protected:
  ~Timer() = default;

 private:
  friend class TimerWheel;
  // Called once, disarmed. May arm or destroy any timer, this one too.
  virtual void fired() = 0;

  std::uint64_t tick_ = 0;
};

// Timers of one core in a hierarchical wheel: arming and cancelling are O(1) and allocate nothing.
// A tick is a millisecond; a timer never fires before its instant and at most one tick after the
// wheel is advanced past it. Timers of one tick fire in the order they were armed.
class TimerWheel {
 public:
  explicit TimerWheel(Instant start) : start_(start) {}

  // Arms, or arms anew. An instant that has passed fires at the next tick.
  void arm(Timer& timer, Instant at);
  // Fires everything due at `now`. Time never goes back: an earlier `now` fires nothing. Returns
  // how many fired.
  std::size_t advance(Instant now);
  // When to call advance() next, nullopt when no timer is armed. May be early, never late.
  std::optional<Instant> next();

 private:
  static constexpr unsigned kBits = 6;
  static constexpr std::size_t kSlots = 1U << kBits;
  static constexpr std::size_t kLevels = 7;  // 2^42 ms, 139 years

  struct Level {
    std::uint64_t occupied = 0;  // a bit may outlive its timers; next_slot() clears it
    std::array<List<Timer>, kSlots> slots;
  };
  struct Position {
    std::size_t level;
    std::size_t slot;
    std::uint64_t tick;
  };

  void link(Timer& timer);
  std::optional<Position> next_slot();

  Instant start_;
  std::uint64_t now_tick_ = 0;
  std::array<Level, kLevels> levels_;
};

}  // namespace vallum::async
