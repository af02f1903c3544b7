#include "databroker/databroker.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/scope.h"
#include "databroker/store/memory_store.h"
#include "support/sim/fake_core.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;
using testing::FakeCore;

constexpr const char* kType = "type.example/Thing";

RecordKey key(std::string id) {
  return {.type = kType, .id = std::move(id)};
}
Write put(std::string id, std::string bytes) {
  return Write::put(key(std::move(id)), {.type_url = kType, .bytes = std::move(bytes)});
}
Batch one(Write write) {
  Batch batch;
  batch.push_back(std::move(write));
  return batch;
}

// A memory store that counts what is asked of it and can be told to fail.
class ObservedStore final : public MemoryStore {
 public:
  struct Log {
    std::vector<std::size_t> commits;  // batches in each
    int failures_left = 0;
    bool is_damaged = false;
  };
  ObservedStore(Entropy& entropy, Log& log) : MemoryStore(entropy), log_(log) {}

  Result<std::vector<BatchOutcome>> commit(std::vector<Batch> batches, WallTime now) override {
    log_.commits.push_back(batches.size());
    if (log_.failures_left > 0) {
      --log_.failures_left;
      return fail(ErrorKind::Unavailable, "no space left");
    }
    return MemoryStore::commit(std::move(batches), now);
  }
  Result<Record> get(const RecordKey& which) override {
    return log_.is_damaged ? fail(ErrorKind::Internal, "record 7 was altered")
                           : MemoryStore::get(which);
  }

 private:
  Log& log_;
};

// What a subscriber saw, as words: "resync", "a=1" for a change, "a-" for a deletion.
struct Diary {
  std::vector<std::string> words;

  Subscription::Callback writer() {
    return [this](const FeedEvent& event) {
      if (event.kind == FeedEvent::Kind::Resync) {
        words.emplace_back("resync");
        return;
      }
      for (const Record& record : event.batch->records) {
        words.push_back(record.is_deleted() ? record.id + "-"
                                            : record.id + "=" + record.value.bytes);
      }
    };
  }
};

using Words = std::vector<std::string>;

class DatabrokerTest : public ::testing::Test {
 protected:
  static Limits small_limits() {
    Limits limits;
    limits.feed_changes_max = 4;
    limits.pending_batches_max = 8;
    limits.pending_bytes_max = 4000;
    limits.commit_bytes_max = 1000;
    return limits;
  }

  Deadline soon() { return Deadline::after(home_.clock, 5s); }
  Result<Committed> put_now(Batch batch) {
    return async::block_on(home_.core, broker_.put(std::move(batch), soon()));
  }
  Result<Record> get_now(std::string id) {
    return async::block_on(home_.core, broker_.get(key(std::move(id)), soon()));
  }
  // Spawns a put whose result is kept.
  void start_put(Batch batch, Deadline deadline) {
    results_.emplace_back(fail(ErrorKind::Internal, "still running"));
    auto run =
        [](Databroker* broker, Batch writes, Deadline until, Result<Committed>* out) -> Task<void> {
      *out = co_await broker->put(std::move(writes), until);
    };
    scope_.spawn(run(&broker_, std::move(batch), deadline, &results_.back()));
  }

  FakeCore home_;
  // A second core on the same thread, which runs only when a test lets it.
  testing::FakeReactor other_reactor_{home_.clock};
  async::Core other_{
      {.reactor = other_reactor_, .clock = home_.clock, .entropy = home_.entropy, .index = 1}};
  ObservedStore::Log log_;
  Databroker broker_{{.home = home_.core,
                      .store = std::make_unique<ObservedStore>(home_.entropy, log_),
                      .cores = 2,
                      .storage = Databroker::Storage::OnCallingCore,
                      .limits = small_limits()}};
  std::deque<Result<Committed>> results_;
  async::Scope scope_{home_.core};
};

TEST_F(DatabrokerTest, ReadsWhatItWrote) {
  auto committed = put_now(one(put("a", "1")));
  auto record = get_now("a");

  ASSERT_TRUE(committed.has_value());
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(committed->versions, (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(record->version, 1U);
  EXPECT_EQ(record->modified_at, home_.clock.wall());
}

TEST_F(DatabrokerTest, TellsAConflictToTheOneWhoseConditionDidNotHold) {
  ASSERT_TRUE(put_now(one(put("a", "1"))).has_value());

  start_put(one(put("a", "2").if_absent()), soon());
  start_put(one(put("b", "2")), soon());
  home_.run_ready();

  EXPECT_EQ(results_[0].error().kind(), ErrorKind::Conflict);
  EXPECT_TRUE(results_[1].has_value());
}

TEST_F(DatabrokerTest, RefusesBadInputBeforeTheStoreSeesIt) {
  auto refused = put_now(one(put("", "1")));
  auto unreadable = get_now("");

  EXPECT_EQ(refused.error().kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(unreadable.error().kind(), ErrorKind::InvalidInput);
  EXPECT_TRUE(log_.commits.empty());
}

TEST_F(DatabrokerTest, MakesWritesThatWaitTogetherDurableTogether) {
  for (int i = 0; i < 6; ++i) {
    start_put(one(put("id" + std::to_string(i), "1")), soon());
  }
  home_.run_ready();

  for (const auto& result : results_) {
    EXPECT_TRUE(result.has_value());
  }
  EXPECT_LE(log_.commits.size(), 2U);
}

// Three of them fit together; one that fits with none is written alone.
TEST_F(DatabrokerTest, BoundsTheBytesThatAreMadeDurableTogether) {
  const std::string text(300, 'x');
  for (int i = 0; i < 6; ++i) {
    start_put(one(put("id" + std::to_string(i), text)), soon());
  }
  start_put(one(put("big", std::string(1500, 'x'))), soon());
  home_.run_ready();

  for (const auto& result : results_) {
    EXPECT_TRUE(result.has_value());
  }
  EXPECT_EQ(log_.commits, (std::vector<std::size_t>{3, 3, 1}));
}

TEST_F(DatabrokerTest, ShedsWritesBeyondTheBytesThatMayWait) {
  const std::string text(900, 'x');
  for (int i = 0; i < 6; ++i) {
    start_put(one(put("id" + std::to_string(i), text)), soon());
  }
  home_.run_ready();

  int shed = 0;
  for (const auto& result : results_) {
    shed += !result && result.error().kind() == ErrorKind::ResourceExhausted ? 1 : 0;
  }
  EXPECT_EQ(shed, 2);
  EXPECT_TRUE(put_now(one(put("after", text))).has_value());
}

TEST_F(DatabrokerTest, ShedsWritesBeyondItsQueue) {
  for (int i = 0; i < 20; ++i) {
    start_put(one(put("id" + std::to_string(i), "1")), soon());
  }
  home_.run_ready();

  int shed = 0;
  for (const auto& result : results_) {
    shed += !result && result.error().kind() == ErrorKind::ResourceExhausted ? 1 : 0;
  }
  EXPECT_EQ(shed, 12);
}

TEST_F(DatabrokerTest, DoesNotMakeAWriteHappenThatWasGivenUp) {
  auto run = [](Databroker* broker, Deadline until) -> Task<void> {
    auto ignored = co_await broker->put(one(put("late", "1")), until);
    EXPECT_EQ(ignored.error().kind(), ErrorKind::DeadlineExceeded);
  };
  async::Scope scope(other_);
  scope.spawn(run(&broker_, Deadline::after(home_.clock, 1s)));
  while (other_.run_ready()) {
  }
  home_.clock.advance(2s);

  home_.run_ready();
  while (!scope.empty()) {
    other_.turn();
  }

  EXPECT_EQ(get_now("late").error().kind(), ErrorKind::NotFound);
}

// Covers DBR-18.
TEST_F(DatabrokerTest, TellsEveryWriterWhenTheStoreFailsAndGoesOnAfterwards) {
  log_.failures_left = 1;

  auto failed = put_now(one(put("a", "1")));
  auto unhealthy = async::block_on(home_.core, broker_.storage_failure());
  auto written = put_now(one(put("a", "2")));
  auto healthy = async::block_on(home_.core, broker_.storage_failure());

  EXPECT_EQ(failed.error().kind(), ErrorKind::Unavailable);
  ASSERT_TRUE(unhealthy.has_value());
  ASSERT_TRUE(unhealthy->has_value());
  EXPECT_EQ((*unhealthy)->message(), "no space left");
  EXPECT_TRUE(written.has_value());
  ASSERT_TRUE(healthy.has_value());
  EXPECT_FALSE(healthy->has_value());
}

TEST_F(DatabrokerTest, GoesOnSayingThatARecordWasAltered) {
  log_.is_damaged = true;
  EXPECT_EQ(get_now("a").error().kind(), ErrorKind::Internal);
  log_.is_damaged = false;
  ASSERT_TRUE(put_now(one(put("a", "1"))).has_value());

  auto problem = async::block_on(home_.core, broker_.storage_failure());

  ASSERT_TRUE(problem.has_value() && problem->has_value());
  EXPECT_EQ((*problem)->message(), "record 7 was altered");
}

TEST_F(DatabrokerTest, ReadsSeveralRecordsAtOneMoment) {
  ASSERT_TRUE(put_now(one(put("a", "1"))).has_value());
  ASSERT_TRUE(put_now(one(put("b", "2"))).has_value());

  auto fetched =
      async::block_on(home_.core, broker_.get_many({key("b"), key("missing"), key("a")}, soon()));

  ASSERT_TRUE(fetched.has_value());
  ASSERT_EQ(fetched->records.size(), 3U);
  EXPECT_EQ(fetched->records[0]->value.bytes, "2");
  EXPECT_FALSE(fetched->records[1].has_value());
  EXPECT_EQ(fetched->records[2]->value.bytes, "1");
  EXPECT_EQ(fetched->state.latest_version, 2U);
}

TEST_F(DatabrokerTest, TellsSubscribersEveryChangeInOrderAfterAResync) {
  ASSERT_TRUE(put_now(one(put("before", "1"))).has_value());
  Diary diary;
  const auto subscription = broker_.subscribe(home_.core, diary.writer());

  ASSERT_TRUE(put_now(one(put("a", "1"))).has_value());
  ASSERT_TRUE(put_now({put("a", "2"), put("b", "1")}).has_value());
  ASSERT_TRUE(put_now(one(Write::remove(key("a")))).has_value());

  EXPECT_EQ(diary.words, (Words{"resync", "a=1", "a=2", "b=1", "a-"}));
}

TEST_F(DatabrokerTest, TellsAWritersCoreBeforeTheWriter) {
  Diary diary;
  const auto subscription = broker_.subscribe(home_.core, diary.writer());
  Words at_return;
  auto run = [](Databroker* broker, Diary* seen, Words* out, Deadline until) -> Task<void> {
    auto committed = co_await broker->put(one(put("a", "1")), until);
    EXPECT_TRUE(committed.has_value());
    *out = seen->words;
  };

  async::block_on(home_.core, run(&broker_, &diary, &at_return, soon()));

  EXPECT_EQ(at_return, (Words{"resync", "a=1"}));
}

TEST_F(DatabrokerTest, TellsNothingOfABatchThatDidNotHappen) {
  Diary diary;
  const auto subscription = broker_.subscribe(home_.core, diary.writer());

  EXPECT_FALSE(put_now({put("a", "1"), put("b", "1").if_version(7)}).has_value());

  EXPECT_EQ(diary.words, (Words{"resync"}));
}

TEST_F(DatabrokerTest, TellsNothingToASubscriptionThatEnded) {
  Diary diary;
  auto subscription = broker_.subscribe(other_, diary.writer());
  ASSERT_TRUE(put_now(one(put("a", "1"))).has_value());

  subscription.reset();
  while (other_.run_ready()) {
  }
  ASSERT_TRUE(put_now(one(put("b", "1"))).has_value());
  while (other_.run_ready()) {
  }

  EXPECT_TRUE(diary.words.empty());
}

TEST_F(DatabrokerTest, GivesASlowSubscriberOneResyncForWhatItMissed) {
  Diary diary;
  const auto subscription = broker_.subscribe(other_, diary.writer());
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(put_now(one(put("id", std::to_string(i)))).has_value());
  }

  while (other_.run_ready()) {
  }
  home_.run_ready();
  while (other_.run_ready()) {
  }
  ASSERT_TRUE(put_now(one(put("id", "after"))).has_value());
  while (other_.run_ready()) {
  }

  EXPECT_EQ(diary.words, (Words{"resync", "id=0", "id=1", "id=2", "id=3", "resync", "id=after"}));
}

// Covers DBR-14.
TEST_F(DatabrokerTest, ForgetsTombstonesAfterTheirRetention) {
  ASSERT_TRUE(put_now(one(put("a", "1"))).has_value());
  ASSERT_TRUE(put_now(one(Write::remove(key("a")))).has_value());

  home_.advance(62min);
  auto changes = async::block_on(home_.core, broker_.changes({}, soon()));

  ASSERT_FALSE(changes.has_value());
  EXPECT_EQ(changes.error().kind(), ErrorKind::Conflict);
}

// Covers DBR-14. Whoever was away for less hears of it; for longer, too, that it must read again.
TEST_F(DatabrokerTest, KeepsFreshTombstonesWhenCivilTimeJumps) {
  ASSERT_TRUE(put_now(one(put("a", "1"))).has_value());
  ASSERT_TRUE(put_now(one(Write::remove(key("a")))).has_value());
  const auto told = [this] { return async::block_on(home_.core, broker_.changes({}, soon())); };

  for (const Duration jump : {10min, -10min, -10min, 10min}) {
    home_.clock.jump_wall(jump);
    home_.advance(5min);
    const auto changes = told();
    ASSERT_TRUE(changes.has_value());
    ASSERT_EQ(changes->records.size(), 1U);
    EXPECT_TRUE(changes->records.front().is_deleted());
  }
  home_.advance(42min);

  ASSERT_FALSE(told().has_value());
  EXPECT_EQ(told().error().kind(), ErrorKind::Conflict);
}

}  // namespace
}  // namespace vallum::databroker
