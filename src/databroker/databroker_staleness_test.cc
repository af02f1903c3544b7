// How long a databroker lets others decide by what it was told, when it cannot be told more.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "databroker/databroker.h"
#include "databroker/store/keeper.h"
#include "databroker/store/memory_store.h"
#include "support/sim/fake_core.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;
using testing::FakeCore;

// A data set that others change too, and that goes away.
class FarStore : public MemoryStore {
 public:
  FarStore(Entropy& entropy, bool& is_away) : MemoryStore(entropy), is_away_(is_away) {}

  Result<StoreState> refresh() override {
    ++refreshes;
    return is_away_ ? Result<StoreState>(fail(ErrorKind::Unavailable, "away")) : state();
  }

  int refreshes = 0;

 private:
  bool& is_away_;
};

// One that another process keeps.
class KeptStore final : public FarStore, public Keeper {
 public:
  using FarStore::FarStore;
  Keeper* keeper() override { return this; }
  Result<std::vector<std::optional<Record>>> get_many(const std::vector<RecordKey>& keys) override {
    if (!answers_calls) {
      return fail(ErrorKind::Unavailable, "no answer");
    }
    return FarStore::get_many(keys);
  }
  Result<QueryAnswer> query(const Query& /*query*/) override {
    QueryAnswer answer;
    answer.total_count = 7;
    return answer;
  }

  bool answers_calls = true;
};

class DatabrokerStalenessTest : public ::testing::Test {
 protected:
  template <class Kind>
  std::unique_ptr<Databroker> broker(std::optional<Duration> max_staleness) {
    return std::make_unique<Databroker>(
        Databroker::Parts{.home = home_.core,
                          .store = std::make_unique<Kind>(home_.entropy, is_away_),
                          .storage = Databroker::Storage::OnCallingCore,
                          .max_staleness = max_staleness});
  }
  std::unique_ptr<Subscription> subscribe(Databroker& to) {
    auto subscription = to.subscribe(home_.core, [](const FeedEvent&) {});
    home_.run_ready();
    return subscription;
  }
  bool is_stale(Databroker& of) {
    bool answer = false;
    home_.core.post([&of, &answer] { answer = of.is_stale(); });
    home_.run_ready();
    return answer;
  }

  FakeCore home_;
  bool is_away_ = false;
};

TEST_F(DatabrokerStalenessTest, WhatWasToldMayBeUsedForAWhile) {
  const auto broker = this->broker<FarStore>(40s);
  const auto subscription = subscribe(*broker);
  home_.advance(2min);
  const bool before = is_stale(*broker);

  is_away_ = true;
  home_.advance(25s);
  const bool soon_after = is_stale(*broker);
  home_.advance(20s);
  const bool too_late = is_stale(*broker);
  is_away_ = false;
  home_.advance(2s);

  EXPECT_FALSE(before);
  EXPECT_FALSE(soon_after);
  EXPECT_TRUE(too_late);
  EXPECT_FALSE(is_stale(*broker));
}

TEST_F(DatabrokerStalenessTest, AStoreOfItsOwnIsNeverTooOld) {
  const auto broker = this->broker<FarStore>(std::nullopt);
  const auto subscription = subscribe(*broker);
  is_away_ = true;
  home_.advance(24h);

  EXPECT_FALSE(is_stale(*broker));
}

TEST_F(DatabrokerStalenessTest, WhoeverWasNeverToldAnythingDecidesNothing) {
  is_away_ = true;
  const auto broker = this->broker<KeptStore>(40s);
  const auto subscription = subscribe(*broker);
  const bool at_first = is_stale(*broker);
  is_away_ = false;
  home_.advance(2s);

  EXPECT_TRUE(at_first);
  EXPECT_FALSE(is_stale(*broker));
}

TEST_F(DatabrokerStalenessTest, LookingTellsWhetherAnybodyKnows) {
  const auto broker = this->broker<FarStore>(40s);
  const auto first = async::block_on(home_.core, broker->look(Deadline::after(home_.clock, 5s)));
  is_away_ = true;
  const auto second = async::block_on(home_.core, broker->look(Deadline::after(home_.clock, 5s)));

  EXPECT_TRUE(first.has_value());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind(), ErrorKind::Unavailable);
}

// Covers DBR-32. Until it has answered that, nothing else is asked of it.
TEST_F(DatabrokerStalenessTest, AKeeperThatDidNotAnswerIsSoonAskedForChangesAndNotAgainAndAgain) {
  auto store = std::make_unique<KeptStore>(home_.entropy, is_away_);
  KeptStore& keeper = *store;
  Databroker broker({.home = home_.core,
                     .store = std::move(store),
                     .storage = Databroker::Storage::OnCallingCore,
                     .max_staleness = 5min});
  home_.advance(1s);
  const int before = keeper.refreshes;
  keeper.answers_calls = false;

  for (int i = 0; i < 20; ++i) {
    const auto read = async::block_on(
        home_.core, broker.get({.type = "type.example/Thing", .id = "a"}, Deadline::never()));
    ASSERT_EQ(read.error().kind(), ErrorKind::Unavailable);
    home_.advance(100ms);
  }

  EXPECT_GE(keeper.refreshes, before + 1);
  EXPECT_LE(keeper.refreshes, before + 3);
}

TEST_F(DatabrokerStalenessTest, AKeeperAnswersQueriesAndTendsTheRecordsItself) {
  const auto broker = this->broker<KeptStore>(40s);
  const std::string type = "type.example/Thing";
  Batch batch;
  for (const char* id : {"a", "b", "c"}) {
    batch.push_back(Write::put({.type = type, .id = id}, {.type_url = type, .bytes = "x"}));
  }
  ASSERT_TRUE(async::block_on(home_.core, broker->put(std::move(batch), Deadline::never())));
  ASSERT_TRUE(async::block_on(
      home_.core,
      broker->set_options(
          type, {.capacity = 1, .indexable_fields = {}, .ttl = {}}, Deadline::never())));
  home_.advance(5min);

  Query query;
  query.type = type;
  const auto answer = async::block_on(home_.core, broker->query(query, Deadline::never()));
  const auto listed = async::block_on(home_.core, broker->list(type, {}, Deadline::never()));

  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->total_count, 7U);
  ASSERT_TRUE(listed.has_value());
  EXPECT_EQ(listed->records.size(), 3U);
}

}  // namespace
}  // namespace vallum::databroker
