#include "refresh/schedule.h"

#include <algorithm>
#include <map>
#include <queue>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "refresh/limits.h"
#include "support/seeded_entropy.h"
#include "support/virtual_clock.h"

namespace vallum::refresh {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// A provider that answers each job after a while, as a test wants it.
class World {
 public:
  struct Call {
    Job job;
    Instant at;
    WallTime wall;
  };

  explicit World(std::uint64_t seed = 1) : entropy_(seed) {}

  Moment now() const { return {.instant = clock.now(), .wall = clock.wall()}; }

  SessionTimes times(Duration life, Duration session_life = hours(14)) const {
    return {.provider = "idp",
            .ends_at = clock.wall() + session_life,
            .tokens_expire_at = clock.wall() + life};
  }
  void sign_in(const std::string& id, const SessionTimes& known) {
    sessions_[id] = known;
    schedule.track(id, known, now());
  }

  // Lets time pass, from one thing that happens to the next.
  void run_for(Duration duration) {
    const Instant end = clock.now() + duration;
    while (true) {
      while (auto job = schedule.take(now())) {
        begin(*std::move(job));
      }
      Instant next = std::min(schedule.next(now()), end);
      if (!answers_.empty()) {
        next = std::min(next, answers_.begin()->first);
      }
      clock.advance(std::max(next - clock.now(), Duration(1)));
      while (!answers_.empty() && answers_.begin()->first <= clock.now()) {
        const Job job = answers_.begin()->second;
        answers_.erase(answers_.begin());
        answer(job);
      }
      if (clock.now() >= end) {
        return;
      }
    }
  }

  std::vector<Call> calls_of(Job::Kind kind) const {
    std::vector<Call> found;
    std::ranges::copy_if(
        calls, std::back_inserter(found), [&](const Call& call) { return call.job.kind == kind; });
    return found;
  }
  std::size_t refreshes() const { return calls_of(Job::Kind::Refresh).size(); }

  testing::VirtualClock clock;
  Duration latency = milliseconds(100);
  Duration token_life = hours(1);
  JobResult::Kind outcome = JobResult::Kind::Done;
  std::optional<Duration> retry_after;
  std::vector<Call> calls;
  std::size_t under_way_most = 0;

 private:
  testing::SeededEntropy entropy_;

 public:
  Schedule schedule{entropy_};

 private:
  void begin(Job job) {
    calls.push_back({.job = job, .at = clock.now(), .wall = clock.wall()});
    answers_.emplace(clock.now() + latency, std::move(job));
    under_way_most = std::max(under_way_most, answers_.size());
  }
  void answer(const Job& job) {
    if (job.kind == Job::Kind::End) {
      schedule.forget(job.session_id);
      sessions_.erase(job.session_id);
    } else if (job.kind == Job::Kind::Refresh && outcome == JobResult::Kind::Done) {
      SessionTimes& known = sessions_[job.session_id];
      known.tokens_expire_at = clock.wall() + token_life;
      schedule.track(job.session_id, known, now());
    }
    schedule.finished(job, {.kind = outcome, .retry_after = retry_after}, now());
  }

  std::multimap<Instant, Job> answers_;
  std::map<std::string, SessionTimes> sessions_;
};

TEST(ScheduleTest, ExchangesTokensInTheLastMinuteOfTheirLife) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    World world(seed);
    const WallTime expires_at = world.clock.wall() + hours(1);
    world.sign_in("s1", world.times(hours(1)));

    world.run_for(hours(1));

    ASSERT_EQ(world.refreshes(), 1U);
    EXPECT_GE(world.calls[0].wall, expires_at - seconds(60));
    EXPECT_LE(world.calls[0].wall, expires_at - seconds(54));
  }
}

TEST(ScheduleTest, EndsASessionAtItsEndAndNotBefore) {
  World world;
  world.sign_in("s1", world.times(hours(1), minutes(30)));

  world.run_for(minutes(29));
  EXPECT_TRUE(world.calls.empty());
  world.run_for(minutes(2));

  ASSERT_EQ(world.calls.size(), 1U);
  EXPECT_EQ(world.calls[0].job.kind, Job::Kind::End);
  EXPECT_EQ(world.schedule.size(), 0U);
  EXPECT_EQ(world.schedule.next(world.now()), Instant::max());
}

TEST(ScheduleTest, LeavesASessionAloneWhoseTokensCannotBeExchanged) {
  World world;
  world.sign_in("s1",
                {.provider = "", .ends_at = world.clock.wall() + hours(2), .tokens_expire_at = {}});

  world.run_for(hours(1));

  EXPECT_TRUE(world.calls.empty());
}

TEST(ScheduleTest, AsksWhoTheUserIsEveryTenMinutes) {
  World world;
  SessionTimes times = world.times(hours(1));
  times.asks_user_info = true;
  world.sign_in("s1", times);

  world.run_for(minutes(45));

  EXPECT_EQ(world.refreshes(), 0U);
  EXPECT_GE(world.calls.size(), 4U);
  EXPECT_LE(world.calls.size(), 5U);
}

TEST(ScheduleTest, NeverLoopsWhateverTheProviderAnswers) {
  for (const Duration life : {Duration(seconds(0)),
                              Duration(seconds(1)),
                              Duration(seconds(9)),
                              Duration(seconds(59)),
                              Duration(hours(-1))}) {
    World world;
    world.token_life = life;
    world.sign_in("s1", world.times(life, hours(24)));

    world.run_for(hours(12));

    // Seven pauses that double, then one of ten minutes after the other, a quarter of it jitter.
    EXPECT_LE(world.refreshes(), 7U + 12 * 8);
    for (std::size_t i = 1; i < world.calls.size(); ++i) {
      EXPECT_GE(world.calls[i].at - world.calls[i - 1].at, Limits::kPauseMin);
    }
  }
}

TEST(ScheduleTest, KeepsTokensOfAMinuteFresh) {
  World world;
  world.token_life = seconds(61);
  world.sign_in("s1", world.times(world.token_life));

  world.run_for(hours(1));

  EXPECT_GE(world.refreshes(), 100U);
  EXPECT_LE(world.refreshes(), 125U);
}

// Covers OID-32.
TEST(ScheduleTest, BacksOffFromTenSecondsToTenMinutes) {
  World world;
  world.outcome = JobResult::Kind::Failed;
  world.sign_in("s1", world.times(seconds(0)));

  world.run_for(hours(6));

  std::vector<Duration> pauses;
  for (std::size_t i = 1; i < world.calls.size(); ++i) {
    pauses.push_back(world.calls[i].at - world.calls[i - 1].at);
  }
  ASSERT_GT(pauses.size(), 30U);
  EXPECT_LT(pauses.front(), seconds(11));
  EXPECT_TRUE(std::ranges::all_of(pauses, [](Duration pause) {
    return pause >= Limits::kPauseMin && pause <= Limits::kPauseMax + seconds(1);
  }));
  EXPECT_GT(pauses.back(), minutes(7));
}

TEST(ScheduleTest, IsAtOnceBackToNormalWhenTheProviderIs) {
  World world;
  world.outcome = JobResult::Kind::Failed;
  world.sign_in("s1", world.times(seconds(0)));
  world.run_for(minutes(30));
  world.outcome = JobResult::Kind::Done;
  world.calls.clear();

  world.run_for(minutes(11));
  EXPECT_EQ(world.refreshes(), 1U);
  world.run_for(hours(1));

  EXPECT_EQ(world.refreshes(), 2U);
  EXPECT_FALSE(world.schedule.is_paused("idp"));
}

TEST(ScheduleTest, WaitsAsLongAsTheProviderAsks) {
  World world;
  world.outcome = JobResult::Kind::Failed;
  world.retry_after = minutes(5);
  world.sign_in("s1", world.times(seconds(0)));
  world.sign_in("s2", world.times(minutes(2)));

  world.run_for(minutes(5));

  EXPECT_EQ(world.refreshes(), 1U) << "it asked us, not one session";
}

TEST(ScheduleTest, DoesNotWaitForEverBecauseTheProviderSaysSo) {
  World world;
  world.outcome = JobResult::Kind::Failed;
  world.retry_after = hours(24 * 365);
  world.sign_in("s1", world.times(seconds(0)));

  world.run_for(minutes(21));

  EXPECT_EQ(world.refreshes(), 3U);
}

TEST(ScheduleTest, HasNoHerdAfterARestart) {
  World world;
  constexpr std::size_t kSessions = 100'000;
  for (std::size_t i = 0; i < kSessions; ++i) {
    world.sign_in("session-" + std::to_string(i), world.times(-hours(1)));
  }

  world.run_for(minutes(12));

  EXPECT_EQ(world.refreshes(), kSessions);
  EXPECT_LE(world.under_way_most, Limits::kCallsMax);
  // No second has more than its share and what the second before left over.
  constexpr std::size_t kPerSecond = kSessions / 600 + 1;
  std::size_t first = 0;
  std::size_t most = 0;
  for (std::size_t i = 0; i < world.calls.size(); ++i) {
    while (world.calls[i].at - world.calls[first].at >= seconds(1)) {
      ++first;
    }
    most = std::max(most, i - first + 1);
  }
  EXPECT_LE(most, 2 * kPerSecond);
}

// Covers OID-32.
TEST(ScheduleTest, TriesAProviderThatIsDownWithOneSessionAtATime) {
  World world;
  world.outcome = JobResult::Kind::Failed;
  for (std::size_t i = 0; i < 10'000; ++i) {
    world.sign_in("session-" + std::to_string(i), world.times(-hours(1)));
  }

  world.run_for(hours(1));

  EXPECT_TRUE(world.schedule.is_paused("idp"));
  EXPECT_LT(world.refreshes(), 30U);
  EXPECT_EQ(world.schedule.size(), 10'000U);
  EXPECT_GT(world.schedule.overdue(world.now()), 9'900U);
}

TEST(ScheduleTest, OneRefusalOfOurRegistrationIsEnoughToPause) {
  World world;
  world.outcome = JobResult::Kind::Refused;
  world.sign_in("s1", world.times(seconds(0)));

  world.run_for(seconds(1));

  EXPECT_TRUE(world.schedule.is_paused("idp"));
}

TEST(ScheduleTest, OneProviderInTroubleDoesNotHinderAnother) {
  World world;
  SessionTimes other = world.times(-hours(1));
  other.provider = "other";
  for (std::size_t i = 0; i < 100; ++i) {
    world.sign_in("slow-" + std::to_string(i), world.times(-hours(1)));
    world.sign_in("other-" + std::to_string(i), other);
  }
  world.latency = hours(1);

  world.run_for(minutes(5));

  EXPECT_EQ(world.refreshes(), 2 * Limits::kCallsMax);
}

TEST(ScheduleTest, FollowsCivilTimeThatJumps) {
  World world;
  world.sign_in("s1", world.times(hours(1)));
  world.run_for(minutes(20));

  world.clock.jump_wall(minutes(10));
  world.run_for(minutes(28));
  EXPECT_EQ(world.refreshes(), 0U);
  world.run_for(minutes(2));
  EXPECT_EQ(world.refreshes(), 1U);

  world.clock.jump_wall(-minutes(10));
  world.run_for(minutes(68));
  EXPECT_EQ(world.refreshes(), 1U);
  world.run_for(minutes(2));
  EXPECT_EQ(world.refreshes(), 2U);
}

TEST(ScheduleTest, HasNoHerdWhenCivilTimeJumps) {
  World world;
  constexpr std::size_t kSessions = 30'000;
  for (std::size_t i = 0; i < kSessions; ++i) {
    world.sign_in("session-" + std::to_string(i),
                  world.times(minutes(2) + seconds(3500 * i / kSessions)));
  }

  // A sixth of them is now over.
  world.clock.jump_wall(minutes(10));
  world.run_for(minutes(10));

  EXPECT_GT(world.refreshes(), kSessions / 6);
  EXPECT_LE(world.under_way_most, Limits::kCallsMax);
  std::map<std::int64_t, std::size_t> by_second;
  for (const World::Call& call : world.calls) {
    ++by_second[std::chrono::duration_cast<seconds>(call.at.time_since_epoch()).count()];
  }
  for (const auto& [second, calls] : by_second) {
    EXPECT_LE(calls, 2 * (kSessions / 600 + 1));
  }
}

TEST(ScheduleTest, NeitherLoopsNorEndsASessionWhileCivilTimeJumpsToAndFro) {
  World world;
  world.sign_in("s1", world.times(hours(1)));

  for (int i = 0; i < 200; ++i) {
    world.clock.jump_wall(i % 2 == 0 ? minutes(10) : -minutes(10));
    world.run_for(minutes(3));
  }

  // Ten hours of tokens that live for an hour, of which the jumps take ten minutes at most.
  EXPECT_GE(world.refreshes(), 9U);
  EXPECT_LE(world.refreshes(), 14U);
  EXPECT_TRUE(world.calls_of(Job::Kind::End).empty());
  EXPECT_EQ(world.schedule.size(), 1U);
}

TEST(ScheduleTest, AForgottenSessionIsGoneOnceItsJobIs) {
  World world;
  world.sign_in("s1", world.times(seconds(0)));
  const auto job = world.schedule.take(world.now());
  ASSERT_TRUE(job.has_value());

  world.schedule.forget("s1");
  EXPECT_EQ(world.schedule.size(), 1U);
  world.schedule.finished(*job, {}, world.now());

  EXPECT_EQ(world.schedule.size(), 0U);
  EXPECT_EQ(world.schedule.under_way(), 0U);
}

// Random sessions, answers, delays and jumps of the clock.
TEST(ScheduleSimulationTest, KeepsItsPromisesWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    testing::SeededEntropy dice(seed);
    const auto roll = [&](std::uint64_t sides) { return dice.next_u64() % sides; };
    World world(seed + 1000);
    std::uint64_t last_id = 0;
    std::vector<std::string> known;
    for (int step = 0; step < 400; ++step) {
      switch (roll(8)) {
        case 0:
        case 1:
          known.push_back("s" + std::to_string(++last_id));
          world.sign_in(known.back(), world.times(seconds(roll(4000)), seconds(60 + roll(20'000))));
          break;
        case 2:
          if (!known.empty()) {
            world.schedule.forget(known[roll(known.size())]);
          }
          break;
        case 3:
          world.outcome = static_cast<JobResult::Kind>(roll(3));
          break;
        case 4:
          world.token_life = seconds(roll(3) == 0 ? roll(3) : 60 + roll(4000));
          world.latency = milliseconds(roll(9000));
          break;
        case 5:
          world.clock.jump_wall(seconds(roll(1200)) - seconds(600));
          break;
        default:
          world.run_for(seconds(roll(600)));
      }
    }
    std::map<std::string, Instant> last;
    for (const World::Call& call : world.calls_of(Job::Kind::Refresh)) {
      const auto before = last.find(call.job.session_id);
      if (before != last.end()) {
        ASSERT_GE(call.at - before->second, Limits::kPauseMin);
      }
      last[call.job.session_id] = call.at;
    }
    EXPECT_LE(world.under_way_most, 2 * Limits::kCallsMax);
    // Whatever happened before, a provider that works is enough for every session to be fresh.
    world.outcome = JobResult::Kind::Done;
    world.token_life = hours(1);
    world.latency = milliseconds(50);
    world.run_for(minutes(25));
    EXPECT_EQ(world.schedule.overdue(world.now()), 0U);
    EXPECT_FALSE(world.schedule.is_paused("idp"));
  }
}

}  // namespace
}  // namespace vallum::refresh
