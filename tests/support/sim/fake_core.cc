#include "support/sim/fake_core.h"

#include <algorithm>

namespace vallum::testing {

void FakeCore::advance(Duration duration) {
  const Instant end = clock.now() + duration;
  run_ready();
  while (clock.now() < end) {
    const std::optional<Instant> next = core.next_timer();
    const Instant until = next ? std::clamp(*next, clock.now(), end) : end;
    clock.advance(until - clock.now());
    run_ready();
  }
}

}  // namespace vallum::testing
