// Tokens of service accounts at the proxy (identity specification 3.6).
#include <chrono>

#include "integration/integration_fixture.h"
#include "recordtools/service_accounts.h"

namespace vallum::testing {
namespace {

class ServiceAccountTest : public IntegrationTest {
 protected:
  recordtools::ServiceAccount make(std::optional<WallTime> expires_at = std::nullopt) {
    auto made = recordtools::make_service_account(
        {.user_id = "robot", .description = "backups", .expires_at = expires_at},
        deployment_.shared_key(),
        world_.core().clock().wall(),
        world_.core().entropy());
    CHECK(made.has_value());
    return *std::move(made);
  }
  void store(const recordtools::ServiceAccount& account) {
    deployment_.put(session::service_account_key(account.record.id),
                    session::encode_service_account(account.record));
  }
  int status(const recordtools::ServiceAccount& account) {
    return browser_
        .get("https://app.example/backup",
             "Authorization: Pomerium " + std::string(account.token.expose_text()) + "\r\n")
        .status;
  }
};

TEST_F(ServiceAccountTest, ATokenIsGoodWhileItsRecordIsThere) {
  const recordtools::ServiceAccount account = make();
  const int before = status(account);

  store(account);
  const int stored = status(account);
  const std::size_t served = application().requests().size();
  deployment_.remove(session::service_account_key(account.record.id));
  const int revoked = status(account);

  EXPECT_NE(before, 200);
  EXPECT_EQ(stored, 200);
  EXPECT_NE(revoked, 200);
  EXPECT_EQ(application().requests().size(), served);
  EXPECT_FALSE(contains(application().received(), account.token.expose_text()));
}

TEST_F(ServiceAccountTest, ATokenEndsWithItsAccount) {
  const recordtools::ServiceAccount account =
      make(world_.core().clock().wall() + std::chrono::hours(1));
  store(account);
  ASSERT_EQ(status(account), 200);

  world_.advance(std::chrono::hours(1));

  EXPECT_NE(status(account), 200);
}

TEST_F(ServiceAccountTest, ATokenOfAnotherSecretIsRefused) {
  const recordtools::ServiceAccount account = make();
  store(account);
  const recordtools::ServiceAccount forged{
      .record = account.record,
      .token = recordtools::service_account_token(
          account.record, Secret(std::string_view("another secret of 32 bytes here!")))};

  EXPECT_NE(status(forged), 200);
}

}  // namespace
}  // namespace vallum::testing
