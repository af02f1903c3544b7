// Two databrokers on one PostgreSQL: what each one's subscribers are told.
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "databroker/databroker.h"
#include "support/postgres/follower.h"
#include "support/postgres/postgres_test.h"

namespace vallum::databroker {
namespace {

using testing::Follower;

class PostgresFeedTest : public testing::PostgresTest {
 protected:
  Follower one_{address(), 1};
  Follower two_{address(), 2};
};

// Covers DBR-16.
TEST_F(PostgresFeedTest, TellsEveryNodeOfEveryChangeOnceAndInOrder) {
  ASSERT_TRUE(one_.is_told_to_resync(1));
  ASSERT_TRUE(two_.is_told_to_resync(1));
  std::uint64_t last = 0;

  for (int i = 0; i < 40; ++i) {
    // Different ids, so that no change hides an earlier one; in turns, and not in turns.
    Follower& writer = i % 2 == 0 || i % 7 == 0 ? one_ : two_;
    last = writer.put("id" + std::to_string(i), std::to_string(i));
  }

  ASSERT_TRUE(one_.is_told_of(last));
  ASSERT_TRUE(two_.is_told_of(last));
  std::vector<std::uint64_t> all;
  for (std::uint64_t version = 1; version <= 40; ++version) {
    all.push_back(version);
  }
  EXPECT_EQ(one_.versions, all);
  EXPECT_EQ(two_.versions, all);
  EXPECT_EQ(one_.copy, two_.stored());
  EXPECT_EQ(two_.copy, one_.stored());
  EXPECT_EQ(one_.resyncs, 1);
}

// Covers DBR-37.
TEST_F(PostgresFeedTest, MissesNothingWhenTheSessionThatListensIsLost) {
  ASSERT_TRUE(two_.is_told_of(one_.put("a", "1")));
  const std::string listening =
      " FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN vallum'";
  ASSERT_EQ(raw_.ask("SELECT count(*)" + listening), std::vector<std::string>{"2"});

  raw_.execute("SELECT pg_terminate_backend(pid, 5000)" + listening);
  const std::uint64_t version = one_.put("b", "2");

  EXPECT_TRUE(two_.is_told_of(version));
  EXPECT_EQ(two_.copy["b"], "2");
}

TEST_F(PostgresFeedTest, TellsEveryNodeToReadAgainWhenTheDatabaseWentBack) {
  ASSERT_TRUE(two_.is_told_of(one_.put("a", "1")));
  keep();
  ASSERT_TRUE(two_.is_told_of(one_.put("b", "1")));
  const std::uint64_t before = one_.server_version;
  put_back();

  one_.put("c", "1");

  EXPECT_TRUE(one_.is_told_to_resync(2));
  EXPECT_TRUE(two_.is_told_to_resync(2));
  EXPECT_NE(one_.server_version, before);
  EXPECT_EQ(two_.server_version, one_.server_version);
  EXPECT_EQ(two_.stored(), (std::map<std::string, std::string>{{"a", "1"}, {"c", "1"}}));
}

}  // namespace
}  // namespace vallum::databroker
