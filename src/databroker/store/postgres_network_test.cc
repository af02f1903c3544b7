// A network between node and database that breaks, stands still and is slow.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "base/time.h"
#include "databroker/store/postgres_store.h"
#include "support/postgres/follower.h"
#include "support/postgres/node.h"
#include "support/postgres/postgres_test.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;
using testing::Follower;
using testing::PostgresNode;

class PostgresNetworkTest : public testing::PostgresFaultsTest {
 protected:
  PostgresNetworkTest() { far_.silence_max = 1s; }

  // For when the pause before the next attempt to connect is over.
  void wait() { far_.clock.advance(1min); }
};

// What a caller was told of a write is what happened, whichever piece of the traffic is the last
// one to pass: of the session that is there, and of the one that takes its place.
TEST_F(PostgresNetworkTest, TellsTheTruthWhereverTheWireIsCut) {
  far_.open(3);
  near_.open();
  int pieces = 0;
  for (const bool is_connected : {true, false}) {
    for (int piece = 1;; ++piece) {
      wait();
      const std::string id = std::to_string(is_connected) + "/" + std::to_string(piece);
      far_.must_commit(PostgresNode::put(id, "before"));
      if (!is_connected) {
        proxy_.reset_now();
      }
      proxy_.fail_at_piece(piece, Fault::Cut);

      const BatchOutcome outcome = far_.commit(PostgresNode::put(id, "after"));

      const bool is_reached = proxy_.did_fail();
      if (outcome) {
        EXPECT_EQ(near_.read(id), "after") << id;
      } else {
        EXPECT_EQ(outcome.error().kind(), ErrorKind::Unavailable)
            << id << outcome.error().message();
        EXPECT_EQ(near_.read(id), "before") << id;
      }
      if (!is_reached) {
        EXPECT_TRUE(outcome.has_value());
        break;
      }
      ++pieces;
    }
  }
  EXPECT_GE(pieces, 10);
}

TEST_F(PostgresNetworkTest, ReadsWhateverPieceIsCut) {
  far_.open();
  far_.must_commit(PostgresNode::put("a", "1"));
  for (int piece = 1;; ++piece) {
    wait();
    proxy_.reset_now();
    proxy_.fail_at_piece(piece, Fault::Cut);

    const std::string value = far_.read("a");

    if (!proxy_.did_fail()) {
      EXPECT_EQ(value, "1");
      EXPECT_GE(piece, 6);
      break;
    }
    EXPECT_TRUE(value == "1" || value == "Unavailable") << value;
  }
}

TEST_F(PostgresNetworkTest, AnAnswerThatStandsStillOnOneWireIsAskedForOnAnother) {
  far_.open();
  near_.open();
  proxy_.fail_next(Moment::CommitAnswer, Fault::Freeze);

  const BatchOutcome outcome = far_.commit(PostgresNode::put("a", "1"));

  ASSERT_TRUE(outcome.has_value()) << outcome.error().message();
  EXPECT_EQ(near_.read("a"), "1");
  EXPECT_EQ(far_.must_commit(PostgresNode::put("a", "2")), 2U);
}

TEST_F(PostgresNetworkTest, ACommitOnAWireThatStandsStillIsNeitherAcknowledgedNorCalledUndone) {
  far_.open(1);
  near_.open();
  far_.must_commit(PostgresNode::put("a", "1"));
  proxy_.fail_next(Moment::CommitRequest, Fault::FreezeAll);

  const BatchOutcome outcome = far_.commit(PostgresNode::put("a", "2"));
  const BatchOutcome meanwhile = far_.commit(PostgresNode::put("b", "1"));
  proxy_.heal();  // now it arrives
  wait();

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind(), ErrorKind::DeadlineExceeded);
  ASSERT_FALSE(meanwhile.has_value());
  EXPECT_EQ(meanwhile.error().kind(), ErrorKind::Unavailable);
  far_.must_commit(PostgresNode::put("c", "1"));
  EXPECT_EQ(far_.read("a"), near_.read("a"));
  EXPECT_EQ(far_.read("b"), "NotFound");
  ASSERT_TRUE(near_.store().refresh().has_value());
  EXPECT_EQ(far_.store().refresh(), near_.store().state());
}

// Two seconds later whenever somebody looks.
class HurryingClock final : public Clock {
 public:
  Instant now() const override { return now_ += 2s; }
  WallTime wall() const override { return WallTime{1767225600s}; }

 private:
  mutable Instant now_{1h};
};

// Hosts that swallow everything make each question last: the number of questions is no limit.
TEST_F(PostgresNetworkTest, AsksForACommitForTenSecondsHoweverLongAQuestionTakes) {
  const HurryingClock clock;
  const Secret address(proxy_.address(database_));
  const auto keys = crypto::KeyEncryptionKeys::derive(Secret(PostgresNode::kSecret));
  auto store = PostgresStore::open({.address = address,
                                    .keys = keys,
                                    .clock = clock,
                                    .entropy = far_.entropy,
                                    .log = far_.log,
                                    .commit_questions_max = 1'000'000});
  ASSERT_TRUE(store.has_value()) << store.error().message();
  proxy_.fail_next(Moment::CommitAnswer, Fault::CutAll);
  std::vector<Batch> batches(1);
  batches[0].push_back(PostgresNode::put("a", "1"));

  const auto outcome = (*store)->commit(std::move(batches), clock.wall());

  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind(), ErrorKind::DeadlineExceeded);
}

TEST_F(PostgresNetworkTest, GivesUpASessionThatStandsStillAndComesBack) {
  far_.open();
  near_.open();
  far_.must_commit(PostgresNode::put("a", "1"));
  proxy_.fail_now(Fault::FreezeAll);

  const BatchOutcome write = far_.commit(PostgresNode::put("a", "2"));
  const std::string read = far_.read("a");
  near_.must_commit(PostgresNode::put("a", "3"));
  proxy_.heal();
  wait();

  ASSERT_FALSE(write.has_value());
  EXPECT_EQ(write.error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(read, "Unavailable");
  EXPECT_EQ(far_.read("a"), "3");
  EXPECT_EQ(far_.must_commit(PostgresNode::put("b", "1")), 3U);
}

TEST_F(PostgresNetworkTest, LosesNothingOnASlowWire) {
  far_.open();
  near_.open();
  proxy_.delay_pieces(20);
  std::uint64_t last = 0;

  for (int i = 0; i < 10; ++i) {
    PostgresNode& writer = i % 2 == 0 ? far_ : near_;
    last = writer.must_commit(PostgresNode::put("count", std::to_string(i)).if_version(last));
  }

  EXPECT_EQ(far_.read("count"), "9");
}

TEST_F(PostgresNetworkTest, TheFeedCatchesUpAfterTheWireStoodStillOrWasCut) {
  Follower far(proxy_.address(database_), 2);
  near_.open();
  ASSERT_TRUE(far.is_told_of(near_.must_commit(PostgresNode::put("id0", "0"))));
  std::vector<std::uint64_t> all = {1};
  for (const Fault fault : {Fault::FreezeAll, Fault::CutAll}) {
    proxy_.fail_now(fault);
    for (int i = 0; i < 5; ++i) {
      all.push_back(near_.must_commit(PostgresNode::put("id" + std::to_string(all.size()), "v")));
    }
    const auto late = async::block_on(
        far.core(), far.broker().get(PostgresNode::key("id0"), far.core().deadline_in(200ms)));
    ASSERT_FALSE(late.has_value());
    EXPECT_TRUE(late.error().kind() == ErrorKind::DeadlineExceeded ||
                late.error().kind() == ErrorKind::Unavailable);

    proxy_.heal();

    EXPECT_TRUE(far.is_told_of(all.back()));
    EXPECT_EQ(far.versions, all);
  }
  EXPECT_EQ(far.resyncs, 1);
}

}  // namespace
}  // namespace vallum::databroker
