#pragma once

#include <cstdint>

#include "async/block_on.h"
#include "async/core.h"
#include "support/seeded_entropy.h"
#include "support/sim/fake_reactor.h"
#include "support/virtual_clock.h"

namespace vallum::testing {

// A core on virtual time, for the test of one class. Sleeping takes no time; the order in which
// ready coroutines run follows the seed, or is first come first served without one.
//
//   FakeCore fake;
//   auto answer = async::block_on(fake.core, ask(...));
struct FakeCore {
  FakeCore() = default;
  explicit FakeCore(std::uint64_t seed) : entropy(seed), order(seed + 1), shuffled(true) {}

  VirtualClock clock;
  SeededEntropy entropy{1};
  SeededEntropy order{1};
  bool shuffled = false;
  FakeReactor reactor{clock};
  async::Core core{{.reactor = reactor,
                    .clock = clock,
                    .entropy = entropy,
                    .schedule = shuffled ? &order : nullptr}};

  // Runs everything that can run, letting no time pass.
  void run_ready() {
    while (core.run_ready()) {
    }
  }
  // Lets time pass, running what falls due on the way.
  void advance(Duration duration);
};

}  // namespace vallum::testing
