// Several nodes on one database, and what happens when it goes away under them.
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strings.h"
#include "databroker/store/postgres_store.h"
#include "support/postgres/node.h"
#include "support/postgres/postgres_test.h"
#include "support/postgres/server.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;
using testing::PostgresNode;
using testing::PostgresServer;

class PostgresNodesTest : public testing::PostgresTest {
 protected:
  PostgresNode one_{address(), 1};
  PostgresNode two_{address(), 2};
};

TEST_F(PostgresNodesTest, CountVersionsTogetherAndSeeEachOthersWritesAtOnce) {
  one_.open();
  two_.open();

  EXPECT_EQ(one_.must_commit(PostgresNode::put("a", "1")), 1U);
  EXPECT_EQ(two_.read("a"), "1");
  EXPECT_EQ(two_.must_commit(PostgresNode::put("a", "2")), 2U);
  EXPECT_EQ(one_.read("a"), "2");
  EXPECT_EQ(one_.must_commit(PostgresNode::remove("a")), 3U);
  EXPECT_EQ(two_.read("a"), "NotFound");
  EXPECT_EQ(two_.must_commit(PostgresNode::put("b", "3")), 4U);

  EXPECT_EQ(one_.store().list(PostgresNode::kType, {})->size(), 1U);
  EXPECT_EQ(one_.store().refresh(), two_.store().state());
  EXPECT_EQ(*one_.store().changes({}), *two_.store().changes({}));
}

TEST_F(PostgresNodesTest, JudgeConditionsByWhatTheOthersWrote) {
  one_.open();
  two_.open();
  one_.must_commit(PostgresNode::put("a", "1"));
  two_.must_commit(PostgresNode::put("a", "2").if_version(1));

  const BatchOutcome stale = one_.commit(PostgresNode::put("a", "3").if_version(1));
  const BatchOutcome exists = one_.commit(PostgresNode::put("a", "3").if_absent());

  ASSERT_FALSE(stale.has_value());
  EXPECT_EQ(stale.error().kind(), ErrorKind::Conflict);
  ASSERT_FALSE(exists.has_value());
  EXPECT_EQ(exists.error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(one_.must_commit(PostgresNode::put("a", "3").if_version(2)), 3U);
}

TEST_F(PostgresNodesTest, ForgetTheSameTombstones) {
  one_.open();
  two_.open();
  one_.must_commit(PostgresNode::put("a", "1"));
  one_.must_commit(PostgresNode::remove("a"));
  one_.must_commit(PostgresNode::put("b", "1"));
  ASSERT_TRUE(two_.store().refresh().has_value());

  EXPECT_EQ(one_.store().prune_tombstones(one_.clock.wall() + 1s), 1U);

  EXPECT_EQ(two_.must_commit(PostgresNode::put("a", "2").if_absent()), 4U);
  EXPECT_EQ(two_.store().changes({.after_version = 1}).error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(two_.store().changes({.after_version = 2})->size(), 2U);
  one_.open();  // the sum is right
  EXPECT_EQ(one_.read("a"), "2");
}

TEST_F(PostgresNodesTest, CatchUpAfterTombstonesTheyNeverSawAreGone) {
  one_.open();
  one_.must_commit(PostgresNode::put("a", "1"));
  two_.open();
  const std::uint64_t server_version = two_.store().state().server_version;
  one_.must_commit(PostgresNode::remove("a"));
  one_.must_commit(PostgresNode::put("b", "1"));
  ASSERT_EQ(one_.store().prune_tombstones(one_.clock.wall() + 1s), 1U);

  EXPECT_EQ(two_.read("a"), "NotFound");
  EXPECT_EQ(two_.read("b"), "1");
  EXPECT_EQ(two_.store().changes({.after_version = 1}).error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(two_.must_commit(PostgresNode::put("a", "2").if_absent()), 4U);
  EXPECT_EQ(two_.store().state().server_version, server_version);
}

TEST_F(PostgresNodesTest, IndexByTheOptionsAnotherNodeSet) {
  one_.open();
  two_.open();
  two_.must_commit(PostgresNode::put_json("a", R"({"user": "ann"})"));
  const TypeOptions options{
      .capacity = std::nullopt, .indexable_fields = {"user"}, .ttl = std::nullopt};
  const std::uint64_t server_version = two_.store().state().server_version;

  ASSERT_TRUE(one_.store().set_options(PostgresNode::kType, options).has_value());
  two_.must_commit(PostgresNode::put_json("b", R"({"user": "ann"})"));

  EXPECT_EQ(one_.found("user", "ann"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(two_.found("user", "ann"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*two_.store().options(), (OptionsByType{{PostgresNode::kType, options}}));
  EXPECT_EQ(one_.store().count(PostgresNode::kType), 2U);
  EXPECT_EQ(two_.store().types(), std::vector<std::string>{PostgresNode::kType});
  // An index made anew is no other data set.
  EXPECT_EQ(two_.store().state().server_version, server_version);
}

TEST_F(PostgresNodesTest, BeginAnewWhenOneOfThemClears) {
  one_.open();
  two_.open();
  one_.must_commit(PostgresNode::put("a", "1"));
  ASSERT_TRUE(two_.store().refresh().has_value());

  ASSERT_TRUE(one_.store().clear().has_value());
  const auto followed = two_.store().refresh();

  ASSERT_TRUE(followed.has_value());
  EXPECT_EQ(*followed, one_.store().state());
  EXPECT_EQ(two_.read("a"), "NotFound");
  EXPECT_EQ(two_.must_commit(PostgresNode::put("a", "2").if_absent()), 2U);
  EXPECT_EQ(two_.lines.text(), "");  // nothing went wrong
}

// Covers DBR-22. One node's clock is a minute late, the other's a minute early.
TEST_F(PostgresNodesTest, JudgeLeasesByTheDatabasesClock) {
  one_.open();
  two_.open();
  const WallTime early = one_.clock.wall() - 1min;
  const WallTime late = one_.clock.wall() + 1min;

  const auto held = one_.store().acquire_lease("job", "ann", 30s, early);
  const auto taken = two_.store().acquire_lease("job", "bob", 30s, late);
  const BatchOutcome fenced =
      two_.commit(PostgresNode::put("a", "1").fenced_by({.lease = "job", .epoch = held->epoch}));
  ASSERT_TRUE(one_.store().release_lease("job", "ann").has_value());
  const auto free = two_.store().acquire_lease("job", "bob", 30s, early);
  const BatchOutcome stale =
      one_.commit(PostgresNode::put("a", "2").fenced_by({.lease = "job", .epoch = held->epoch}));

  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().kind(), ErrorKind::Conflict);
  EXPECT_TRUE(fenced.has_value());
  ASSERT_TRUE(free.has_value());
  EXPECT_GT(free->epoch, held->epoch);
  ASSERT_FALSE(stale.has_value());
  EXPECT_EQ(stale.error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(one_.read("a"), "1");
}

// Covers DBR-38.
TEST_F(PostgresNodesTest, MakeTheTablesOnceWhenTheyStartTogetherAndWriteTogether) {
  constexpr int kWriters = 3;
  constexpr int kWrites = 60;
  std::vector<pid_t> children;
  for (int writer = 0; writer < kWriters; ++writer) {
    const pid_t child = ::fork();
    if (child == 0) {
      PostgresNode node(address(), static_cast<std::uint64_t>(10 + writer));
      auto opened = node.try_open();
      bool is_good = opened.has_value();
      for (int i = 0; is_good && i < kWrites; ++i) {
        // Everybody counts up the same record; a count that was lost shows in the end.
        const auto before = (*opened)->get(PostgresNode::key("count"));
        const std::uint64_t count = before ? parse_u64(before->value.bytes).value_or(0) : 0;
        std::vector<Batch> batches(1);
        batches[0].push_back(PostgresNode::put("count", std::to_string(count + 1))
                                 .if_version(before ? before->version : 0));
        const auto outcomes = (*opened)->commit(std::move(batches), node.clock.wall());
        is_good = outcomes.has_value();
        i -= is_good && !outcomes->front() ? 1 : 0;
      }
      ::_exit(is_good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }

  one_.open();
  EXPECT_EQ(one_.read("count"), std::to_string(kWriters * kWrites));
  EXPECT_EQ(one_.store().state().latest_version, static_cast<std::uint64_t>(kWriters * kWrites));
}

TEST_F(PostgresNodesTest, BeginANewServerVersionWhenTheDatabaseWentBack) {
  one_.open();
  two_.open();
  one_.must_commit(PostgresNode::put("session", "1"));
  keep();
  one_.must_commit(PostgresNode::remove("session"));
  one_.must_commit(PostgresNode::put("b", "1"));
  ASSERT_TRUE(two_.store().refresh().has_value());
  const StoreState before = one_.store().state();

  put_back();
  const auto noticed = one_.store().refresh();
  const auto followed = two_.store().refresh();

  ASSERT_TRUE(noticed.has_value()) << noticed.error().message();
  EXPECT_NE(noticed->server_version, before.server_version);
  EXPECT_NE(noticed->server_version, 0U);
  ASSERT_TRUE(followed.has_value()) << followed.error().message();
  EXPECT_EQ(*followed, *noticed);
  EXPECT_TRUE(one_.lines.text().contains("went back to an earlier state")) << one_.lines.text();
  EXPECT_EQ(two_.read("b"), "NotFound");
  // No version is used for two things.
  EXPECT_EQ(two_.must_commit(PostgresNode::put("c", "1")), before.latest_version + 1);
  one_.open();
  EXPECT_EQ(one_.store().state().server_version, noticed->server_version);
}

// A node that knew less wrote to the promoted standby first: by number, nothing went back.
TEST_F(PostgresNodesTest, BeginANewServerVersionWhenHistoryForked) {
  one_.open();
  one_.must_commit(PostgresNode::put("a", "1"));
  keep();
  one_.must_commit(PostgresNode::remove("a"));
  put_back();
  two_.open();
  two_.must_commit(PostgresNode::put("b", "1"));
  two_.must_commit(PostgresNode::put("c", "1"));
  const std::uint64_t before = one_.store().state().server_version;

  const std::uint64_t version = one_.must_commit(PostgresNode::put("d", "1"));

  EXPECT_EQ(version, 4U);
  EXPECT_NE(one_.store().state().server_version, before);
  EXPECT_EQ(one_.read("c"), "1");
  EXPECT_EQ(two_.store().refresh(), one_.store().state());
  EXPECT_EQ(two_.read("d"), "1");
}

using PostgresCutTest = testing::PostgresFaultsTest;

TEST_F(PostgresCutTest, ACommitWhoseAnswerWasLostIsAcknowledgedAndHappensOnce) {
  far_.open();
  near_.open();
  far_.must_commit(PostgresNode::put("a", "1"));
  proxy_.fail_next(Moment::CommitAnswer, Fault::Cut);

  const BatchOutcome outcome = far_.commit(PostgresNode::put("a", "2").if_version(1));

  ASSERT_TRUE(outcome.has_value()) << outcome.error().message();
  EXPECT_EQ(outcome->front().version, 2U);
  EXPECT_EQ(near_.read("a"), "2");
  EXPECT_EQ(far_.must_commit(PostgresNode::put("a", "3").if_version(2)), 3U);
}

TEST_F(PostgresCutTest, ACommitThatNeverArrivedIsUnavailableAndDidNotHappen) {
  far_.open();
  near_.open();
  far_.must_commit(PostgresNode::put("a", "1"));
  proxy_.fail_next(Moment::CommitRequest, Fault::Cut);

  const BatchOutcome outcome = far_.commit(PostgresNode::put("a", "2"));

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(near_.read("a"), "1");
  EXPECT_EQ(far_.must_commit(PostgresNode::put("a", "3")), 2U);
}

TEST_F(PostgresCutTest, ACommitNobodyCanAskForIsNotCalledUndone) {
  far_.open(2);
  near_.open();
  proxy_.fail_next(Moment::CommitAnswer, Fault::CutAll);

  const BatchOutcome outcome = far_.commit(PostgresNode::put("a", "1"));
  const BatchOutcome meanwhile = far_.commit(PostgresNode::put("b", "1"));
  proxy_.heal();
  far_.clock.advance(1min);

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind(), ErrorKind::DeadlineExceeded);
  ASSERT_FALSE(meanwhile.has_value());
  EXPECT_EQ(meanwhile.error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(near_.read("a"), "1");
  EXPECT_EQ(far_.read("a"), "1");
  EXPECT_EQ(far_.must_commit(PostgresNode::put("c", "1")), 2U);
}

TEST(PostgresCrashTest, NamesEveryHostThatDoesNotAnswer) {
  PostgresNode node("host=/nowhere,/neither port=1,2 dbname=vallum", 6);

  const auto opened = node.try_open();

  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().kind(), ErrorKind::Unavailable);
  EXPECT_TRUE(opened.error().message().contains("/nowhere/")) << opened.error().message();
  EXPECT_TRUE(opened.error().message().contains("/neither/")) << opened.error().message();
  EXPECT_FALSE(opened.error().message().contains('\n'));
}

TEST(PostgresCrashTest, FailsAtOnceWhileTheServerIsAwayAndRecovers) {
  PostgresServer server;
  PostgresNode node(server.by_socket(server.create_database()), 6);
  node.open(1);
  node.must_commit(PostgresNode::put("a", "1"));

  server.stop();
  const BatchOutcome refused = node.commit(PostgresNode::put("a", "2"));
  const auto read = node.store().get(PostgresNode::key("a"));
  server.start();
  const BatchOutcome too_early = node.commit(PostgresNode::put("a", "2"));
  node.clock.advance(1min);

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(read.error().kind(), ErrorKind::Unavailable);
  EXPECT_FALSE(too_early.has_value());  // the pause between attempts is by the node's clock
  EXPECT_EQ(node.read("a"), "1");
  EXPECT_EQ(node.must_commit(PostgresNode::put("a", "3")), 2U);

  server.stop();
  server.start();
  EXPECT_EQ(node.must_commit(PostgresNode::put("a", "4")), 3U);
}

}  // namespace
}  // namespace vallum::databroker
