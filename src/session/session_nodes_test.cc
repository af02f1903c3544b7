// What nodes that share a PostgreSQL know of sessions that another one ends, and of those that a
// promoted standby does not have.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "databroker/databroker.h"
#include "session/identity_cache.h"
#include "session/records.h"
#include "support/postgres/follower.h"
#include "support/postgres/server.h"

namespace vallum::session {
namespace {

using namespace std::chrono_literals;
using databroker::Write;
using testing::PostgresServer;

enum class Verdict : std::uint8_t { Known, Nobody, CannotSay };

// A node, with what it knows of sessions, and what asks about its live streams.
class SessionNode {
 public:
  SessionNode(const std::string& address, std::uint64_t seed)
      : follower_(address, seed), identities_(follower_.core(), follower_.broker(), {}) {
    // After the cache's own subscription, as that of live streams.
    changes_ = follower_.broker().subscribe(
        follower_.core(), [this](const databroker::FeedEvent& event) { note(event); });
  }

  testing::Follower& follower() { return follower_; }

  std::uint64_t sign_in(const std::string& id) {
    SessionRecord session;
    session.id = id;
    session.user_id = "u1";
    session.idp_id = "idp";
    session.expires_at = follower_.core().clock().wall() + 14h;
    return follower_.must_commit(Write::put(session_key(id), *encode_session(session)));
  }
  std::uint64_t sign_out(const std::string& id) {
    return follower_.must_commit(Write::remove(session_key(id)));
  }
  // As a request has it: what is not known is looked up.
  Verdict ask(const std::string& id) {
    for (int turn = 0; turn < 4; ++turn) {
      if (const auto found = find(id)) {
        return *found != nullptr ? Verdict::Known : Verdict::Nobody;
      }
      const auto loaded = async::block_on(
          follower_.core(), identities_.load(SessionWanted::of(handle_of(id)), follower_.soon()));
      if (!loaded) {
        return Verdict::CannotSay;
      }
    }
    return Verdict::CannotSay;
  }

  // Live streams that were asked about while their session was no longer known.
  std::vector<std::string> live_streams_to_check;

 private:
  static Handle handle_of(const std::string& id) {
    Handle handle;
    handle.session_id = id;
    handle.idp_id = "idp";
    return handle;
  }
  std::optional<IdentityRef> find(const std::string& id) {
    return identities_.find(handle_of(id), follower_.core().clock().wall(), 1h);
  }
  void note(const databroker::FeedEvent& event) {
    if (event.kind != databroker::FeedEvent::Kind::Changes) {
      return;
    }
    for (const databroker::Record& record : event.batch->records) {
      if (record.is_deleted() && !find(record.id)) {
        live_streams_to_check.push_back(record.id);
      }
    }
  }

  testing::Follower follower_;
  IdentityCache identities_;
  std::unique_ptr<databroker::Subscription> changes_;
};

// Long before the look that nobody asked for, which is every 30 seconds. How long it takes is
// measured by databroker_bench.
TEST(SessionNodesTest, ASignOutReachesTheOtherNodeAndItsLiveStreams) {
  PostgresServer& server = PostgresServer::shared();
  const std::string address = server.by_socket(server.create_database());
  SessionNode one(address, 1);
  SessionNode two(address, 2);
  ASSERT_TRUE(two.follower().is_told_of(one.sign_in("s1")));
  ASSERT_EQ(two.ask("s1"), Verdict::Known);

  ASSERT_TRUE(two.follower().is_told_of(one.sign_out("s1")));

  EXPECT_EQ(two.live_streams_to_check, std::vector<std::string>{"s1"});
  EXPECT_EQ(two.ask("s1"), Verdict::Nobody);
  EXPECT_EQ(one.ask("s1"), Verdict::Nobody);
}

// Covers DBR-29, DBR-31.
TEST(SessionNodesTest, APromotedStandbyThatWasBehindMakesNodesForgetWhatOnlyTheyKnew) {
  PostgresServer primary("fsync = off");
  const std::string database = primary.create_database();
  const auto standby = primary.make_standby("second");
  const std::string both = primary.by_tcp_with(*standby, database);
  SessionNode one(both, 1);
  SessionNode two(both, 2);
  one.sign_in("old");
  standby->catch_up_with(primary);
  standby->stop_following();
  ASSERT_TRUE(two.follower().is_told_of(one.sign_in("new")));
  ASSERT_EQ(one.ask("new"), Verdict::Known);
  ASSERT_EQ(two.ask("new"), Verdict::Known);
  ASSERT_EQ(two.ask("old"), Verdict::Known);

  primary.kill();
  // What is left of the server may answer for a moment.
  Verdict unknown = Verdict::Nobody;
  for (int i = 0; i < 1000 && unknown == Verdict::Nobody; ++i) {
    unknown = two.ask("unknown" + std::to_string(i));
  }
  EXPECT_EQ(unknown, Verdict::CannotSay);
  standby->promote();

  ASSERT_TRUE(one.follower().is_told_to_resync(2));
  ASSERT_TRUE(two.follower().is_told_to_resync(2));
  for (SessionNode* const node : {&one, &two}) {
    EXPECT_EQ(node->ask("new"), Verdict::Nobody);
    EXPECT_EQ(node->ask("old"), Verdict::Known);
  }
  ASSERT_TRUE(two.follower().is_told_of(one.sign_out("old")));
  EXPECT_EQ(two.ask("old"), Verdict::Nobody);
}

}  // namespace
}  // namespace vallum::session
