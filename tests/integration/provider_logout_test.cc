// The identity provider ends a session of its own: back-channel and front-channel logout.
#include <map>

#include "codec/json_writer.h"
#include "codec/percent.h"
#include "integration/integration_fixture.h"
#include "session/handle.h"
#include "session/records.h"

namespace vallum::testing {
namespace {

using namespace std::chrono_literals;
using Members = FakeProvider::Members;

constexpr std::string_view kEvents = R"({"http://schemas.openid.net/event/backchannel-logout":{}})";

class ProviderLogoutTest : public IntegrationTest {
 protected:
  explicit ProviderLogoutTest(const std::string& more_options =
                                  "idp_backchannel_logout: true\nidp_frontchannel_logout: true\n")
      : IntegrationTest({.more_options = more_options, .more_routes = {}}) {}

  // A browser in which this person is signed in, in this session at the provider.
  Browser signed_in(const std::string& subject, const std::string& sid) {
    deployment_.provider().id_token["sid"] = "\"" + sid + "\"";
    Browser browser(deployment_);
    EXPECT_EQ(browser.visit("https://app.example/", subject).status, 200);
    return browser;
  }

  // A logout token as the provider would make it, but for what is given; "" leaves a claim out.
  std::string token(const Members& changes) {
    const std::int64_t now = unix_seconds(world_.clock().wall());
    Members members{{"iss", R"("https://idp.example")"},
                    {"aud", R"("vallum")"},
                    {"iat", std::to_string(now)},
                    {"exp", std::to_string(now + 120)},
                    {"jti", "\"jti-" + std::to_string(++tokens_) + "\""},
                    {"events", std::string(kEvents)}};
    for (const auto& [name, value] : changes) {
      members[name] = value;
    }
    std::string payload;
    codec::JsonWriter json(payload);
    json.begin_object();
    for (const auto& [name, value] : members) {
      if (!value.empty()) {
        json.any_key(name).raw(value);
      }
    }
    json.end_object();
    return deployment_.provider().key().sign(payload);
  }
  Page post(const std::string& logout_token) {
    Browser server(deployment_);
    return server.post("https://auth.example/.pomerium/backchannel_logout",
                       "logout_token=" + logout_token);
  }
  static bool is_in(Browser& browser) { return browser.get("https://app.example/").status == 200; }

  int tokens_ = 0;
};

TEST_F(ProviderLogoutTest, EndsTheSessionThatIsNamed) {
  Browser one = signed_in("alice", "sid-1");
  Browser other = signed_in("alice", "sid-2");
  Browser bob = signed_in("bob", "sid-3");

  const Page page = post(token({{"sid", R"("sid-1")"}, {"sub", R"("alice")"}}));

  EXPECT_EQ(page.status, 200) << page.body;
  EXPECT_EQ(page.head.field("cache-control"), "no-store");
  EXPECT_FALSE(is_in(one));
  EXPECT_TRUE(is_in(other));
  EXPECT_TRUE(is_in(bob));
  EXPECT_TRUE(contains(deployment_.diagnostics(), "provider-logout"));
}

TEST_F(ProviderLogoutTest, EndsASessionByItsNameAlone) {
  Browser one = signed_in("alice", "sid-1");
  Browser other = signed_in("alice", "sid-2");

  EXPECT_EQ(post(token({{"sid", R"("sid-2")"}})).status, 200);

  EXPECT_TRUE(is_in(one));
  EXPECT_FALSE(is_in(other));
}

TEST_F(ProviderLogoutTest, EndsAllSessionsOfAUser) {
  Browser one = signed_in("alice", "sid-1");
  Browser other = signed_in("alice", "sid-2");
  Browser bob = signed_in("bob", "sid-3");

  EXPECT_EQ(post(token({{"sub", R"("alice")"}})).status, 200);

  EXPECT_FALSE(is_in(one));
  EXPECT_FALSE(is_in(other));
  EXPECT_TRUE(is_in(bob));
}

TEST_F(ProviderLogoutTest, ASessionThatIsGoneHasEnded) {
  EXPECT_EQ(post(token({{"sid", R"("never-seen")"}})).status, 200);
}

// Covers CSR-08.
TEST_F(ProviderLogoutTest, RefusesWhatIsNoLogoutTokenForUs) {
  Browser alice = signed_in("alice", "sid-1");
  const std::int64_t now = unix_seconds(world_.clock().wall());
  for (const Members& changes : {
           Members{{"iss", R"("https://evil.example")"}},
           Members{{"iss", ""}},
           Members{{"aud", R"("another")"}},
           Members{{"aud", ""}},
           Members{{"exp", std::to_string(now - 61)}},
           Members{{"exp", ""}},
           Members{{"iat", std::to_string(now + 120)}},
           Members{{"iat", std::to_string(now - 600)}},
           Members{{"iat", ""}},
           Members{{"events", ""}},
           Members{{"events", "{}"}},
           Members{{"events", R"({"http://schemas.openid.net/event/backchannel-logout":"x"})"}},
           Members{{"nonce", R"("n")"}},
           Members{{"jti", ""}},
           Members{{"sub", ""}, {"sid", ""}},
           Members{{"sub", "7"}},
       }) {
    Members all{{"sub", R"("alice")"}, {"sid", R"("sid-1")"}};
    for (const auto& [name, value] : changes) {
      all[name] = value;
    }
    const Page page = post(token(all));

    EXPECT_EQ(page.status, 400) << changes.begin()->first;
    EXPECT_TRUE(contains(page.body, "invalid_request"));
  }
  EXPECT_TRUE(is_in(alice));
}

// Covers CSR-08.
TEST_F(ProviderLogoutTest, RefusesForgedTokens) {
  Browser alice = signed_in("alice", "sid-1");
  std::string bad = token({{"sub", R"("alice")"}});
  bad[bad.size() - 5] = bad[bad.size() - 5] == 'A' ? 'B' : 'A';
  EXPECT_EQ(post(bad).status, 400);
  EXPECT_EQ(post("").status, 400);
  EXPECT_EQ(post("a.b.c").status, 400);
  EXPECT_EQ(post(std::string(40'000, 'a')).status, 400);
  const std::string good = token({{"sub", R"("alice")"}});
  const std::string unsigned_token = "eyJhbGciOiJub25lIn0" + good.substr(good.find('.'));
  EXPECT_EQ(post(unsigned_token).status, 400);
  Browser server(deployment_);
  EXPECT_EQ(
      server.get("https://auth.example/.pomerium/backchannel_logout?logout_token=" + good).status,
      405);
  EXPECT_TRUE(is_in(alice));
}

// Covers CSR-08.
TEST_F(ProviderLogoutTest, ATokenIsUsedOnce) {
  const std::string used = token({{"sub", R"("alice")"}});
  EXPECT_EQ(post(used).status, 200);
  Browser alice = signed_in("alice", "sid-1");

  EXPECT_EQ(post(used).status, 400);

  EXPECT_TRUE(is_in(alice));
}

TEST_F(ProviderLogoutTest, SaysWhenSessionsCouldNotBeEndedAndTakesTheTokenAgain) {
  Browser alice = signed_in("alice", "sid-1");
  const std::string logout = token({{"sub", R"("alice")"}});
  deployment_.store_is_down = true;

  EXPECT_EQ(post(logout).status, 400);

  deployment_.store_is_down = false;
  EXPECT_TRUE(is_in(alice));
  EXPECT_EQ(post(logout).status, 200);
  EXPECT_FALSE(is_in(alice));
  EXPECT_EQ(post(logout).status, 400);
}

// Covers CSR-09.
TEST_F(ProviderLogoutTest, AFrameEndsTheSessionOfItsBrowserAndNoOther) {
  Browser alice = signed_in("alice", "sid-1");
  Browser bob = signed_in("bob", "sid-2");
  const std::string frame =
      "https://auth.example/.pomerium/frontchannel_logout?iss=https%3A%2F%2Fidp.example&sid=";

  EXPECT_EQ(bob.get(frame + "sid-1").status, 200);
  EXPECT_EQ(bob.get("https://auth.example/.pomerium/frontchannel_logout?sid=sid-2").status, 200);
  EXPECT_EQ(bob.get("https://auth.example/.pomerium/frontchannel_logout?"
                    "iss=https%3A%2F%2Fevil.example&sid=sid-2")
                .status,
            200);
  EXPECT_TRUE(is_in(alice));
  EXPECT_TRUE(is_in(bob));

  const Page page = alice.get(frame + "sid-1");
  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(contains(page.head.field("content-security-policy").value_or(""),
                       "frame-ancestors https://idp.example"));
  EXPECT_FALSE(is_in(alice));
  EXPECT_TRUE(is_in(bob));
}

class NoProviderLogoutTest : public ProviderLogoutTest {
 protected:
  NoProviderLogoutTest() : ProviderLogoutTest("") {}
};

TEST_F(NoProviderLogoutTest, NothingIsTakenUnlessConfigured) {
  Browser alice = signed_in("alice", "sid-1");

  EXPECT_EQ(post(token({{"sub", R"("alice")"}})).status, 404);
  EXPECT_EQ(alice
                .get("https://auth.example/.pomerium/frontchannel_logout?"
                     "iss=https%3A%2F%2Fidp.example&sid=sid-1")
                .status,
            404);
  EXPECT_TRUE(is_in(alice));
}

}  // namespace
}  // namespace vallum::testing
