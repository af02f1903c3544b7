#include <array>
#include <csignal>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async/block_on.h"
#include "async/cpu.h"
#include "async/io_handle.h"
#include "async/scope.h"
#include "async/signal_watch.h"
#include "support/sim/kernel_core.h"

namespace vallum::async {
namespace {

using testing::KernelCore;

struct SocketPair {
  SocketPair() {
    std::array<int, 2> fds{-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0);
    near = UniqueFd(fds[0]);
    far = UniqueFd(fds[1]);
  }
  UniqueFd near;
  UniqueFd far;
};

Task<Ready> wait_readable(IoHandle* handle, Deadline deadline) {
  co_return co_await handle->readable().wait(deadline);
}

TEST(EpollReactorTest, TellsWhenThereIsSomethingToRead) {
  KernelCore kernel;
  SocketPair pair;
  IoHandle handle(kernel.core, std::move(pair.near));
  ASSERT_TRUE(handle.watch());
  ASSERT_EQ(::write(pair.far.get(), "x", 1), 1);

  EXPECT_EQ(block_on(kernel.core, wait_readable(&handle, Deadline::never())), Ready::Ready);
}

TEST(EpollReactorTest, RemembersAHangUpAfterTheDataIsDrained) {
  KernelCore kernel;
  SocketPair pair;
  IoHandle handle(kernel.core, std::move(pair.near));
  ASSERT_TRUE(handle.watch());
  ASSERT_EQ(::write(pair.far.get(), "x", 1), 1);
  pair.far.reset();
  block_on(kernel.core, wait_readable(&handle, Deadline::never()));

  handle.drained();

  EXPECT_TRUE(handle.hang_up());
  EXPECT_EQ(block_on(kernel.core, wait_readable(&handle, Deadline::never())), Ready::Ready);
}

TEST(EpollReactorTest, ReportsAgainWhatWasLeftUnread) {
  KernelCore kernel;
  SocketPair pair;
  IoHandle handle(kernel.core, std::move(pair.near));
  ASSERT_TRUE(handle.watch());
  ASSERT_EQ(::write(pair.far.get(), "x", 1), 1);
  block_on(kernel.core, wait_readable(&handle, Deadline::never()));
  handle.readable().clear();

  handle.report_again();

  EXPECT_EQ(block_on(kernel.core, wait_readable(&handle, Deadline::never())), Ready::Ready);
}

TEST(EpollReactorTest, AReadinessThatClosesEndsTheWait) {
  KernelCore kernel;
  SocketPair pair;
  IoHandle handle(kernel.core, std::move(pair.near));
  ASSERT_TRUE(handle.watch());
  kernel.core.post([&] { handle.close(); });

  EXPECT_EQ(block_on(kernel.core, wait_readable(&handle, Deadline::never())), Ready::Closed);
}

TEST(EpollReactorTest, AHandleDestroyedInTheSameTurnAsItsEventIsLeftAlone) {
  KernelCore kernel;
  SocketPair first;
  SocketPair second;
  IoHandle one(kernel.core, std::move(first.near));
  auto other = std::make_unique<IoHandle>(kernel.core, std::move(second.near));
  ASSERT_TRUE(one.watch());
  ASSERT_TRUE(other->watch());
  Scope scope(kernel.core);
  scope.spawn([](IoHandle* mine, std::unique_ptr<IoHandle>* victim) -> Task<void> {
    co_await mine->readable().wait(Deadline::never());
    victim->reset();
  }(&one, &other));
  scope.spawn([](IoHandle* mine) -> Task<void> {
    const Ready ready = co_await mine->readable().wait(Deadline::never());
    EXPECT_NE(ready, Ready::TimedOut);
  }(other.get()));
  kernel.core.run_ready();
  ASSERT_EQ(::write(first.far.get(), "x", 1), 1);
  ASSERT_EQ(::write(second.far.get(), "x", 1), 1);

  block_on(kernel.core, scope.drain(Deadline::never()));

  EXPECT_EQ(other, nullptr);
}

TEST(SignalWatchTest, ReturnsTheSignalThatArrived) {
  KernelCore kernel;
  block_signals({SIGUSR1});
  const auto watch = SignalWatch::open(kernel.core, {SIGUSR1});
  ASSERT_TRUE(watch.has_value());

  ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);

  EXPECT_EQ(block_on(kernel.core, (*watch)->next()).value(), SIGUSR1);
}

TEST(CpuTest, ReadsACpuQuota) {
  EXPECT_EQ(parse_cpu_quota("max 100000\n"), std::nullopt);
  EXPECT_EQ(parse_cpu_quota("200000 100000\n"), 2U);
  EXPECT_EQ(parse_cpu_quota("150000 100000"), 2U);
  EXPECT_EQ(parse_cpu_quota("1000 100000"), 1U);
  EXPECT_EQ(parse_cpu_quota(""), std::nullopt);
  EXPECT_EQ(parse_cpu_quota("1 0"), std::nullopt);
  EXPECT_EQ(parse_cpu_quota("18446744073709551615 2"), std::nullopt);
}

TEST(CpuTest, StartsAtLeastOneCoreAndNoMoreThanTheCpusAllow) {
  EXPECT_GE(default_core_count(), 1U);
  EXPECT_LE(default_core_count(), usable_cpus().size());
}

}  // namespace
}  // namespace vallum::async
