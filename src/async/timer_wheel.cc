#include "async/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace vallum::async {
namespace {

constexpr Duration kTick = std::chrono::milliseconds(1);

}  // namespace

void TimerWheel::arm(Timer& timer, Instant at) {
  timer.unlink();
  const std::uint64_t last = (1ULL << (kBits * kLevels)) - 1;
  std::uint64_t tick = 0;
  if (at > start_) {
    const Duration since = at - start_;
    tick = static_cast<std::uint64_t>(since / kTick) + (since % kTick != Duration::zero() ? 1 : 0);
  }
  timer.tick_ = std::clamp(tick, now_tick_ + 1, last);
  link(timer);
}

void TimerWheel::link(Timer& timer) {
  // The level is the highest group of bits in which the tick differs from now: so every timer of a
  // lower level is due before any timer of a higher one.
  const std::uint64_t difference = timer.tick_ ^ now_tick_;
  const std::size_t level =
      difference == 0 ? 0 : static_cast<std::size_t>(std::bit_width(difference) - 1) / kBits;
  const std::size_t slot = (timer.tick_ >> (level * kBits)) & (kSlots - 1);
  levels_[level].slots[slot].push_back(timer);
  levels_[level].occupied |= 1ULL << slot;
}

std::optional<TimerWheel::Position> TimerWheel::next_slot() {
  for (std::size_t level = 0; level < kLevels; ++level) {
    Level& here = levels_[level];
    while (here.occupied != 0) {
      const std::size_t shift = level * kBits;
      const std::size_t current = (now_tick_ >> shift) & (kSlots - 1);
      // Slots before the current one belong to no armed timer: its level would be higher.
      const auto slot = static_cast<std::size_t>(std::countr_zero(here.occupied));
      if (slot < current || here.slots[slot].empty()) {
        here.occupied &= ~(1ULL << slot);
        continue;
      }
      const std::uint64_t above = now_tick_ >> (shift + kBits) << (shift + kBits);
      return Position{level, slot, above | (static_cast<std::uint64_t>(slot) << shift)};
    }
  }
  return std::nullopt;
}

std::size_t TimerWheel::advance(Instant now) {
  if (now <= start_) {
    return 0;
  }
  const auto target = static_cast<std::uint64_t>((now - start_) / kTick);
  std::size_t fired = 0;
  while (auto next = next_slot()) {
    if (next->tick > target) {
      break;
    }
    now_tick_ = std::max(now_tick_, next->tick);
    List<Timer> due;
    due.splice_back(levels_[next->level].slots[next->slot]);
    levels_[next->level].occupied &= ~(1ULL << next->slot);
    while (!due.empty()) {
      Timer& timer = due.front();
      timer.unlink();
      if (timer.tick_ > now_tick_) {
        link(timer);
        continue;
      }
      ++fired;
      timer.fired();
    }
  }
  now_tick_ = std::max(now_tick_, target);
  return fired;
}

std::optional<Instant> TimerWheel::next() {
  const auto slot = next_slot();
  if (!slot) {
    return std::nullopt;
  }
  return start_ + kTick * static_cast<std::int64_t>(slot->tick);
}

}  // namespace vallum::async
