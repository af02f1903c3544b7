// Two databrokers on one PostgreSQL: what each one's subscribers are told.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/event.h"
#include "async/scope.h"
#include "databroker/databroker.h"
#include "databroker/store/postgres_store.h"
#include "support/captured_lines.h"
#include "support/postgres/node.h"
#include "support/postgres/server.h"
#include "support/seeded_entropy.h"
#include "support/sim/kernel_core.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;
using testing::PostgresNode;
using testing::PostgresServer;
using testing::RawSession;

// A node with one core and a copy of the records it was told of.
class Follower {
 public:
  Follower(const std::string& address, std::uint64_t seed) : entropy_(seed) {
    const Secret where(address);
    const auto keys = crypto::KeyEncryptionKeys::derive(Secret(PostgresNode::kSecret));
    auto store = PostgresStore::open(
        {.address = where, .keys = keys, .clock = kernel_.clock, .entropy = entropy_, .log = log_});
    EXPECT_TRUE(store.has_value()) << store.error().message();
    broker_ = std::make_unique<Databroker>(
        Databroker::Parts{.home = kernel_.core, .store = *std::move(store)});
    subscription_ =
        broker_->subscribe(kernel_.core, [this](const FeedEvent& event) { note(event); });
  }

  async::Core& core() { return kernel_.core; }
  // Well before the next look that nobody asked for.
  Deadline soon() { return Deadline::after(kernel_.clock, 20s); }

  std::uint64_t put(std::string id, std::string bytes) {
    Batch batch;
    batch.push_back(PostgresNode::put(std::move(id), std::move(bytes)));
    const auto committed = async::block_on(core(), broker_->put(std::move(batch), soon()));
    EXPECT_TRUE(committed.has_value()) << committed.error().message();
    return committed ? committed->versions.front() : 0;
  }
  // Whether it was told of that version in good time.
  bool is_told_of(std::uint64_t version) {
    return async::block_on(core(), wait_for(this, [version](const Follower& self) {
                             return self.last_version >= version;
                           }));
  }
  bool is_told_to_resync(int times) {
    return async::block_on(
        core(), wait_for(this, [times](const Follower& self) { return self.resyncs >= times; }));
  }
  std::map<std::string, std::string> stored() {
    const auto page = async::block_on(core(), broker_->list(PostgresNode::kType, {}, soon()));
    EXPECT_TRUE(page.has_value());
    std::map<std::string, std::string> held;
    for (const Record& record : page->records) {
      held[record.id] = record.value.bytes;
    }
    return held;
  }

  std::map<std::string, std::string> copy;
  std::vector<std::uint64_t> versions;
  std::uint64_t last_version = 0;
  std::uint64_t server_version = 0;
  int resyncs = 0;

 private:
  template <class Condition>
  static Task<bool> wait_for(Follower* self, Condition condition) {
    const Deadline deadline = self->soon();
    while (!condition(*self)) {
      const bool came = co_await self->changed_.wait(deadline);
      if (!came) {
        co_return false;
      }
      self->changed_.reset();
    }
    co_return true;
  }
  void note(const FeedEvent& event) {
    server_version = event.state.server_version;
    if (event.kind == FeedEvent::Kind::Resync) {
      ++resyncs;
    } else {
      for (const Record& record : event.batch->records) {
        versions.push_back(record.version);
        last_version = record.version;
        copy[record.id] = record.value.bytes;
      }
    }
    changed_.set();
  }

  testing::KernelCore kernel_;
  testing::SeededEntropy entropy_;
  testing::CapturedLines lines_;
  telemetry::LogFilter filter_{telemetry::LogLevel::Info};
  telemetry::Log log_{lines_, kernel_.clock, filter_, "databroker"};
  async::Event changed_{kernel_.core};
  std::unique_ptr<Databroker> broker_;
  std::unique_ptr<Subscription> subscription_;
};

class PostgresFeedTest : public ::testing::Test {
 protected:
  PostgresServer& server_ = PostgresServer::shared();
  std::string database_ = server_.create_database();
  RawSession raw_{server_.by_socket(database_)};
  Follower one_{server_.by_socket(database_), 1};
  Follower two_{server_.by_socket(database_), 2};
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
  raw_.execute(
      "CREATE TABLE kept_notes AS SELECT * FROM vallum.notes;"
      "CREATE TABLE kept_records AS SELECT * FROM vallum.records");
  ASSERT_TRUE(two_.is_told_of(one_.put("b", "1")));
  const std::uint64_t before = one_.server_version;
  raw_.execute(
      "BEGIN; DELETE FROM vallum.notes; INSERT INTO vallum.notes SELECT * FROM kept_notes;"
      "DELETE FROM vallum.records; INSERT INTO vallum.records SELECT * FROM kept_records; COMMIT");

  one_.put("c", "1");

  EXPECT_TRUE(one_.is_told_to_resync(2));
  EXPECT_TRUE(two_.is_told_to_resync(2));
  EXPECT_NE(one_.server_version, before);
  EXPECT_EQ(two_.server_version, one_.server_version);
  EXPECT_EQ(two_.stored(), (std::map<std::string, std::string>{{"a", "1"}, {"c", "1"}}));
}

}  // namespace
}  // namespace vallum::databroker
