// The disk under PostgreSQL is full.
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "databroker/store/postgres_store.h"
#include "support/postgres/node.h"
#include "support/postgres/server.h"

namespace vallum::databroker {
namespace {

using testing::PostgresNode;
using testing::PostgresServer;
using testing::RawSession;

constexpr std::size_t kDiskBytes = std::size_t{24} << 20;
constexpr int kWritesMax = 200;

// Covers DBR-18.
TEST(PostgresDiskTest, WritesFailWhileTheDiskIsFullAndNothingElseDoes) {
  if (!PostgresServer::can_have_small_disk()) {
    GTEST_SKIP() << "this user may not mount a file system, not even in a namespace of its own";
  }
  PostgresServer server("fsync = off", kDiskBytes);
  RawSession operator_session(server.by_socket("postgres"));
  operator_session.execute("CREATE TABLESPACE small LOCATION '" + server.small_disk() + "'");
  operator_session.execute("CREATE DATABASE onsmall TABLESPACE small");
  RawSession raw(server.by_socket("onsmall"));
  raw.execute(
      "CREATE TABLE filler AS SELECT repeat(md5(n::text), 200) FROM generate_series(1, 5000) n");
  // A new database's files have holes, for which a read would find no room later: to read a page,
  // the server may have to write another.
  raw.execute("CHECKPOINT");
  PostgresNode one(server.by_socket("onsmall"), 1);
  PostgresNode two(server.by_socket("onsmall"), 2);
  one.open();
  two.open();
  const std::string value(std::size_t{200} << 10, 'v');
  one.must_commit(PostgresNode::put("session", "signed in"));

  std::vector<std::string> acknowledged;
  std::optional<Error> failure;
  for (int i = 0; i < kWritesMax && !failure; ++i) {
    const std::string id = "id" + std::to_string(i);
    const BatchOutcome outcome = one.commit(PostgresNode::put(id, value));
    if (outcome) {
      acknowledged.push_back(id);
    } else {
      failure = outcome.error();
    }
  }

  ASSERT_TRUE(failure.has_value()) << "the disk did not fill up";
  EXPECT_EQ(failure->kind(), ErrorKind::Unavailable);
  EXPECT_TRUE(failure->message().contains("No space left on device")) << failure->message();
  EXPECT_TRUE(failure->message().contains("53100")) << failure->message();
  EXPECT_FALSE(acknowledged.empty());
  const std::string refused = "id" + std::to_string(acknowledged.size());
  for (PostgresNode* const node : {&one, &two}) {
    for (const std::string& id : acknowledged) {
      const auto record = node->store().get(PostgresNode::key(id));
      ASSERT_TRUE(record.has_value()) << id << ": " << record.error().message();
      EXPECT_TRUE(record->value.bytes == value) << id;
    }
    EXPECT_EQ(node->read(refused), "NotFound");
    EXPECT_EQ(node->read("session"), "signed in");
  }
  const BatchOutcome again = two.commit(PostgresNode::put(refused, value));
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().kind(), ErrorKind::Unavailable);

  raw.execute("DROP TABLE filler");

  // The versions of what failed are not used up.
  EXPECT_EQ(two.must_commit(PostgresNode::put(refused, value)), acknowledged.size() + 2);
  one.must_commit(PostgresNode::remove("session"));
  EXPECT_EQ(two.read("session"), "NotFound");
  one.open();  // the sums are right
  EXPECT_TRUE(one.read(refused) == value);
}

}  // namespace
}  // namespace vallum::databroker
