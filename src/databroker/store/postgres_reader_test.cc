// Records that are looked up beside the thread of the store.
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/scope.h"
#include "async/sleep.h"
#include "databroker/store/postgres_schema.h"
#include "support/postgres/follower.h"
#include "support/postgres/node.h"
#include "support/postgres/server.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;
using testing::Follower;
using testing::PostgresNode;
using testing::PostgresServer;
using testing::RawSession;

constexpr const char* kOtherSessions =
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()";

class PostgresReaderTest : public ::testing::Test {
 protected:
  PostgresReaderTest() {
    one_.open();
    two_.open();
    reader_ = std::move(one_.store().readers(1).front());
  }
  ~PostgresReaderTest() override { reader_.reset(); }

  // The values, "-" for a record that is not there; nothing where the store is to be asked.
  std::optional<std::vector<std::string>> read(const std::vector<std::string>& ids) {
    std::vector<RecordKey> keys;
    for (const std::string& id : ids) {
      keys.push_back(PostgresNode::key(id));
    }
    const auto records = reader_->get_many(keys);
    if (!records) {
      return std::nullopt;
    }
    std::vector<std::string> values;
    for (const auto& record : *records) {
      values.push_back(record ? record->value.bytes : "-");
    }
    return values;
  }
  using Values = std::vector<std::string>;

  PostgresServer& server_ = PostgresServer::shared();
  std::string database_ = server_.create_database();
  RawSession raw_{server_.by_socket(database_)};
  PostgresNode one_{server_.by_socket(database_), 1};
  PostgresNode two_{server_.by_socket(database_), 2};
  std::unique_ptr<PointReader> reader_;
};

TEST_F(PostgresReaderTest, AnswersInTheOrderOfTheKeys) {
  one_.must_commit(PostgresNode::put("a", "1"));
  one_.must_commit(PostgresNode::put("b", "2"));
  one_.must_commit(PostgresNode::put("gone", "3"));
  one_.must_commit(PostgresNode::remove("gone"));

  EXPECT_EQ(read({"b", "none", "a", "gone", "b"}), (Values{"2", "-", "1", "-", "2"}));
  EXPECT_EQ(read({}), Values{});
  const auto record = reader_->get_many({PostgresNode::key("a")});
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->front(), *one_.store().get(PostgresNode::key("a")));
}

TEST_F(PostgresReaderTest, LeavesWhatTheStoreHasNotSeenToTheStore) {
  one_.must_commit(PostgresNode::put("changed", "1"));
  one_.must_commit(PostgresNode::put("removed", "1"));
  one_.must_commit(PostgresNode::put("same", "1"));
  ASSERT_TRUE(two_.store().refresh().has_value());
  two_.must_commit(PostgresNode::put("changed", "2"));
  two_.must_commit(PostgresNode::remove("removed"));
  two_.must_commit(PostgresNode::put("new", "2"));

  EXPECT_EQ(read({"changed"}), std::nullopt);
  EXPECT_EQ(read({"removed"}), std::nullopt);
  EXPECT_EQ(read({"new"}), std::nullopt);
  EXPECT_EQ(read({"same", "changed"}), std::nullopt);
  EXPECT_EQ(read({"same"}), Values{"1"});

  ASSERT_TRUE(one_.store().refresh().has_value());
  EXPECT_EQ(read({"changed", "removed", "new", "same"}), (Values{"2", "-", "2", "1"}));
}

TEST_F(PostgresReaderTest, NeverServesWhatWasChangedBehindTheNodesBacks) {
  one_.must_commit(PostgresNode::put("altered", "1"));
  one_.must_commit(PostgresNode::put("put back", "1"));
  raw_.execute("CREATE TABLE kept AS SELECT * FROM vallum.records");
  one_.must_commit(PostgresNode::put("put back", "2"));
  one_.must_commit(PostgresNode::put("dropped", "1"));
  one_.must_commit(PostgresNode::put("untouched", "1"));
  ASSERT_EQ(read({"altered", "put back", "dropped"}), (Values{"1", "2", "1"}));

  raw_.execute(
      "UPDATE vallum.records SET value = set_byte(value, 40, get_byte(value, 40) # 1)"
      " WHERE version = 1");
  raw_.execute(
      "DELETE FROM vallum.records WHERE version = 3;"
      "INSERT INTO vallum.records SELECT * FROM kept WHERE version = 2");
  raw_.execute("DELETE FROM vallum.records WHERE version = 4");

  EXPECT_EQ(read({"altered"}), std::nullopt);
  EXPECT_EQ(read({"put back"}), std::nullopt);
  EXPECT_EQ(read({"dropped"}), std::nullopt);
  EXPECT_EQ(read({"untouched"}), Values{"1"});
}

TEST_F(PostgresReaderTest, FollowsTheDataKeys) {
  one_.must_commit(PostgresNode::put("a", "1"));
  ASSERT_EQ(read({"a"}), Values{"1"});
  ASSERT_TRUE(two_.store().refresh().has_value());
  ASSERT_TRUE(*two_.store().keys_at_rest()->begin_rotation(two_.clock.wall()));
  ASSERT_EQ(two_.store().keys_at_rest()->reseal()->rows, 1U);

  EXPECT_EQ(read({"a"}), std::nullopt);  // sealed by a key that the store has not seen

  ASSERT_TRUE(one_.store().refresh().has_value());
  EXPECT_EQ(read({"a"}), Values{"1"});
  one_.must_commit(PostgresNode::put("b", "2"));
  EXPECT_EQ(read({"b"}), Values{"2"});
}

TEST_F(PostgresReaderTest, MakesItsSessionAgain) {
  one_.must_commit(PostgresNode::put("a", "1"));
  ASSERT_EQ(read({"a"}), Values{"1"});
  raw_.execute(kOtherSessions);

  EXPECT_EQ(read({"a"}), std::nullopt);
  EXPECT_EQ(read({"a"}), Values{"1"});
}

// What a databroker serves by its readers while its store waits to write.
class PostgresReadsTest : public ::testing::Test {
 protected:
  static Task<void> write(Follower* node) {
    Batch batch;
    batch.push_back(PostgresNode::put("b", "written"));
    const auto written = co_await node->broker().put(std::move(batch), node->soon());
    EXPECT_TRUE(written.has_value());
  }
  // Reads "a" while a write waits for the lock that `raw` holds.
  static Task<std::string> read_beside_a_write(Follower* node, RawSession* raw) {
    async::Scope writes(node->core());
    writes.spawn(write(node));
    const std::string waiting =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    while (raw->ask(waiting) != std::vector<std::string>{"1"}) {
      co_await async::sleep_for(node->core(), 5ms);
    }
    const auto record = co_await node->broker().get(PostgresNode::key("a"), node->soon());
    const bool still_waits = raw->ask(waiting) == std::vector<std::string>{"1"};
    raw->execute("ROLLBACK");
    co_await writes.drain(node->soon());
    co_return record.has_value() && still_waits ? record->value.bytes : "not read beside it";
  }

  PostgresServer& server_ = PostgresServer::shared();
  std::string database_ = server_.create_database();
  RawSession raw_{server_.by_socket(database_)};
  Follower node_{server_.by_socket(database_), 1};
};

TEST_F(PostgresReadsTest, DoNotWaitForAWrite) {
  node_.put("a", "read");
  raw_.execute(std::string("BEGIN;") + kPostgresLock);

  EXPECT_EQ(async::block_on(node_.core(), read_beside_a_write(&node_, &raw_)), "read");
  const auto written =
      async::block_on(node_.core(), node_.broker().get(PostgresNode::key("b"), node_.soon()));
  ASSERT_TRUE(written.has_value());
  EXPECT_EQ(written->value.bytes, "written");
}

TEST_F(PostgresReadsTest, SeeEveryWriteThatWasAcknowledged) {
  Follower other(server_.by_socket(database_), 2);
  for (int i = 0; i < 60; ++i) {
    Follower& writer = i % 2 == 0 ? node_ : other;
    writer.put("a", std::to_string(i));
    for (Follower* reader : {&node_, &other}) {
      const auto record = async::block_on(
          reader->core(), reader->broker().get(PostgresNode::key("a"), reader->soon()));
      ASSERT_TRUE(record.has_value());
      // A node may not have heard yet of another's write, but what it reads is the database's.
      EXPECT_EQ(record->value.bytes, std::to_string(i));
    }
  }
}

TEST_F(PostgresReadsTest, ReportDamage) {
  node_.put("a", "1");
  raw_.execute("UPDATE vallum.records SET value = set_byte(value, 40, get_byte(value, 40) # 1)");

  const auto record =
      async::block_on(node_.core(), node_.broker().get(PostgresNode::key("a"), node_.soon()));

  ASSERT_FALSE(record.has_value());
  EXPECT_EQ(record.error().kind(), ErrorKind::Internal);
  EXPECT_NE(record.error().message().find("vallum.records, version 1"), std::string::npos);
  const auto failure = async::block_on(node_.core(), node_.broker().storage_failure());
  ASSERT_TRUE(failure.has_value());
  EXPECT_TRUE(failure->has_value());
}

}  // namespace
}  // namespace vallum::databroker
