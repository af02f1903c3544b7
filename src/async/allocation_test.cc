#include <algorithm>
#include <array>
#include <cstdint>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/event.h"
#include "async/frame_pool.h"
#include "async/readiness.h"
#include "async/sleep.h"
#include "support/allocation/allocation_count.h"
#include "support/sim/fake_core.h"

namespace vallum::async {
namespace {

using namespace std::chrono_literals;
using testing::allocations_so_far;
using testing::FakeCore;

Task<int> step(Core* core, int n) {
  co_await yield(*core);
  co_return n + 1;
}

// Two coroutines that wait for each other by readiness with a deadline, as a client and a server
// do, each turn through child tasks.
Task<void> serve(Readiness* mine, Readiness* other, int* left) {
  Core* core = Core::current();
  while (*left > 0) {
    const Ready ready = co_await mine->wait(core->deadline_in(30s));
    EXPECT_EQ(ready, Ready::Ready);
    mine->clear();
    const int next = co_await step(core, *left);
    *left = next - 2;
    other->set();
  }
}

TEST(AllocationTest, AWarmPingPongAllocatesNothing) {
  if (!testing::counts_allocations()) {
    GTEST_SKIP() << "the sanitizer's allocator is not counted";
  }
  FakeCore fake;
  Readiness ping(fake.core, true);
  Readiness pong(fake.core, false);
  int left = 2000;
  Scope scope(fake.core);
  scope.spawn(serve(&ping, &pong, &left));
  scope.spawn(serve(&pong, &ping, &left));
  while (left > 1000) {
    fake.core.turn();
  }

  const std::uint64_t before = allocations_so_far();
  while (left > 0) {
    fake.core.turn();
  }
  const std::uint64_t allocations = allocations_so_far() - before;

  EXPECT_EQ(allocations, 0U);
}

TEST(AllocationTest, WarmChildrenOfAScopeAllocateNothing) {
  if (!testing::counts_allocations()) {
    GTEST_SKIP() << "the sanitizer's allocator is not counted";
  }
  FakeCore fake;
  Scope scope(fake.core);
  auto child = [](Core* core) -> Task<void> { co_await sleep_for(*core, 1ms); };
  scope.spawn(child(&fake.core));
  fake.advance(5ms);

  const std::uint64_t before = allocations_so_far();
  for (int i = 0; i < 100; ++i) {
    scope.spawn(child(&fake.core));
    fake.advance(5ms);
  }
  const std::uint64_t allocations = allocations_so_far() - before;

  EXPECT_EQ(allocations, 0U);
  EXPECT_TRUE(scope.empty());
}

TEST(FramePoolTest, FramesOfAnySizeAreWritableThroughout) {
  for (const std::size_t size : {1UL, 128UL, 129UL, 4096UL, 4097UL, 100000UL}) {
    auto* frame = static_cast<unsigned char*>(allocate_frame(size));
    std::fill(frame, frame + size, static_cast<unsigned char>(0xab));
    free_frame(frame, size);
  }
  release_free_frames();
}

TEST(FramePoolTest, KeepsABoundedNumberOfFreeFrames) {
  if (!testing::counts_allocations()) {
    GTEST_SKIP() << "the sanitizer's allocator is not counted";
  }
  release_free_frames();
  constexpr std::size_t kFrame = 1024;
  constexpr std::size_t kCount = 2 * kFrameListBytesMax / kFrame;
  std::array<void*, kCount> frames{};
  const auto fill = [&] {
    for (void*& frame : frames) {
      frame = allocate_frame(kFrame);
    }
    for (void* frame : frames) {
      free_frame(frame, kFrame);
    }
  };
  fill();

  const std::uint64_t before = allocations_so_far();
  fill();
  const std::uint64_t allocations = allocations_so_far() - before;

  EXPECT_EQ(allocations, kCount - kFrameListBytesMax / kFrame);
  release_free_frames();
}

}  // namespace
}  // namespace vallum::async
