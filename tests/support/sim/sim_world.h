#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "async/core.h"
#include "async/scope.h"
#include "base/unique_function.h"
#include "support/seeded_entropy.h"
#include "support/sim/fake_reactor.h"
#include "support/sim/sim_network.h"
#include "support/virtual_clock.h"

namespace vallum::testing {

// A whole deployment on one thread: cores of the process under test, one core outside it for
// clients, applications and providers, the wires between them, and virtual time. The same seed runs
// the same steps in the same order, whatever the machine.
//
//   SimWorld world(seed, 2);
//   ... build the process on world.core(0), world.network(0), ...
//   auto client = world.connect(address);
//   client.send("GET / HTTP/1.1\r\n...");
//   client.expect_head("HTTP/1.1 302 Found", {{"location", starts_with("https://idp.example/")}});
class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed, unsigned cores = 1);
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;
  ~SimWorld();

  std::uint64_t seed() const { return seed_; }
  VirtualClock& clock() { return clock_; }
  SimWires& wires() { return wires_; }
  // For choices of the test itself: apart from what the process under test draws.
  SeededEntropy& choices() { return choices_; }

  async::Core& core(unsigned index = 0) { return cores_[index]->core; }
  SimNetwork& network(unsigned index = 0) { return cores_[index]->network; }
  SimResolver& resolver(unsigned index = 0) { return cores_[index]->resolver; }
  unsigned core_count() const { return static_cast<unsigned>(cores_.size()) - 1; }
  // The core of everybody else.
  async::Core& outside() { return cores_.back()->core; }
  SimNetwork& outside_network() { return cores_.back()->network; }

  // One core's ready work, or when no core has any, a step of time to the next timer; false when
  // there is neither.
  bool step();
  // Steps until `done` holds, which is asked after each step; false when that took longer than
  // `at_most` or nothing is left to do. A `done` that reads a stream must read all there is.
  bool run_until(UniqueFunction<bool()> done, Duration at_most = std::chrono::minutes(5));
  // Lets time pass, doing everything that falls due.
  void advance(Duration duration);

 private:
  struct SimCore {
    SimCore(SimWorld& world, unsigned index);
    SeededEntropy entropy;
    SeededEntropy order;
    FakeReactor reactor;
    async::Core core;
    SimNetwork network;
    SimResolver resolver;
  };

  bool run_some_core();
  bool move_time(Instant no_later_than);

  std::uint64_t seed_;
  VirtualClock clock_;
  SeededEntropy choices_;
  SeededEntropy order_;
  SimWires wires_;
  std::vector<std::unique_ptr<SimCore>> cores_;
};

}  // namespace vallum::testing
