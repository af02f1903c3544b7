// The tools over a real socket.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "databroker/store/memory_store.h"
#include "recordtools/directory_plan.h"
#include "recordtools/service_accounts.h"
#include "recordtools/sessions.h"
#include "recordtools/text.h"
#include "support/record_service.h"
#include "support/seeded_entropy.h"

namespace vallum::recordtools {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow{1'700'000'000s};

class RecordToolsTest : public ::testing::Test {
 protected:
  RecordToolsTest() {
    databroker::RecordClientOptions options;
    options.address = service_.address();
    options.shared_secret = testing::record_service_secret();
    options.clear_text = true;
    client_ = *databroker::RecordClient::make(std::move(options), clock_, entropy_);
  }
  void put(databroker::RecordKey key, Result<databroker::Value> value) {
    ASSERT_TRUE(value.has_value());
    ASSERT_TRUE(client_->put({databroker::Write::put(std::move(key), *value)}).has_value());
  }
  void put_session(const std::string& id, const std::string& user, WallTime issued_at) {
    session::SessionRecord session;
    session.id = id;
    session.user_id = user;
    session.idp_id = "idp";
    session.issued_at = issued_at;
    session.expires_at = issued_at + 14h;
    session.id_token = session::IdToken{.issuer = "https://idp.example",
                                        .subject = user,
                                        .issued_at = issued_at,
                                        .expires_at = issued_at + 1h,
                                        .raw = Secret(std::string_view("planted-id-token"))};
    session.oauth_token =
        session::OauthToken{.access_token = Secret(std::string_view("planted-access-token")),
                            .token_type = "Bearer",
                            .expires_at = issued_at + 1h,
                            .refresh_token = Secret()};
    put(session::session_key(id), session::encode_session(session));
  }
  std::vector<std::string> ids(const SessionFilter& filter) {
    const auto sessions = list_sessions(*client_, filter);
    EXPECT_TRUE(sessions.has_value());
    std::vector<std::string> ids;
    for (const ListedSession& session : *sessions) {
      ids.push_back(session.id);
    }
    return ids;
  }

  SystemClock clock_;  // NOLINT(vallum-banned): gRPC lives in real time
  testing::SeededEntropy entropy_{5};
  testing::RecordService service_{std::make_unique<databroker::MemoryStore>(entropy_)};
  std::unique_ptr<databroker::RecordClient> client_;
};

using Ids = std::vector<std::string>;

TEST(ServiceAccountTest, HasTheTokenOfTheSpecification) {
  const Secret token = service_account_token({.id = "sa-1",
                                              .user_id = "user-1",
                                              .issued_at = from_unix_seconds(1'700'000'000),
                                              .expires_at = std::nullopt},
                                             testing::record_service_secret());

  EXPECT_EQ(token.expose_text(),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3MDAwMDAwMDAsImp0aSI6InNhLTEiLCJuYmYi"
            "OjE3MDAwMDAwMDAsInN1YiI6InVzZXItMSJ9.TpuMMPRDY5kd2HedTg3-8UsBm6f6s1o3HswQ87GxYdA");
}

TEST(ServiceAccountTest, EndsWhenItIsTold) {
  EXPECT_EQ(read_expiry("720h", kNow), kNow + 720h);
  EXPECT_EQ(read_expiry("2030-01-01T00:00:00Z", kNow), from_unix_seconds(1'893'456'000));
  for (const char* wrong : {"", "soon", "0s", "-1h", "500ms", "2001-01-01T00:00:00Z", "2500000h"}) {
    const auto read = read_expiry(wrong, kNow);
    ASSERT_FALSE(read.has_value()) << wrong;
    EXPECT_TRUE(read.error().message().starts_with("--expires: ")) << wrong;
  }
}

TEST(ServiceAccountTest, RefusesWhatARecordCannotHold) {
  testing::SeededEntropy entropy(1);
  for (const ServiceAccountWish& wish :
       {ServiceAccountWish{.user_id = "", .description = "", .expires_at = std::nullopt},
        ServiceAccountWish{
            .user_id = std::string(2000, 'u'), .description = "", .expires_at = std::nullopt},
        ServiceAccountWish{.user_id = "\xff", .description = "", .expires_at = std::nullopt},
        ServiceAccountWish{
            .user_id = "u", .description = std::string(2000, 'd'), .expires_at = std::nullopt}}) {
    const auto made = make_service_account(wish, testing::record_service_secret(), kNow, entropy);
    EXPECT_FALSE(made.has_value());
  }
}

TEST_F(RecordToolsTest, ServiceAccountsAreStoredListedAndRevoked) {
  const auto made = make_service_account(
      {.user_id = "robot", .description = "backups\x1b[2J", .expires_at = kNow + 1h},
      testing::record_service_secret(),
      kNow,
      entropy_);
  ASSERT_TRUE(made.has_value());
  const std::string& id = made->record.id;

  ASSERT_TRUE(store_service_account(*client_, made->record).has_value());
  const auto listed = list_service_accounts(*client_);
  const auto revoked = revoke_service_account(*client_, id);
  const auto again = revoke_service_account(*client_, id);

  ASSERT_TRUE(listed.has_value());
  ASSERT_EQ(listed->size(), 1U);
  EXPECT_EQ((*listed)[0].expires_at, kNow + 1h);
  const std::string text = service_accounts_text(*listed, kNow + 2h);
  EXPECT_TRUE(text.contains("2023-11-14T23:13:20Z (expired)")) << text;
  EXPECT_TRUE(text.ends_with("backups?[2J\n")) << text;
  EXPECT_TRUE(revoked.has_value());
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(list_service_accounts(*client_)->size(), 0U);
}

TEST_F(RecordToolsTest, SessionsAreFoundByUserAndAddress) {
  put_session("s1", "u1", kNow);
  put_session("s2", "u1", kNow + 1h);
  put_session("s3", "u2", kNow + 2h);
  put(session::user_key("u1"),
      session::encode_user({.id = "u1", .name = "A", .email = "a@example.com", .claims = {}}));

  EXPECT_EQ(ids({}), (Ids{"s3", "s2", "s1"}));
  EXPECT_EQ(ids({.user_id = "u1", .email = ""}), (Ids{"s2", "s1"}));
  EXPECT_EQ(ids({.user_id = "", .email = "A@example.com"}), (Ids{"s2", "s1"}));
  EXPECT_EQ(ids({.user_id = "u2", .email = "a@example.com"}), Ids{});
}

TEST_F(RecordToolsTest, NoTextShowsAToken) {
  put_session("s1", "u1", kNow);

  const auto shown = find_session(*client_, "s1");
  ASSERT_TRUE(shown.has_value());
  const std::string text =
      session_text(*shown, kNow) + sessions_text(*list_sessions(*client_, {}), kNow);

  EXPECT_TRUE(text.contains("id token        present\n")) << text;
  EXPECT_TRUE(text.contains("access token    present\n")) << text;
  EXPECT_TRUE(text.contains("refresh token   absent\n")) << text;
  EXPECT_FALSE(text.contains("planted")) << text;
}

TEST_F(RecordToolsTest, SessionsAreRevokedOneByOneOrAllOfAUser) {
  put_session("s1", "u1", kNow);
  put_session("s2", "u1", kNow);
  put_session("s3", "u1", kNow);
  put_session("s4", "u2", kNow);

  ASSERT_TRUE(revoke_session(*client_, "s1").has_value());
  EXPECT_EQ(revoke_session(*client_, "s1").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(ids({}), (Ids{"s4", "s3", "s2"}));
  EXPECT_EQ(revoke_sessions_of(*client_, "u1"), 2U);
  EXPECT_EQ(ids({}), Ids{"s4"});
  EXPECT_EQ(revoke_sessions_of(*client_, "u1"), 0U);
}

TEST_F(RecordToolsTest, AnImportMakesTheDirectoryWhatTheFileSays) {
  const auto import = [this](std::string_view text) {
    auto plan = plan_import(*client_, *parse_directory(text, "d.yaml"));
    EXPECT_TRUE(plan.has_value());
    const std::string summary = plan->summary();
    auto turn = ImportTurn::take(*client_);
    EXPECT_TRUE(turn.has_value() && (*turn)->write(*std::move(plan)).has_value());
    return summary;
  };
  constexpr std::string_view kText =
      "users: [{id: a, email: a@example.com, group_ids: [g]}]\n"
      "groups: [{id: g, name: G}]\n"
      "records: [{type: example.com/T, id: t, fields: {n: 1, list: [true, x]}}]\n";

  EXPECT_EQ(import(kText),
            "3 added, 0 changed, 0 removed, 0 unchanged; 0 of 0 memberships dropped\n");
  EXPECT_EQ(import(kText),
            "0 added, 0 changed, 0 removed, 3 unchanged; 0 of 1 memberships dropped\n");
  const auto user = client_->get(session::directory_user_key("a"));
  ASSERT_TRUE(user.has_value());
  EXPECT_EQ(session::decode_directory_user(user->value)->email, "a@example.com");
  EXPECT_EQ(import("users: []"),
            "0 added, 0 changed, 1 removed, 0 unchanged; 1 of 1 memberships dropped\n");
  EXPECT_FALSE(client_->get(session::directory_user_key("a")).has_value());
  EXPECT_TRUE(client_->get(session::directory_group_key("g")).has_value());
}

TEST_F(RecordToolsTest, OneImportIsUnderWayAtATime) {
  auto turn = ImportTurn::take(*client_);
  ASSERT_TRUE(turn.has_value());

  const auto second = ImportTurn::take(*client_);
  turn->reset();
  const auto third = ImportTurn::take(*client_);

  ASSERT_FALSE(second.has_value());
  EXPECT_TRUE(second.error().message().contains("another import is under way"));
  EXPECT_TRUE(third.has_value());
}

// Somebody else took over, as after the turn's time is up.
TEST_F(RecordToolsTest, AnImportThatLostItsTurnWritesNothing) {
  auto lease = client_->acquire_lease("vallum-directory-import", 1min);
  ASSERT_TRUE(lease.has_value());
  ASSERT_TRUE(client_->release_lease(lease->name, lease->id).has_value());
  auto write = databroker::Write::remove(session::directory_user_key("a"));
  write.fence = databroker::Fence{.lease = lease->name, .epoch = lease->epoch};

  const auto written = client_->put({write});

  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().kind(), ErrorKind::Conflict);
}

}  // namespace
}  // namespace vallum::recordtools
