#include "support/sim/sim_world.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace vallum::testing {

SimWorld::SimCore::SimCore(SimWorld& world, unsigned index)
    : entropy(world.seed_ * 1000 + index),
      order(world.seed_ * 1000 + 500 + index),
      reactor(world.clock_),
      core({.reactor = reactor,
            .clock = world.clock_,
            .entropy = entropy,
            .index = index,
            .schedule = &order}),
      network(core, world.wires_),
      resolver(core) {}

SimWorld::SimWorld(std::uint64_t seed, unsigned cores)
    : seed_(seed), choices_(seed ^ 0x5eedULL), order_(seed ^ 0x0deaULL) {
  for (unsigned index = 0; index <= cores; ++index) {
    cores_.push_back(std::make_unique<SimCore>(*this, index));
  }
}

SimWorld::~SimWorld() = default;

bool SimWorld::run_some_core() {
  const std::size_t first = static_cast<std::size_t>(order_.next_u64() % cores_.size());
  for (std::size_t i = 0; i < cores_.size(); ++i) {
    if (cores_[(first + i) % cores_.size()]->core.run_ready()) {
      return true;
    }
  }
  return false;
}

bool SimWorld::move_time(Instant no_later_than) {
  std::optional<Instant> next;
  for (const auto& core : cores_) {
    const std::optional<Instant> timer = core->core.next_timer();
    if (timer && (!next || *timer < *next)) {
      next = timer;
    }
  }
  if (!next || *next > no_later_than) {
    return false;
  }
  clock_.advance(std::max(Duration::zero(), *next - clock_.now()));
  return true;
}

bool SimWorld::step() {
  return run_some_core() || move_time(Instant::max());
}

bool SimWorld::run_until(UniqueFunction<bool()> done, Duration at_most) {
  const Instant end = clock_.now() + at_most;
  while (!done()) {
    if (!run_some_core() && !move_time(end)) {
      return false;
    }
  }
  return true;
}

void SimWorld::advance(Duration duration) {
  const Instant end = clock_.now() + duration;
  while (run_some_core() || move_time(end)) {
  }
  clock_.advance(std::max(Duration::zero(), end - clock_.now()));
  while (run_some_core()) {
  }
}

}  // namespace vallum::testing
