#pragma once

#include <memory>

#include "async/block_on.h"
#include "async/core.h"
#include "async/epoll_reactor.h"
#include "base/check.h"
#include "base/time.h"
#include "support/seeded_entropy.h"

namespace vallum::testing {

// A core on the kernel's epoll and clock, for tests of what only the kernel can show (loopback
// sockets, threads). Such a test never waits for time to pass, only for things to happen.
struct KernelCore {
  SystemClock clock;  // NOLINT(vallum-banned): sockets and threads live in real time
  SeededEntropy entropy{1};
  std::unique_ptr<async::EpollReactor> reactor = open();
  async::Core core{{.reactor = *reactor, .clock = clock, .entropy = entropy}};

 private:
  static std::unique_ptr<async::EpollReactor> open() {
    auto reactor = async::EpollReactor::create();
    CHECK(reactor.has_value());
    return *std::move(reactor);
  }
};

}  // namespace vallum::testing
