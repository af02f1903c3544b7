#include "async/core.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/cancel.h"
#include "async/event.h"
#include "async/scope.h"
#include "async/sleep.h"
#include "support/sim/fake_core.h"

namespace vallum::async {
namespace {

using namespace std::chrono_literals;
using testing::FakeCore;

Task<void> wait_and_log(Event* event, Deadline deadline, std::string* log) {
  const bool set = co_await event->wait(deadline);
  log->append(set ? "set;" : "late;");
}

Task<void> sleep_and_log(Core* core, Duration duration, std::string* log, std::string text) {
  co_await sleep_for(*core, duration);
  log->append(text);
}

class CoreTest : public ::testing::Test {
 protected:
  FakeCore fake_;
  std::string log_;
  Scope scope_{fake_.core};
};

TEST_F(CoreTest, SleepersWakeInOrderOfTime) {
  scope_.spawn(sleep_and_log(&fake_.core, 2s, &log_, "two;"));
  scope_.spawn(sleep_and_log(&fake_.core, 1s, &log_, "one;"));

  fake_.advance(1500ms);
  EXPECT_EQ(log_, "one;");
  fake_.advance(1s);
  EXPECT_EQ(log_, "one;two;");
}

TEST_F(CoreTest, RunsMessagesInOrderOfPosting) {
  fake_.core.post([this] { log_ += "a"; });
  fake_.core.post([this] {
    log_ += "b";
    fake_.core.post([this] { log_ += "d"; });
  });
  fake_.core.post([this] { log_ += "c"; });

  fake_.run_ready();

  EXPECT_EQ(log_, "abcd");
}

TEST_F(CoreTest, KnowsWhichCoreRunsOnThisThread) {
  FakeCore other;
  EXPECT_EQ(Core::current(), nullptr);
  fake_.core.post([this, &other] {
    EXPECT_EQ(Core::current(), &fake_.core);
    EXPECT_TRUE(fake_.core.on_home_core());
    EXPECT_FALSE(other.core.on_home_core());
    log_ = "ran";
  });

  fake_.run_ready();

  EXPECT_EQ(log_, "ran");
}

TEST_F(CoreTest, StopEndsRunEvenWhenItComesFirst) {
  fake_.core.stop();
  fake_.core.run();

  scope_.spawn([](Core* core) -> Task<void> {
    co_await sleep_for(*core, 1h);
    core->stop();
  }(&fake_.core));
  fake_.core.run();

  EXPECT_TRUE(scope_.empty());
}

TEST_F(CoreTest, DestroysMessagesThatNeverRan) {
  auto owned = std::make_unique<int>(1);
  {
    FakeCore other;
    other.core.post([owned = std::move(owned), this] { log_ = "ran"; });
  }

  EXPECT_EQ(log_, "");
}

TEST_F(CoreTest, CountsWorkThatHoldsUpTheLoop) {
  fake_.core.post([this] { fake_.clock.advance(11ms); });
  fake_.core.post([this] { fake_.clock.advance(9ms); });

  fake_.run_ready();

  EXPECT_EQ(fake_.core.counters().slow_stretches, 1U);
  EXPECT_EQ(fake_.core.counters().slowest, 11ms);
}

TEST_F(CoreTest, ASeedFixesTheOrderOfReadyCoroutines) {
  const auto run = [](std::uint64_t seed) {
    FakeCore fake(seed);
    std::string log;
    Scope scope(fake.core);
    for (int i = 0; i < 20; ++i) {
      scope.spawn(sleep_and_log(&fake.core, 1s, &log, std::to_string(i) + " "));
    }
    fake.advance(2s);
    return log;
  };

  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST_F(CoreTest, AnEventWakesAllWhoWaitAndStaysSet) {
  Event event(fake_.core);
  scope_.spawn(wait_and_log(&event, Deadline::never(), &log_));
  scope_.spawn(wait_and_log(&event, Deadline::never(), &log_));
  fake_.run_ready();
  EXPECT_EQ(log_, "");

  event.set();
  EXPECT_EQ(log_, "") << "setting runs nobody inside the call";
  fake_.run_ready();
  scope_.spawn(wait_and_log(&event, Deadline::never(), &log_));
  fake_.run_ready();

  EXPECT_EQ(log_, "set;set;set;");
}

TEST_F(CoreTest, AWaitForAnEventEndsAtItsDeadline) {
  Event event(fake_.core);
  scope_.spawn(wait_and_log(&event, fake_.core.deadline_in(1s), &log_));

  fake_.advance(2s);
  EXPECT_EQ(log_, "late;");
  event.set();
  fake_.run_ready();

  EXPECT_EQ(log_, "late;");
}

TEST_F(CoreTest, AnEventThatIsSetInTimeDisarmsTheDeadline) {
  Event event(fake_.core);
  scope_.spawn(wait_and_log(&event, fake_.core.deadline_in(1s), &log_));
  fake_.run_ready();

  event.set();
  fake_.advance(2s);

  EXPECT_EQ(log_, "set;");
  EXPECT_FALSE(fake_.core.next_timer().has_value());
}

TEST_F(CoreTest, AWaiterDestroyedBetweenWakingAndRunningNeverRuns) {
  Event event(fake_.core);
  {
    Scope scope(fake_.core);
    scope.spawn(wait_and_log(&event, Deadline::never(), &log_));
    fake_.run_ready();
    event.set();
  }

  fake_.run_ready();

  EXPECT_EQ(log_, "");
}

TEST_F(CoreTest, AOneShotGivesItsValueOrTimesOut) {
  OneShot<int> answered(fake_.core);
  OneShot<int> silent(fake_.core);
  fake_.core.post([&] { answered.complete(42); });

  EXPECT_EQ(block_on(fake_.core, answered.take(Deadline::never())).value(), 42);
  EXPECT_EQ(block_on(fake_.core, silent.take(fake_.core.deadline_in(1s))).error().kind(),
            ErrorKind::DeadlineExceeded);
}

TEST_F(CoreTest, YieldLetsOthersRunFirst) {
  scope_.spawn([](Core* core, std::string* log) -> Task<void> {
    co_await yield(*core);
    log->append("polite;");
  }(&fake_.core, &log_));
  scope_.spawn(sleep_and_log(&fake_.core, 0s, &log_, "other;"));

  fake_.run_ready();

  EXPECT_EQ(log_, "other;polite;");
}

TEST_F(CoreTest, ASpawnedTaskStartsAfterSpawnReturns) {
  scope_.spawn(sleep_and_log(&fake_.core, 0s, &log_, "ran;"));
  EXPECT_EQ(log_, "");
  EXPECT_EQ(scope_.size(), 1U);

  fake_.run_ready();

  EXPECT_EQ(log_, "ran;");
  EXPECT_TRUE(scope_.empty());
}

Task<void> finish_when_told(CancelToken stop, std::string* log) {
  co_await stop.cancelled();
  log->append("finished;");
}

TEST_F(CoreTest, DrainingTellsChildrenToFinish) {
  scope_.spawn(finish_when_told(scope_.token(), &log_));
  fake_.run_ready();

  const std::size_t destroyed = block_on(fake_.core, scope_.drain(fake_.core.deadline_in(1s)));

  EXPECT_EQ(destroyed, 0U);
  EXPECT_EQ(log_, "finished;");
}

TEST_F(CoreTest, DrainingDestroysThoseWhoDoNotFinishInTime) {
  scope_.spawn(sleep_and_log(&fake_.core, 1h, &log_, "never;"));
  const Deadline deadline = fake_.core.deadline_in(1s);

  const std::size_t destroyed = block_on(fake_.core, scope_.drain(deadline));

  EXPECT_EQ(destroyed, 1U);
  EXPECT_TRUE(scope_.empty());
  EXPECT_EQ(log_, "");
  EXPECT_GE(fake_.clock.now(), deadline.at());
}

TEST_F(CoreTest, CancellingRunsCallbacksOnceAndLateOnesAtOnce) {
  CancelSource source(fake_.core);
  const CancelCallback first(source.token(), [this] { log_ += "first;"; });
  {
    const CancelCallback gone(source.token(), [this] { log_ += "gone;"; });
  }

  source.cancel();
  source.cancel();
  const CancelCallback late(source.token(), [this] { log_ += "late;"; });

  EXPECT_EQ(log_, "first;late;");
}

TEST_F(CoreTest, ATokenOutlivesItsSource) {
  CancelToken token;
  EXPECT_FALSE(token.is_cancelled());
  {
    CancelSource source(fake_.core);
    token = source.token();
    source.cancel();
  }

  EXPECT_TRUE(token.is_cancelled());
}

}  // namespace
}  // namespace vallum::async
