#include "support/sim/fake_reactor.h"

#include "base/check.h"

namespace vallum::testing {

void FakeReactor::wait(Duration at_most) {
  if (woken_) {
    woken_ = false;
    return;
  }
  // Nothing is ready, no timer is armed and no message waits: no turn will ever do anything again.
  CHECK(at_most != Duration::max());
  clock_.advance(at_most);
}

Result<void> FakeReactor::add(async::IoHandle& /*handle*/) {
  return fail(ErrorKind::Internal, "a simulation has no descriptors");
}

void FakeReactor::remove(async::IoHandle& /*handle*/) {}

void FakeReactor::report_again(async::IoHandle& /*handle*/) {}

}  // namespace vallum::testing
