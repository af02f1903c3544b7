// A databroker over a data set that other processes change too.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "databroker/databroker.h"
#include "databroker/store/memory_store.h"
#include "support/databroker/shared_set.h"
#include "support/sim/fake_core.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;
using testing::FakeCore;

constexpr const char* kType = "type.example/Thing";

Batch put(std::string id, std::string bytes) {
  Batch batch;
  batch.push_back(Write::put({.type = kType, .id = std::move(id)},
                             {.type_url = kType, .bytes = std::move(bytes)}));
  return batch;
}

using testing::SharedSet;
using testing::SharedView;
using Words = std::vector<std::string>;

class DatabrokerSharedTest : public ::testing::Test {
 protected:
  static Limits small_limits() {
    Limits limits;
    limits.feed_changes_max = 4;
    return limits;
  }

  void SetUp() override {
    subscription_ = broker_.subscribe(home_.core, [this](const FeedEvent& event) { note(event); });
    home_.run_ready();
    diary_.clear();
  }
  void note(const FeedEvent& event) {
    if (event.kind == FeedEvent::Kind::Resync) {
      diary_.push_back("resync at " + std::to_string(event.state.latest_version));
      server_version_ = event.state.server_version;
      return;
    }
    for (const Record& record : event.batch->records) {
      diary_.push_back(std::to_string(record.version) + " " + record.id);
    }
  }
  // As another node does.
  void write_elsewhere(Batch batch) {
    std::vector<Batch> batches;
    batches.push_back(std::move(batch));
    ASSERT_TRUE(shared_.store->commit(std::move(batches), home_.clock.wall()).has_value());
  }
  Result<Committed> put_here(Batch batch) {
    return async::block_on(home_.core,
                           broker_.put(std::move(batch), Deadline::after(home_.clock, 5s)));
  }
  std::optional<Error> storage_failure() {
    return *async::block_on(home_.core, broker_.storage_failure());
  }

  FakeCore home_;
  SharedSet shared_{home_.entropy};
  Databroker broker_{{.home = home_.core,
                      .store = std::make_unique<SharedView>(shared_),
                      .storage = Databroker::Storage::OnCallingCore,
                      .limits = small_limits()}};
  Words diary_;
  std::uint64_t server_version_ = 0;
  std::unique_ptr<Subscription> subscription_;
};

TEST_F(DatabrokerSharedTest, TellsWhatOthersWroteBeforeWhatItWroteItself) {
  write_elsewhere(put("theirs", "1"));
  write_elsewhere(put("more", "1"));

  const auto committed = put_here(put("ours", "1"));

  ASSERT_TRUE(committed.has_value());
  EXPECT_EQ(committed->versions, std::vector<std::uint64_t>{3});
  EXPECT_EQ(diary_, (Words{"1 theirs", "2 more", "3 ours"}));
}

TEST_F(DatabrokerSharedTest, LooksNowAndThenForWhatOthersWrote) {
  write_elsewhere(put("theirs", "1"));

  home_.advance(31s);
  EXPECT_EQ(diary_, (Words{"1 theirs"}));
  home_.advance(31s);
  EXPECT_EQ(diary_, (Words{"1 theirs"}));
  write_elsewhere(put("theirs", "2"));
  home_.advance(31s);

  EXPECT_EQ(diary_, (Words{"1 theirs", "2 theirs"}));
}

TEST_F(DatabrokerSharedTest, SaysResyncWhenTheDataSetIsAnother) {
  ASSERT_TRUE(put_here(put("a", "1")).has_value());
  diary_.clear();
  shared_.store = std::make_unique<MemoryStore>(home_.entropy);
  write_elsewhere(put("x", "1"));
  write_elsewhere(put("y", "1"));

  home_.advance(31s);
  EXPECT_EQ(diary_, (Words{"resync at 2"}));
  EXPECT_EQ(server_version_, shared_.store->state().server_version);
  ASSERT_TRUE(put_here(put("z", "1")).has_value());

  EXPECT_EQ(diary_, (Words{"resync at 2", "3 z"}));
}

TEST_F(DatabrokerSharedTest, SaysResyncAndThenAnswersAWriteThatFoundAnotherDataSet) {
  ASSERT_TRUE(put_here(put("a", "1")).has_value());
  diary_.clear();
  shared_.store = std::make_unique<MemoryStore>(home_.entropy);

  const auto committed = put_here(put("b", "1"));

  ASSERT_TRUE(committed.has_value());
  EXPECT_EQ(committed->server_version, shared_.store->state().server_version);
  EXPECT_EQ(diary_, (Words{"resync at 1"}));
}

TEST_F(DatabrokerSharedTest, SaysResyncWhenTombstonesItWasNotToldOfAreGone) {
  ASSERT_TRUE(put_here(put("a", "1")).has_value());
  diary_.clear();
  Batch removal;
  removal.push_back(Write::remove({.type = kType, .id = "a"}));
  write_elsewhere(std::move(removal));
  ASSERT_EQ(shared_.store->prune_tombstones(home_.clock.wall() + 1s), 1U);

  home_.advance(31s);

  EXPECT_EQ(diary_, (Words{"resync at 2"}));
}

TEST_F(DatabrokerSharedTest, SaysResyncWhenThereIsTooMuchToTell) {
  for (int i = 0; i < 6; ++i) {
    write_elsewhere(put("id" + std::to_string(i), "1"));
  }

  home_.advance(31s);
  EXPECT_EQ(diary_, (Words{"resync at 6"}));
  ASSERT_TRUE(put_here(put("z", "1")).has_value());

  EXPECT_EQ(diary_, (Words{"resync at 6", "7 z"}));
}

TEST_F(DatabrokerSharedTest, LooksAgainSoonAfterItCouldNot) {
  shared_.is_away = true;
  write_elsewhere(put("theirs", "1"));
  home_.advance(31s);
  const auto away = storage_failure();

  shared_.is_away = false;
  home_.advance(2s);

  ASSERT_TRUE(away.has_value());
  EXPECT_EQ(away->kind(), ErrorKind::Unavailable);
  EXPECT_EQ(diary_, (Words{"1 theirs"}));
  EXPECT_FALSE(storage_failure().has_value());
}

}  // namespace
}  // namespace vallum::databroker
