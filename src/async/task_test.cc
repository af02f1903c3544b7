#include "async/task.h"

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/sleep.h"
#include "support/sim/fake_core.h"

namespace vallum::async {
namespace {

using testing::FakeCore;

Task<int> add(int a, int b) {
  co_return a + b;
}

Async<int> half(int n) {
  if (n % 2 != 0) {
    co_return fail(ErrorKind::InvalidInput, "odd");
  }
  co_return n / 2;
}

Async<int> quarter(int n) {
  CO_TRY(const int once, co_await half(n));
  CO_TRY(const int twice, co_await half(once));
  co_return twice;
}

Task<int> count_down(int n) {
  if (n == 0) {
    co_return 0;
  }
  const int below = co_await count_down(n - 1);
  co_return below + 1;
}

struct Marker {
  explicit Marker(std::string* log) : log_(log) {}
  Marker(const Marker&) = delete;
  Marker& operator=(const Marker&) = delete;
  ~Marker() { log_->append("gone;"); }
  std::string* log_;
};

Task<void> hold_for_ever(Core* core, std::string* log) {
  const Marker marker(log);
  log->append("begun;");
  co_await sleep_until(*core, Instant::max());
}

Task<void> hold_through_a_child(Core* core, std::string* log) {
  const Marker marker(log);
  co_await hold_for_ever(core, log);
}

TEST(TaskTest, DoesNothingUntilItIsAwaited) {
  FakeCore fake;
  std::string log;

  {
    const Task<void> never_awaited = hold_for_ever(&fake.core, &log);
  }

  EXPECT_EQ(log, "");
}

TEST(TaskTest, GivesItsValueToTheAwaiter) {
  FakeCore fake;

  EXPECT_EQ(block_on(fake.core, add(2, 3)), 5);
}

TEST(TaskTest, MovesAValueThatCannotBeCopied) {
  FakeCore fake;
  auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };

  EXPECT_EQ(*block_on(fake.core, make()), 7);
}

TEST(TaskTest, PassesAFailureUpTheChain) {
  FakeCore fake;

  EXPECT_EQ(block_on(fake.core, quarter(8)).value(), 2);
  EXPECT_EQ(block_on(fake.core, quarter(6)).error().message(), "odd");
}

TEST(TaskTest, AwaitsAChainOfAnyLength) {
  FakeCore fake;

  EXPECT_EQ(block_on(fake.core, count_down(20000)), 20000);
}

TEST(TaskTest, DestroyingASuspendedTaskDestroysWhatItHoldsAndAwaits) {
  FakeCore fake;
  std::string log;

  {
    Scope scope(fake.core);
    scope.spawn(hold_through_a_child(&fake.core, &log));
    fake.run_ready();
    EXPECT_EQ(log, "begun;");
  }

  EXPECT_EQ(log, "begun;gone;gone;");
  EXPECT_FALSE(fake.core.next_timer().has_value());
}

}  // namespace
}  // namespace vallum::async
