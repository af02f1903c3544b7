// Sessions over time: refreshed at the provider, kept through its outages, ended by its refusal.
#include <memory>
#include <vector>

#include "integration/integration_fixture.h"
#include "session/handle.h"
#include "session/records.h"

namespace vallum::testing {
namespace {

using namespace std::chrono_literals;

class SessionLifeTest : public IntegrationTest {
 protected:
  explicit SessionLifeTest(const std::string& more_options = "")
      : IntegrationTest({.more_options = more_options,
                         .more_routes = R"(
  - from: https://strict.example
    to: http://10.0.0.1:8080
    idp_outage_grace: 4s
    allow_any_authenticated_user: true
  - from: https://tokens.example
    to: http://10.0.0.1:8080
    set_request_headers:
      Authorization: Bearer ${pomerium.access_token}
    allow_any_authenticated_user: true
)",
                         .refreshes_sessions = true,
                         .lane_bytes = std::size_t{8} << 20}) {
    world_.advance(1s);
  }

  void provider_answers(int status, const std::string& body = "") {
    deployment_.provider().answers.insert_or_assign("/token", answer_json(body, status));
  }
  int status_of(const std::string& host) { return browser_.get("https://" + host + "/").status; }
  bool session_exists() {
    session::HandleCodec codec(deployment_.shared_key());
    const auto handle = codec.verify(browser_.cookie("app.example", "_pomerium"));
    EXPECT_TRUE(handle.has_value());
    bool exists = false;
    bool done = false;
    auto look = [](databroker::Databroker* broker,
                   databroker::RecordKey key,
                   bool* found,
                   bool* ended) -> Task<void> {
      const auto record = co_await broker->get(std::move(key), Deadline::never());
      *found = record.has_value();
      *ended = true;
    };
    async::Scope scope(world_.core());
    scope.spawn(
        look(&deployment_.broker(), session::session_key(handle->session_id), &exists, &done));
    EXPECT_TRUE(world_.run_until([&done] { return done; }));
    return exists;
  }
};

TEST_F(SessionLifeTest, ApplicationsGetTheNewestToken) {
  browser_.visit("https://tokens.example/", "alice");
  EXPECT_TRUE(contains(last_head(), "Bearer access-token-of-code-1"));

  world_.advance(61min);

  EXPECT_EQ(status_of("tokens.example"), 200);
  EXPECT_TRUE(contains(last_head(), "Bearer access-token-1-of-code-1"));
}

TEST_F(SessionLifeTest, ASessionThatTheProviderEndedIsANewSignIn) {
  browser_.visit("https://app.example/", "alice");
  deployment_.provider().forget("alice");

  world_.advance(61min);

  EXPECT_EQ(status_of("app.example"), 302);
  EXPECT_FALSE(session_exists());
  EXPECT_EQ(browser_.visit("https://app.example/", "alice").status, 200);
}

// A thousand requests of one session, all of them under way while its refresh token is exchanged.
TEST_F(SessionLifeTest, AThousandRequestsDuringARefreshMakeOneRefresh) {
  constexpr std::size_t kRequests = 1000;
  browser_.visit("https://app.example/", "alice");
  world_.advance(58min + 30s);
  std::vector<std::unique_ptr<ScriptedClient>> clients;
  for (std::size_t i = 0; i < kRequests; ++i) {
    clients.push_back(
        std::make_unique<ScriptedClient>(ScriptedClient::connect(world_, Deployment::front())));
  }
  const std::string request = "GET / HTTP/1.1\r\nHost: app.example\r\n" +
                              browser_.cookie_header("app.example") + "Connection: close\r\n\r\n";
  deployment_.web().origin("https://idp.example").delay = 5s;
  application().think_time = 20s;
  const int before = deployment_.provider().calls("/token");
  const std::size_t seen_before = application().requests_seen();
  const auto has_refreshed = [this] {
    return deployment_.metrics().contains("vallum_session_refreshes_total{result=\"refreshed\"} 1");
  };
  const auto is_refreshing = [this] {
    const auto& requests = deployment_.web().origin("https://idp.example").requests;
    return !requests.empty() && requests.back().body.contains("grant_type=refresh_token");
  };
  ASSERT_TRUE(world_.run_until(is_refreshing));
  ASSERT_FALSE(has_refreshed()) << "the answer is still on its way";

  for (auto& client : clients) {
    client->send(request);
  }
  EXPECT_TRUE(world_.run_until([&] { return has_refreshed(); }));
  EXPECT_EQ(application().requests_seen() - seen_before, kRequests) << "and none was answered";
  for (auto& client : clients) {
    client->expect_head("HTTP/1.1 200 OK");
  }

  world_.advance(1min);
  EXPECT_EQ(deployment_.provider().calls("/token") - before, 1);
  EXPECT_EQ(deployment_.provider().refreshes(), 1);
  EXPECT_EQ(deployment_.provider().consumed_tokens_seen(), 0);
}

class ShortGraceTest : public SessionLifeTest {
 protected:
  ShortGraceTest() : SessionLifeTest("idp_outage_grace: 5s\n") {
    deployment_.provider().access_token_lifetime = 60s;
  }
};

// Covers OID-32.
TEST_F(ShortGraceTest, SignsNobodyOutWhileTheProviderIsDownForTheWholeGrace) {
  browser_.visit("https://app.example/", "alice");
  provider_answers(503);
  world_.advance(59s);
  EXPECT_EQ(status_of("app.example"), 200);

  world_.advance(5s);
  EXPECT_EQ(status_of("app.example"), 200) << "in the grace";
  EXPECT_TRUE(session_exists());

  world_.advance(2s);
  EXPECT_EQ(status_of("app.example"), 302) << "never an allow after it";
  EXPECT_TRUE(session_exists()) << "and nobody is signed out";

  deployment_.provider().answers.clear();
  world_.advance(10min);
  world_.advance(20s);
  EXPECT_EQ(status_of("app.example"), 200) << "nor has to sign in when the provider is back";
  EXPECT_EQ(deployment_.provider().consumed_tokens_seen(), 0);
}

TEST_F(SessionLifeTest, ARouteMayBeStricter) {
  browser_.visit("https://app.example/", "alice");
  browser_.visit("https://strict.example/", "alice");
  provider_answers(503);
  world_.advance(1h - 30s);
  EXPECT_EQ(status_of("strict.example"), 200);

  world_.advance(40s);

  EXPECT_EQ(status_of("app.example"), 200);
  EXPECT_EQ(status_of("strict.example"), 302);
  const Page page = browser_.visit("https://strict.example/", "alice");
  EXPECT_GE(page.status, 400) << "a page that says what is wrong, not a round trip";
}

TEST_F(SessionLifeTest, ARefusedRegistrationSignsNobodyOutWithinTheGrace) {
  browser_.visit("https://app.example/", "alice");
  provider_answers(401, R"({"error":"invalid_client"})");

  world_.advance(110min);

  EXPECT_EQ(status_of("app.example"), 200);
  EXPECT_TRUE(deployment_.renewal().status().alarm.has_value());
  world_.advance(15min);
  EXPECT_EQ(status_of("app.example"), 302);
}

TEST_F(SessionLifeTest, ALiveStreamEndsWhenTheProviderEndsItsSession) {
  application().answer_with([](const SimApplication::Request& r) {
    return r.head.find("pgrade: websocket") != std::string::npos
               ? std::string(
                     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                     "websocket\r\n\r\n")
               : std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  browser_.visit("https://app.example/", "alice");
  world_.advance(57min);
  ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());
  client.send(
      "GET /ws HTTP/1.1\r\nHost: app.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      browser_.cookie_header("app.example") + "\r\n");
  client.expect_head("HTTP/1.1 101 Switching Protocols");
  deployment_.provider().forget("alice");

  Bytes piece(100);
  EXPECT_TRUE(world_.run_until(
      [&] { return client.stream().try_read(piece).status != net::IoResult::Status::WouldBlock; },
      4min));
  EXPECT_TRUE(contains(deployment_.records(), "authorize_recheck"));
}

}  // namespace
}  // namespace vallum::testing
