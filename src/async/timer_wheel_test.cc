#include "async/timer_wheel.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "support/seeded_entropy.h"

namespace vallum::async {
namespace {

using namespace std::chrono_literals;

class RecordingTimer final : public Timer {
 public:
  explicit RecordingTimer(std::function<void()> on_fired) : on_fired_(std::move(on_fired)) {}

 private:
  void fired() override { on_fired_(); }
  std::function<void()> on_fired_;
};

class TimerWheelTest : public ::testing::Test {
 protected:
  std::unique_ptr<RecordingTimer> timer(int name) {
    return std::make_unique<RecordingTimer>([this, name] { fired_.push_back(name); });
  }

  Instant start_{1h};
  TimerWheel wheel_{start_};
  std::vector<int> fired_;
};

TEST_F(TimerWheelTest, FiresNothingBeforeItsInstantAndEverythingAfter) {
  for (const Duration delay : {Duration(1ms),
                               Duration(63ms),
                               Duration(64ms),
                               Duration(65ms),
                               Duration(4096ms),
                               Duration(1h),
                               Duration(24h * 400)}) {
    fired_.clear();
    const auto one = timer(1);
    TimerWheel wheel(start_);
    wheel.arm(*one, start_ + delay);

    wheel.advance(start_ + delay - 1ms);
    EXPECT_TRUE(fired_.empty()) << delay.count();
    wheel.advance(start_ + delay);
    EXPECT_EQ(fired_.size(), 1U) << delay.count();
    EXPECT_FALSE(one->is_armed());
  }
}

TEST_F(TimerWheelTest, RoundsAPartOfATickUp) {
  const auto one = timer(1);
  wheel_.arm(*one, start_ + 1500us);

  wheel_.advance(start_ + 1900us);
  EXPECT_TRUE(fired_.empty());
  wheel_.advance(start_ + 2ms);
  EXPECT_EQ(fired_.size(), 1U);
}

TEST_F(TimerWheelTest, FiresAnInstantThatHasPassedAtTheNextTick) {
  const auto one = timer(1);
  wheel_.advance(start_ + 10s);
  wheel_.arm(*one, start_ + 5s);

  wheel_.advance(start_ + 10s + 1ms);

  EXPECT_EQ(fired_.size(), 1U);
}

TEST_F(TimerWheelTest, FiresInOrderOfTimeAndThenOfArming) {
  const auto late = timer(3);
  const auto early = timer(1);
  const auto also_early = timer(2);
  wheel_.arm(*late, start_ + 9s);
  wheel_.arm(*early, start_ + 100ms);
  wheel_.arm(*also_early, start_ + 100ms);

  wheel_.advance(start_ + 1min);

  EXPECT_EQ(fired_, (std::vector{1, 2, 3}));
}

TEST_F(TimerWheelTest, ACancelledOrDestroyedTimerNeverFires) {
  const auto cancelled = timer(1);
  auto destroyed = timer(2);
  wheel_.arm(*cancelled, start_ + 1s);
  wheel_.arm(*destroyed, start_ + 1s);

  cancelled->cancel();
  destroyed.reset();
  wheel_.advance(start_ + 2s);

  EXPECT_TRUE(fired_.empty());
  EXPECT_FALSE(wheel_.next().has_value());
}

TEST_F(TimerWheelTest, ArmingAgainMovesTheTimer) {
  const auto one = timer(1);
  wheel_.arm(*one, start_ + 1s);
  wheel_.arm(*one, start_ + 5s);

  wheel_.advance(start_ + 4s);
  EXPECT_TRUE(fired_.empty());
  wheel_.advance(start_ + 5s);
  EXPECT_EQ(fired_.size(), 1U);
}

TEST_F(TimerWheelTest, ATimerMayArmItselfAgainAndDestroyOthersWhileItFires) {
  auto victim = timer(9);
  int rounds = 0;
  RecordingTimer* again = nullptr;
  RecordingTimer repeating([&] {
    victim.reset();
    if (++rounds < 3) {
      wheel_.arm(*again, start_);
    }
  });
  again = &repeating;
  wheel_.arm(repeating, start_ + 10ms);
  wheel_.arm(*victim, start_ + 10ms);

  wheel_.advance(start_ + 1s);

  EXPECT_EQ(rounds, 3);
  EXPECT_TRUE(fired_.empty());
}

TEST_F(TimerWheelTest, NextIsNeverLateAndLeadsToEveryTimer) {
  testing::SeededEntropy entropy(3);
  std::vector<std::unique_ptr<RecordingTimer>> timers;
  Instant now = start_;
  std::vector<Instant> due;
  std::vector<Instant> seen;
  for (int i = 0; i < 2000; ++i) {
    const auto delay =
        Duration(1ms) *
        static_cast<std::int64_t>(entropy.next_u64() % (1ULL << (entropy.next_u64() % 24)) + 1);
    due.push_back(start_ + delay);
    timers.push_back(std::make_unique<RecordingTimer>([&] { seen.push_back(now); }));
    wheel_.arm(*timers.back(), due.back());
  }

  while (const auto next = wheel_.next()) {
    ASSERT_GT(*next, now);
    now = *next;
    wheel_.advance(now);
  }

  std::ranges::sort(due);
  EXPECT_EQ(seen, due);
}

}  // namespace
}  // namespace vallum::async
