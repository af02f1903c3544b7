#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "identity/provider.h"
#include "support/captured_lines.h"
#include "support/identity/fake_provider.h"
#include "support/sim/fake_core.h"

namespace vallum::identity {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::answer_json;
using testing::answer_text;
using testing::FakeCore;
using testing::FakeHttpClient;
using testing::FakeProvider;
using Kind = RefreshOutcome::Kind;

constexpr std::string_view kIssuer = "https://idp.example";

class RefreshTest : public ::testing::Test {
 protected:
  void SetUp() override {
    idp_.add_user({.subject = "u1",
                   .claims = {{"email", "\"u1@corp.example\""}, {"name", "\"User One\""}},
                   .userinfo_claims = {{"groups", R"(["dev"])"}}});
    idp_.add_user({.subject = "u2"});
    provider_ = *Provider::create({.home = fake_.core, .http = web_, .log = log_},
                                  idp_.registration("https://auth.example/oauth2/callback"));
    user_ = sign_in();
  }

  SignedIn sign_in() {
    const auto url = async::block_on(
        fake_.core,
        provider_->authorization_url({.state = "s", .nonce = "n", .pkce_verifier = "v"}, soon()));
    auto back = idp_.sign_in(*url, "u1");
    auto user = async::block_on(fake_.core,
                                provider_->complete_login({.code = std::move(back.code),
                                                           .issuer = std::move(back.issuer),
                                                           .nonce = "n",
                                                           .pkce_verifier = "v"},
                                                          soon()));
    return *std::move(user);
  }

  Deadline soon() { return fake_.core.deadline_in(seconds(10)); }

  RefreshOutcome refresh(std::string_view token, std::string_view subject = "u1") {
    auto outcome = async::block_on(
        fake_.core,
        provider_->refresh({.refresh_token = Secret(token), .subject = std::string(subject)},
                           soon()));
    return *std::move(outcome);
  }
  RefreshOutcome refresh() { return refresh(user_.tokens.refresh_token.expose_text()); }

  RefreshOutcome refresh_answered(FakeHttpClient::Answer answer) {
    idp_.answers.insert_or_assign("/token", std::move(answer));
    return refresh();
  }

  Result<UserDetails> load_user(std::string_view subject = "u1") {
    return async::block_on(fake_.core,
                           provider_->load_user({.access_token = user_.tokens.access_token.clone(),
                                                 .id_token = user_.id_token.raw.clone(),
                                                 .subject = std::string(subject)},
                                                soon()));
  }

  FakeCore fake_;
  testing::CapturedLines lines_;
  telemetry::LogFilter filter_{telemetry::LogLevel::Debug};
  telemetry::Log log_{lines_, fake_.clock, filter_, "identity"};
  FakeHttpClient web_{fake_.core};
  FakeProvider idp_{web_, fake_.clock};
  std::unique_ptr<Provider> provider_;
  SignedIn user_;
};

TEST_F(RefreshTest, BringsNewTokensOfTheSameUser) {
  fake_.advance(minutes(50));

  const RefreshOutcome outcome = refresh();

  ASSERT_EQ(outcome.kind, Kind::Refreshed) << outcome.reason;
  EXPECT_EQ(outcome.tokens.access_token.expose_text(), "access-token-1-of-code-1");
  EXPECT_EQ(outcome.tokens.refresh_token.expose_text(), "refresh-token-of-code-1/2");
  EXPECT_EQ(*outcome.tokens.expires_at - fake_.clock.wall(), hours(1));
  ASSERT_TRUE(outcome.id_token.has_value());
  EXPECT_EQ(outcome.id_token->subject, "u1");
  EXPECT_GT(outcome.id_token->issued_at, user_.id_token.issued_at);
  EXPECT_EQ(outcome.id_token_fault, "");
}

TEST_F(RefreshTest, TakesAnswersWithoutNewRefreshTokenAndIdToken) {
  idp_.rotates = false;
  idp_.renews_id_tokens = false;
  idp_.token_answer["expires_in"] = "";

  const RefreshOutcome outcome = refresh();

  ASSERT_EQ(outcome.kind, Kind::Refreshed) << outcome.reason;
  EXPECT_TRUE(outcome.tokens.refresh_token.empty());
  EXPECT_FALSE(outcome.id_token.has_value());
  EXPECT_FALSE(outcome.tokens.expires_at.has_value());
}

struct Refusal {
  int status;
  std::string_view body;
  Kind kind;
};

// Covers OID-32, OID-33.
TEST_F(RefreshTest, OnlyAnExplicitRefusalOfTheSessionEndsIt) {
  for (const auto& [status, body, kind] : {
           Refusal{400, R"({"error":"invalid_grant"})", Kind::Ended},
           Refusal{401, R"({"error":"invalid_grant"})", Kind::Ended},
           Refusal{403, R"({"error":"access_denied"})", Kind::Ended},
           Refusal{401, R"({"error":"invalid_client"})", Kind::Misconfigured},
           Refusal{400, R"({"error":"unauthorized_client"})", Kind::Misconfigured},
           Refusal{400, R"({"error":"invalid_scope"})", Kind::Misconfigured},
           Refusal{400, R"({"error":"unsupported_grant_type"})", Kind::Misconfigured},
           Refusal{400, R"({"error":"something_new"})", Kind::Temporary},
           Refusal{400, R"({"error":7})", Kind::Temporary},
           Refusal{400, "<html>Bad Request</html>", Kind::Temporary},
           Refusal{401, "", Kind::Temporary},
           Refusal{500, R"({"error":"invalid_grant"})", Kind::Temporary},
           Refusal{503, "", Kind::Temporary},
           Refusal{429, R"({"error":"invalid_grant"})", Kind::Temporary},
           Refusal{302, "", Kind::Temporary},
           Refusal{200, "", Kind::Temporary},
           Refusal{200, R"({"error":"invalid_grant"})", Kind::Temporary},
           Refusal{200, R"({"access_token":"a"})", Kind::Temporary},
           Refusal{200, R"({"access_token":"a","token_type":"mac"})", Kind::Temporary},
       }) {
    const RefreshOutcome outcome = refresh_answered(answer_json(std::string(body), status));

    EXPECT_EQ(outcome.kind, kind) << status << " " << body;
    EXPECT_NE(outcome.reason, "") << status << " " << body;
  }
}

// Covers OID-32.
TEST_F(RefreshTest, AProviderThatCannotBeReachedIsTemporary) {
  web_.origin(kIssuer).fault = Error(ErrorKind::Unavailable, "refused");
  EXPECT_EQ(refresh().kind, Kind::Temporary);
  web_.origin(kIssuer).fault.reset();

  web_.origin(kIssuer).hangs = true;
  const RefreshOutcome slow = refresh();
  EXPECT_EQ(slow.kind, Kind::Temporary);
  EXPECT_NE(slow.reason.find("in time"), std::string::npos) << slow.reason;
}

TEST_F(RefreshTest, ReadsHowLongTheProviderAsksToWait) {
  const auto with = [&](std::string value) {
    auto answer = answer_text(429, "text/plain", "");
    answer->headers.add("Retry-After", value);
    return refresh_answered(std::move(answer)).retry_after;
  };

  EXPECT_EQ(with("120"), std::optional<Duration>(seconds(120)));
  EXPECT_EQ(with("Thu, 01 Jan 2026 00:01:30 GMT"), std::optional<Duration>(seconds(90)));
  EXPECT_EQ(with("Wed, 31 Dec 2025 00:00:00 GMT"), std::optional<Duration>(seconds(0)));
  EXPECT_EQ(with("soon"), std::nullopt);
  EXPECT_EQ(with("-5"), std::nullopt);
}

// Covers OID-29.
TEST_F(RefreshTest, TokensOfAnotherUserEndTheSession) {
  idp_.id_token["sub"] = R"("u2")";

  const RefreshOutcome outcome = refresh();

  EXPECT_EQ(outcome.kind, Kind::AnotherUser);
  EXPECT_TRUE(outcome.tokens.access_token.empty());
  EXPECT_NE(outcome.reason.find("another user"), std::string::npos);
}

TEST_F(RefreshTest, AnIdTokenThatProvesNothingCostsNoRefreshToken) {
  for (const auto& [name, value] : {std::pair{"iss", R"("https://evil.example")"},
                                    std::pair{"aud", R"("another")"},
                                    std::pair{"exp", "1"},
                                    std::pair{"at_hash", R"("AAAA")"},
                                    std::pair{"sub", ""}}) {
    idp_.id_token = {{name, value}};
    const SignedIn user = [&] {
      idp_.id_token.clear();
      SignedIn fresh = sign_in();
      idp_.id_token = {{name, value}};
      return fresh;
    }();

    const RefreshOutcome outcome = refresh(user.tokens.refresh_token.expose_text());

    ASSERT_EQ(outcome.kind, Kind::Refreshed) << name;
    EXPECT_FALSE(outcome.tokens.refresh_token.empty()) << name;
    EXPECT_FALSE(outcome.id_token.has_value()) << name;
    EXPECT_NE(outcome.id_token_fault.find(name), std::string::npos) << outcome.id_token_fault;
  }
}

TEST_F(RefreshTest, SaysNothingOfTokensInItsReasons) {
  const RefreshOutcome outcome = refresh_answered(answer_json(R"({"error":"invalid_grant"})", 400));

  EXPECT_EQ(outcome.reason.find("refresh-token"), std::string::npos);
}

TEST_F(RefreshTest, LoadsTheUserWithoutLosingWhatTheIdTokenSaid) {
  idp_.userinfo = {{"groups", R"(["ops"])"}, {"email", ""}};

  const auto user = load_user();

  ASSERT_TRUE(user.has_value()) << user.error().message();
  EXPECT_EQ(user->email, "u1@corp.example");
  EXPECT_EQ(user->claims.find("groups")->second.front().text(), "ops");
}

// Covers OID-14.
TEST_F(RefreshTest, UserinfoOfAnotherUserIsNotTheUsers) {
  EXPECT_EQ(load_user("u2").error().kind(), ErrorKind::Unauthenticated);
}

TEST_F(RefreshTest, UserinfoInTroubleSaysNothingOfTheUser) {
  for (const int status : {401, 403, 404, 500, 503}) {
    idp_.answers.insert_or_assign("/userinfo", answer_json("{}", status));
    EXPECT_EQ(load_user().error().kind(), ErrorKind::Unavailable) << status;
  }
  idp_.answers.clear();
  idp_.userinfo = {{"big", "\"" + std::string(100'000, 'x') + "\""}};
  EXPECT_EQ(load_user().error().kind(), ErrorKind::Unavailable);
}

}  // namespace
}  // namespace vallum::identity
