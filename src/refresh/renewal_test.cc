#include "refresh/renewal.h"

#include <string>

#include "refresh/limits.h"
#include "support/refresh/renewal_world.h"

namespace vallum::refresh {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::answer_json;

class RenewalTest : public ::testing::Test {
 protected:
  void advance(Duration duration) { world_.fake.advance(duration); }
  std::string metric(std::string_view name) {
    const std::string text = node_->metrics.expose();
    const std::size_t at = text.find("\n" + std::string(name) + " ");
    if (at == std::string::npos) {
      return "";
    }
    const std::size_t begin = at + name.size() + 2;
    return text.substr(begin, text.find('\n', begin) - begin);
  }

  testing::RenewalWorld world_;
  std::unique_ptr<testing::RenewalWorld::Node> node_ = world_.start();
};

TEST_F(RenewalTest, KeepsASessionAliveForItsWholeLife) {
  const std::string id = world_.sign_in();

  advance(hours(10));

  const auto session = world_.session(id);
  EXPECT_EQ(world_.idp.refreshes(), 10);
  EXPECT_EQ(world_.idp.consumed_tokens_seen(), 0);
  EXPECT_GT(*session.oauth_token->expires_at, world_.fake.clock.wall());
  EXPECT_EQ(world_.refresh_token(id), "refresh-token-of-code-1/11");
  EXPECT_GT(session.id_token->issued_at, session.issued_at);
  EXPECT_EQ(metric("vallum_session_refreshes_total{result=\"refreshed\"}"), "10");
  EXPECT_EQ(metric("vallum_session_refresh_owner"), "1");
  EXPECT_EQ(metric("vallum_sessions_followed"), "1");

  advance(hours(5));
  EXPECT_FALSE(world_.exists(id));
  EXPECT_EQ(metric("vallum_sessions_ended_total{reason=\"expired\"}"), "1");
}

// Covers OID-31.
TEST_F(RenewalTest, KeepsANewRefreshTokenBeforeItAsksWhoTheUserIs) {
  const std::string id = world_.sign_in();
  world_.idp.answers.insert_or_assign("/userinfo", answer_json("{}", 503));

  advance(hours(1));
  EXPECT_EQ(world_.refresh_token(id), "refresh-token-of-code-1/2");
  advance(hours(1));

  EXPECT_EQ(world_.refresh_token(id), "refresh-token-of-code-1/3");
  EXPECT_EQ(world_.idp.consumed_tokens_seen(), 0);
}

// Covers OID-33.
TEST_F(RenewalTest, EndsASessionThatTheProviderRefuses) {
  const std::string refused = world_.sign_in("alice");
  const std::string other = world_.sign_in("bob");
  world_.idp.forget("alice");

  advance(hours(1));

  EXPECT_FALSE(world_.exists(refused));
  EXPECT_TRUE(world_.exists(other));
  EXPECT_NE(world_.lines.text().find("invalid_grant"), std::string::npos);
  EXPECT_NE(world_.lines.text().find("\"reason\":\"provider-refused\""), std::string::npos);
  EXPECT_EQ(metric("vallum_sessions_ended_total{reason=\"provider-refused\"}"), "1");
}

// Covers OID-29.
TEST_F(RenewalTest, EndsASessionThatGotTokensOfAnotherUser) {
  const std::string id = world_.sign_in("alice");
  world_.idp.id_token["sub"] = R"("bob")";

  advance(hours(1));

  EXPECT_FALSE(world_.exists(id));
  EXPECT_NE(world_.lines.text().find("\"reason\":\"another-user\""), std::string::npos);
}

TEST_F(RenewalTest, EndsASessionWhoseUserinfoIsOfAnotherUser) {
  const std::string id = world_.sign_in("alice");
  world_.idp.userinfo["sub"] = R"("bob")";

  advance(minutes(11));

  EXPECT_FALSE(world_.exists(id));
}

// Covers OID-32.
TEST_F(RenewalTest, SignsNobodyOutWhileTheProviderIsInTrouble) {
  std::vector<std::string> ids;
  for (int i = 0; i < 50; ++i) {
    ids.push_back(world_.sign_in(i % 2 == 0 ? "alice" : "bob"));
  }
  advance(minutes(50));
  const auto trouble = [&](testing::FakeHttpClient::Answer answer) {
    world_.idp.answers.insert_or_assign("/token", std::move(answer));
    advance(minutes(30));
  };

  trouble(answer_json("", 503));
  trouble(answer_json("", 500));
  trouble(answer_json("", 429));
  trouble(answer_json("<html>", 200));
  trouble(answer_json(R"({"error":"slow_down"})", 400));
  world_.idp.answers.clear();
  world_.origin().fault = Error(ErrorKind::Unavailable, "refused");
  advance(minutes(30));
  world_.origin().fault.reset();
  world_.origin().hangs = true;
  advance(minutes(30));
  EXPECT_LT(world_.idp.calls("/token"), 50 + 300) << "backs off";

  for (const std::string& id : ids) {
    EXPECT_TRUE(world_.exists(id));
  }
  world_.origin().hangs = false;
  advance(minutes(15));
  for (const std::string& id : ids) {
    EXPECT_GT(*world_.session(id).oauth_token->expires_at, world_.fake.clock.wall());
  }
  EXPECT_EQ(world_.idp.consumed_tokens_seen(), 0);
}

TEST_F(RenewalTest, TellsWhenTheProviderRefusesUsAndSignsNobodyOut) {
  const std::string id = world_.sign_in();
  world_.idp.answers.insert_or_assign("/token", answer_json(R"({"error":"invalid_client"})", 401));

  advance(hours(2));

  EXPECT_TRUE(world_.exists(id));
  ASSERT_TRUE(node_->renewal.status().alarm.has_value());
  EXPECT_NE(node_->renewal.status().alarm->find("invalid_client"), std::string::npos);
  EXPECT_EQ(metric("vallum_identity_provider_refuses_us"), "1");
  EXPECT_NE(world_.lines.text().find("refuses our registration"), std::string::npos);

  world_.idp.answers.clear();
  advance(minutes(11));
  EXPECT_FALSE(node_->renewal.status().alarm.has_value());
  EXPECT_EQ(metric("vallum_identity_provider_refuses_us"), "0");
  EXPECT_EQ(world_.refresh_token(id), "refresh-token-of-code-1/2");
}

TEST_F(RenewalTest, AnUnprovenIdTokenCostsNeitherSessionNorRefreshToken) {
  const std::string id = world_.sign_in();
  world_.idp.id_token["aud"] = R"("another")";

  advance(hours(1) + minutes(5));

  const auto session = world_.session(id);
  EXPECT_NE(world_.refresh_token(id), "refresh-token-of-code-1");
  EXPECT_EQ(session.oauth_token->access_token.expose_text(), "access-token-of-code-1")
      << "nobody knows whose the new one is";
  world_.idp.id_token.clear();
  advance(minutes(15));
  EXPECT_GT(*world_.session(id).oauth_token->expires_at, world_.fake.clock.wall());
  EXPECT_EQ(world_.idp.consumed_tokens_seen(), 0);
}

TEST_F(RenewalTest, LeavesSessionsAloneThatAreNotToBeRefreshed) {
  world_.refresh_disabled = true;
  world_.session_life = hours(3);
  const std::string id = world_.sign_in();

  advance(hours(2));
  EXPECT_EQ(world_.idp.refreshes(), 0);
  EXPECT_TRUE(world_.exists(id));

  advance(hours(2));
  EXPECT_FALSE(world_.exists(id));
}

TEST_F(RenewalTest, LearnsWhatChangedAboutAUserWithinTenMinutes) {
  const std::string id = world_.sign_in();
  advance(minutes(11));
  const std::uint64_t version = world_.latest_version();
  advance(minutes(20));
  EXPECT_EQ(world_.latest_version(), version) << "nothing changed, nothing is written";

  world_.idp.userinfo["groups"] = R"(["ops"])";
  advance(minutes(11));

  const auto user = session::decode_user(world_.record(session::user_key("alice"))->value);
  EXPECT_EQ(session::find_claim(user->claims, "groups")->items().front().text(), "ops");
  const auto directory =
      session::decode_directory_user(world_.record(session::directory_user_key("alice"))->value);
  EXPECT_EQ(directory->group_ids.items().front().text(), "ops");
  EXPECT_EQ(session::find_claim(world_.session(id).claims, "groups")->items().front().text(),
            "ops");
}

TEST_F(RenewalTest, AsksOnceForAUserWithManySessions) {
  for (int i = 0; i < 10; ++i) {
    world_.sign_in("alice");
  }

  const int at_sign_in = world_.idp.calls("/userinfo");
  advance(minutes(35));

  EXPECT_LE(world_.idp.calls("/userinfo") - at_sign_in, 5);
}

// Covers SES-30.
TEST_F(RenewalTest, ASessionThatEndsWhileItIsRefreshedStaysEnded) {
  const std::string id = world_.sign_in();
  advance(minutes(50));
  world_.origin().delay = seconds(2);
  while (node_->client.under_way() == 0) {
    advance(seconds(1));
  }

  world_.sign_out(id);
  advance(minutes(2));

  EXPECT_FALSE(world_.exists(id));
  ASSERT_EQ(world_.idp.revoked().size(), 2U) << "tokens that nobody is to have";
  EXPECT_EQ(world_.idp.revoked()[0], "refresh-token-of-code-1/2");
}

TEST_F(RenewalTest, ChangesByOthersDuringARefreshAreNotLost) {
  const std::string id = world_.sign_in();
  advance(minutes(50));
  world_.origin().delay = seconds(2);
  while (node_->client.under_way() == 0) {
    advance(seconds(1));
  }
  auto record = world_.record(session::session_key(id));
  session::SessionRecord seen = *session::decode_session(record->value);
  const WallTime accessed_at = world_.fake.clock.wall();
  seen.accessed_at = accessed_at;
  databroker::Value value = *session::encode_session(seen);
  // A field of another program: `version`.
  value.bytes.append("\x0a\x02v9");
  ASSERT_TRUE(world_.write(databroker::Write::put(session::session_key(id), value)).has_value());

  advance(minutes(2));

  EXPECT_EQ(world_.refresh_token(id), "refresh-token-of-code-1/2");
  EXPECT_EQ(world_.session(id).accessed_at, accessed_at);
  EXPECT_TRUE(world_.record(session::session_key(id))->value.bytes.contains("v9"));
}

TEST_F(RenewalTest, HoldsNewTokensUntilTheStoreTakesThem) {
  const std::string id = world_.sign_in();
  advance(minutes(50));
  world_.origin().delay = seconds(2);
  while (node_->client.under_way() == 0) {
    advance(seconds(1));
  }

  world_.store.is_down = true;
  advance(seconds(20));
  EXPECT_EQ(world_.idp.refreshes(), 1);
  world_.store.is_down = false;
  advance(seconds(5));
  EXPECT_EQ(world_.refresh_token(id), "refresh-token-of-code-1/2");

  advance(hours(3));
  EXPECT_EQ(world_.idp.consumed_tokens_seen(), 0);
}

TEST_F(RenewalTest, AnOrderlyRestartInTheMiddleOfARefreshLosesNoToken) {
  const std::string id = world_.sign_in();
  advance(minutes(50));
  world_.origin().delay = seconds(2);
  while (node_->client.under_way() == 0) {
    advance(seconds(1));
  }

  node_->stop.cancel();
  advance(seconds(10));
  EXPECT_TRUE(node_->scope.empty());
  EXPECT_EQ(world_.refresh_token(id), "refresh-token-of-code-1/2");
  node_ = world_.start();
  advance(hours(3));

  EXPECT_TRUE(world_.exists(id));
  EXPECT_EQ(world_.idp.consumed_tokens_seen(), 0);
  EXPECT_GE(world_.idp.refreshes(), 3);
}

TEST_F(RenewalTest, ACrashAfterTheTokensWereKeptUsesNoneOfThemTwice) {
  const std::string id = world_.sign_in();
  advance(minutes(50));
  // The answer to userinfo never comes; the process dies while it waits.
  world_.origin().delay = seconds(3);
  while (world_.refresh_token(id) == "refresh-token-of-code-1") {
    advance(seconds(1));
  }
  node_.reset();
  node_ = world_.start();

  advance(hours(3));

  EXPECT_TRUE(world_.exists(id));
  EXPECT_EQ(world_.idp.consumed_tokens_seen(), 0);
}

// Covers DBR-22.
TEST_F(RenewalTest, OneProcessWorksAndAnotherTakesOver) {
  const std::string id = world_.sign_in();
  auto second = world_.start();
  advance(hours(1));
  EXPECT_EQ(world_.idp.refreshes(), 1);
  EXPECT_TRUE(node_->renewal.status().is_owner);
  EXPECT_FALSE(second->renewal.status().is_owner);

  node_.reset();
  advance(minutes(1));
  EXPECT_TRUE(second->renewal.status().is_owner);
  advance(hours(1));

  EXPECT_EQ(world_.idp.refreshes(), 2);
  EXPECT_TRUE(world_.exists(id));
  EXPECT_EQ(world_.idp.consumed_tokens_seen(), 0);
}

// Covers DBR-22. The lease is judged by the clock of the store, which may be another machine's.
TEST_F(RenewalTest, RefreshesInTimeWhateverTheStoresClockSays) {
  for (const Duration ahead : {minutes(10), -minutes(10)}) {
    node_.reset();
    advance(minutes(1));
    world_.store.clock_ahead += ahead;
    node_ = world_.start();
    const std::string id = world_.sign_in();
    const int refreshes = world_.idp.refreshes();

    // While it jumps back, the lease of the process before goes on for as long.
    advance(minutes(11));
    EXPECT_TRUE(node_->renewal.status().is_owner);
    advance(minutes(50));

    EXPECT_GT(world_.idp.refreshes(), refreshes);
    EXPECT_GT(*world_.session(id).oauth_token->expires_at, world_.fake.clock.wall());
  }
  EXPECT_EQ(world_.idp.consumed_tokens_seen(), 0);
}

// Covers DBR-22.
TEST_F(RenewalTest, GoesOnAfterEachJumpOfCivilTimeAndEndsNoSessionForIt) {
  const std::string id = world_.sign_in();
  auto second = world_.start();
  advance(minutes(5));
  int refreshes = 0;
  for (const Duration jump : {minutes(10), -minutes(10), -minutes(10), minutes(10)}) {
    world_.fake.clock.jump_wall(jump);
    advance(minutes(12));
    EXPECT_TRUE(node_->renewal.status().is_owner != second->renewal.status().is_owner);
    EXPECT_TRUE(world_.exists(id));
    // An hour of life at a time, of which a jump takes ten minutes at most.
    EXPECT_LE(world_.idp.refreshes() - refreshes, 1);
    refreshes = world_.idp.refreshes();
  }
  advance(hours(2));

  EXPECT_GT(*world_.session(id).oauth_token->expires_at, world_.fake.clock.wall());
  EXPECT_LE(world_.idp.refreshes(), 4);
  EXPECT_EQ(world_.idp.consumed_tokens_seen(), 0);
}

// What was lost when civil time jumped forward is not held again when it jumps back, before the
// process has heard of it: tried with every distance between when the two ask for the lease.
TEST(RenewalLeaseTest, IsNotTakenBackWhenCivilTimeJumpsBack) {
  int tried = 0;
  for (int offset = 0; offset < 15; ++offset) {
    testing::RenewalWorld world;
    const auto first = world.start();
    world.fake.advance(seconds(1 + offset));
    const auto second = world.start();
    world.fake.advance(minutes(1) - seconds(3));  // it asks again soon

    // Long enough for the first to look at the clock.
    world.fake.clock.jump_wall(minutes(10));
    world.fake.advance(Limits::kLook + seconds(1));
    if (!first->renewal.status().is_owner || !second->renewal.status().is_owner) {
      continue;  // it has heard of it
    }
    ++tried;
    world.fake.clock.jump_wall(-minutes(10));
    world.idp.access_token_lifetime = seconds(6);
    world.sign_in();
    world.origin().delay = seconds(2);
    for (int i = 0; i < 20; ++i) {
      world.fake.advance(milliseconds(500));
      ASSERT_LE(first->client.under_way() + second->client.under_way(), 1) << offset;
    }
    EXPECT_EQ(world.idp.consumed_tokens_seen(), 0);
  }
  EXPECT_GT(tried, 0);
}

TEST_F(RenewalTest, TokensThatCameWhileTheLeaseWasLostAreKept) {
  const std::string id = world_.sign_in();
  auto second = world_.start();
  advance(minutes(50));
  world_.origin().delay = seconds(2);
  while (node_->client.under_way() == 0) {
    advance(seconds(1));
  }

  // The lease is over by civil time, so this process has lost it without knowing.
  world_.fake.clock.jump_wall(minutes(2));
  advance(minutes(1));

  EXPECT_EQ(world_.refresh_token(id), "refresh-token-of-code-1/2");
  EXPECT_EQ(metric("vallum_session_tokens_rescued_total"), "1");
  EXPECT_EQ(world_.idp.consumed_tokens_seen(), 0);
  advance(hours(2));
  EXPECT_TRUE(world_.exists(id));
  EXPECT_TRUE(node_->renewal.status().is_owner != second->renewal.status().is_owner);
}

TEST_F(RenewalTest, FollowsSessionsThatItHasNotSeenBegin) {
  node_.reset();
  std::vector<std::string> ids;
  for (int i = 0; i < 450; ++i) {
    ids.push_back(world_.sign_in("alice"));
  }
  const std::string gone = world_.sign_in("bob");

  node_ = world_.start();
  advance(minutes(1));
  EXPECT_EQ(node_->renewal.status().sessions, 451U);
  world_.sign_out(gone);
  advance(seconds(1));

  EXPECT_EQ(node_->renewal.status().sessions, 450U);
}

TEST_F(RenewalTest, WithoutAProviderSessionsOnlyEnd) {
  node_.reset();
  world_.session_life = hours(2);
  const std::string id = world_.sign_in();
  telemetry::MetricRegistry metrics(1);
  Renewal renewal({.core = world_.fake.core,
                   .broker = world_.broker,
                   .provider = nullptr,
                   .log = world_.log,
                   .metrics = metrics},
                  {});
  async::CancelSource stop(world_.fake.core);
  async::Scope scope(world_.fake.core);
  scope.spawn(renewal.run(stop.token()));

  advance(minutes(110));
  EXPECT_TRUE(world_.exists(id));
  advance(minutes(15));

  EXPECT_FALSE(world_.exists(id));
  EXPECT_EQ(world_.idp.refreshes(), 0);
}

}  // namespace
}  // namespace vallum::refresh
