#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/blocking_pool.h"
#include "async/core_thread.h"
#include "async/on_core.h"
#include "async/snapshot.h"
#include "support/sim/fake_core.h"
#include "support/sim/kernel_core.h"

namespace vallum::async {
namespace {

using namespace std::chrono_literals;
using testing::FakeCore;
using testing::KernelCore;

// Lets a function on another thread begin, and holds it there until opened.
class Gate {
 public:
  void pass() {
    entered_.store(true);
    entered_.notify_all();
    open_.wait(false);
  }
  void await_entered() { entered_.wait(false); }
  void open() {
    open_.store(true);
    open_.notify_all();
  }

 private:
  std::atomic<bool> entered_{false};
  std::atomic<bool> open_{false};
};

TEST(OnTest, RunsTheFunctionThereAndReturnsItsValueHere) {
  KernelCore home;
  KernelCore away;
  const CoreThread thread(away.core, {.name = "away", .cpu = {}});

  const Core* ran_on = nullptr;
  auto ask = [](Core* target, const Core** seen) -> Task<std::string> {
    auto call = on(*target, [seen] {
      *seen = Core::current();
      return std::string("answer");
    });
    const std::string answer = co_await std::move(call);
    EXPECT_NE(Core::current(), target);
    co_return answer;
  };

  EXPECT_EQ(block_on(home.core, ask(&away.core, &ran_on)), "answer");
  EXPECT_EQ(ran_on, &away.core);
}

TEST(OnTest, ManyCallsBothWaysLoseNothing) {
  constexpr int kCalls = 2000;
  KernelCore left;
  KernelCore right;
  int on_right = 0;  // touched on the right core alone
  const CoreThread thread(right.core, {.name = "right", .cpu = {}});
  auto ask = [](Core* target, int* counter) -> Task<int> {
    int sum = 0;
    for (int i = 0; i < kCalls; ++i) {
      auto call = on(*target, [counter, i] {
        ++*counter;
        return i;
      });
      const int value = co_await std::move(call);
      sum += value;
    }
    co_return sum;
  };

  EXPECT_EQ(block_on(left.core, ask(&right.core, &on_right)), kCalls * (kCalls - 1) / 2);
}

TEST(OnTest, ACallWhoseCallerIsGoneIsHarmless) {
  KernelCore home;
  KernelCore away;
  Gate gate;
  auto thread =
      std::make_unique<CoreThread>(away.core, CoreThread::Options{.name = "away", .cpu = {}});
  {
    Scope scope(home.core);
    scope.spawn([](Core* target, Gate* held) -> Task<void> {
      auto call = on(*target, [held] { held->pass(); });
      co_await std::move(call);
      ADD_FAILURE() << "resumed after it was destroyed";
    }(&away.core, &gate));
    home.core.run_ready();
    gate.await_entered();
  }

  gate.open();
  thread.reset();

  home.core.run_ready();
}

TEST(BlockingPoolTest, RunsCallsElsewhereAndReturnsTheirValues) {
  KernelCore home;
  BlockingPool pool({.name = "test", .threads = 2});
  const Core* ran_on = &home.core;

  const Result<int> value = block_on(home.core,
                                     pool.run(
                                         home.core,
                                         [&] {
                                           ran_on = Core::current();
                                           return 42;
                                         },
                                         Deadline::never()));

  EXPECT_EQ(value.value(), 42);
  EXPECT_EQ(ran_on, nullptr);
}

TEST(BlockingPoolTest, PassesFailuresOn) {
  KernelCore home;
  BlockingPool pool({.name = "test"});
  auto failing = [] { return Result<int>(fail(ErrorKind::NotFound, "no such file")); };

  const Result<int> value = block_on(home.core, pool.run(home.core, failing, Deadline::never()));

  EXPECT_EQ(value.error().kind(), ErrorKind::NotFound);
}

TEST(BlockingPoolTest, RefusesMoreThanItsQueueHolds) {
  KernelCore home;
  Gate gate;
  BlockingPool pool({.name = "test", .threads = 1, .queued_max = 1});
  Scope scope(home.core);
  auto occupy = [](BlockingPool* to, Core* core, Gate* held) -> Task<void> {
    co_await to->run(*core, [held] { held->pass(); }, Deadline::never());
  };
  scope.spawn(occupy(&pool, &home.core, &gate));
  home.core.run_ready();
  gate.await_entered();
  scope.spawn([](BlockingPool* to, Core* core) -> Task<void> {
    co_await to->run(*core, [] {}, Deadline::never());
  }(&pool, &home.core));
  home.core.run_ready();

  const Result<void> refused = block_on(home.core, pool.run(home.core, [] {}, Deadline::never()));

  EXPECT_EQ(refused.error().kind(), ErrorKind::ResourceExhausted);
  gate.open();
  block_on(home.core, scope.drain(Deadline::never()));
}

TEST(BlockingPoolTest, ACallThatTimesOutBeforeItBeginsNeverBegins) {
  KernelCore home;
  Gate gate;
  std::atomic<bool> began{false};
  Scope scope(home.core);
  {
    BlockingPool pool({.name = "test", .threads = 1});
    scope.spawn([](BlockingPool* to, Core* core, Gate* held) -> Task<void> {
      co_await to->run(*core, [held] { held->pass(); }, Deadline::never());
    }(&pool, &home.core, &gate));
    home.core.run_ready();
    gate.await_entered();

    const Result<void> late =
        block_on(home.core, pool.run(home.core, [&] { began = true; }, home.core.deadline_in(0s)));

    EXPECT_EQ(late.error().kind(), ErrorKind::DeadlineExceeded);
    gate.open();
    block_on(home.core, scope.drain(Deadline::never()));
  }
  EXPECT_FALSE(began.load());
}

TEST(BlockingPoolTest, WithoutThreadsRunsOnTheCallingCore) {
  FakeCore fake;
  BlockingPool pool({.name = "test", .threads = 0});
  auto where = [] { return Core::current(); };

  const Result<Core*> core = block_on(fake.core, pool.run(fake.core, where, Deadline::never()));

  EXPECT_EQ(core.value(), &fake.core);
}

TEST(SnapshotTest, ReadersSeeAWholeValueWhileItIsSwapped) {
  struct Twice {
    int first;
    int second;
  };
  SnapshotCell<Twice> cell(make_snapshot<Twice>(0, 0));
  KernelCore away;
  const CoreThread writer(away.core, {.name = "writer", .cpu = {}});
  std::atomic<bool> done{false};
  away.core.post([&] {
    for (int i = 1; i <= 2000; ++i) {
      cell.store(make_snapshot<Twice>(i, i));
    }
    done = true;
  });

  int last = 0;
  while (!done) {
    const Snapshot<Twice> seen = cell.load();
    ASSERT_EQ(seen->first, seen->second);
    ASSERT_GE(seen->first, last);
    last = seen->first;
  }

  EXPECT_EQ(cell.load()->first, 2000);
}

TEST(MailboxTest, MessagesFromManyThreadsAllArrive) {
  constexpr int kEach = 1000;
  KernelCore home;
  KernelCore first;
  KernelCore second;
  const CoreThread first_thread(first.core, {.name = "first", .cpu = {}});
  const CoreThread second_thread(second.core, {.name = "second", .cpu = {}});
  int arrived = 0;  // touched on the home core alone
  for (Core* sender : {&first.core, &second.core}) {
    sender->post([&] {
      for (int i = 0; i < kEach; ++i) {
        home.core.post([&] { ++arrived; });
      }
    });
  }

  while (arrived < 2 * kEach) {
    home.core.turn();
  }

  EXPECT_EQ(arrived, 2 * kEach);
}

}  // namespace
}  // namespace vallum::async
