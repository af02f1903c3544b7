#pragma once

#include "async/reactor.h"
#include "support/virtual_clock.h"

namespace vallum::testing {

// A reactor without an outside world: waiting moves the virtual clock to the next timer at once.
// One thread. Waiting for ever with nothing posted means that the test is stuck, and ends it.
class FakeReactor final : public async::Reactor {
 public:
  explicit FakeReactor(VirtualClock& clock) : clock_(clock) {}

  void wait(Duration at_most) override;
  void wake() override { woken_ = true; }
  Result<void> add(async::IoHandle& handle) override;
  void remove(async::IoHandle& handle) override;
  void report_again(async::IoHandle& handle) override;

 private:
  VirtualClock& clock_;
  bool woken_ = false;
};

}  // namespace vallum::testing
