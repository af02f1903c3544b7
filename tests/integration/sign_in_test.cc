#include "integration/integration_fixture.h"

namespace vallum::testing {
namespace {

using namespace std::chrono_literals;

using SignInTest = IntegrationTest;

TEST_F(SignInTest, AStrangerBecomesAnAuthorizedRequestAtTheApplication) {
  const Page page = browser_.visit("https://app.example/reports?q=1", "alice");

  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body, "hello");
  ASSERT_EQ(application().requests_seen(), 1U);
  EXPECT_TRUE(last_head().starts_with("GET /reports?q=1 HTTP/1.1\r\n"));
  EXPECT_TRUE(contains(last_head(), "X-Pomerium-Jwt-Assertion: ey"));
  EXPECT_TRUE(contains(last_head(), "x-pomerium-claim-email: alice@example.com\r\n"));
  EXPECT_TRUE(contains(last_head(), "x-pomerium-claim-groups: engineering,admins\r\n"));
}

// Covers SES-19, ADM-02.
TEST_F(SignInTest, NothingOfOursReachesTheApplicationOrALog) {
  browser_.visit("https://app.example/", "alice");
  const std::string handle = browser_.cookie("app.example", "_pomerium");
  ASSERT_FALSE(handle.empty());
  browser_.get("https://app.example/?pomerium_session=" + handle + "&keep=1",
               "X-Pomerium-Authorization: " + handle + "\r\nAuthorization: Bearer Pomerium-" +
                   handle + "\r\n");

  EXPECT_EQ(application().requests_seen(), 2U);
  EXPECT_FALSE(contains(application().received(), handle));
  EXPECT_FALSE(contains(application().received(), "_pomerium"));
  EXPECT_TRUE(contains(last_head(), "GET /?keep=1 HTTP/1.1"));
  const std::string logs = deployment_.records() + deployment_.diagnostics();
  EXPECT_FALSE(contains(logs, handle));
  EXPECT_FALSE(contains(logs, browser_.cookie("auth.example", "_pomerium_authenticate")));
  EXPECT_FALSE(contains(logs, browser_.cookie("auth.example", "_pomerium_csrf")));
  EXPECT_FALSE(contains(logs, "provider secret"));
}

TEST_F(SignInTest, EveryFollowingRequestIsDecidedWithoutAskingAnybody) {
  browser_.visit("https://app.example/", "alice");
  const std::size_t calls = deployment_.web().origin("https://idp.example").requests.size();

  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(browser_.get("https://app.example/").status, 200);
  }

  EXPECT_EQ(deployment_.web().origin("https://idp.example").requests.size(), calls);
  EXPECT_EQ(application().requests_seen(), 6U);
}

TEST_F(SignInTest, SignedInButDeniedIs403AndNeverARedirect) {
  const Page page = browser_.visit("https://admin.example/", "bob");

  EXPECT_EQ(page.status, 403);
  EXPECT_TRUE(contains(page.body, "bob@example.com"));
  EXPECT_EQ(application().requests_seen(), 0U);
  EXPECT_EQ(browser_.visit("https://admin.example/", "bob").status, 403);
  EXPECT_TRUE(browser_.trail().empty());
}

TEST_F(SignInTest, OneSignInServesTheOtherRoutesWithoutAskingThePersonAgain) {
  browser_.visit("https://app.example/", "alice");

  const Page page = browser_.visit("https://admin.example/", "alice");

  EXPECT_EQ(page.status, 200);
  for (const std::string& hop : browser_.trail()) {
    EXPECT_FALSE(contains(hop, "oauth2/callback")) << hop;
  }
}

TEST_F(SignInTest, GroupsOfTheClaimDecideAboutTheGroupsCriterion) {
  EXPECT_EQ(browser_.visit("https://admin.example/", "alice").status, 200);
  Browser other(deployment_);
  EXPECT_EQ(other.visit("https://admin.example/", "carol").status, 403);
}

// Covers SES-21.
TEST_F(SignInTest, CookiesHaveExactlyTheAttributesTheyNeed) {
  const Page asked = browser_.get("https://app.example/");
  browser_.get(asked.location());
  ASSERT_EQ(browser_.set_cookies().size(), 1U);
  const std::string csrf = browser_.set_cookies().front();
  EXPECT_TRUE(csrf.starts_with("_pomerium_csrf="));
  for (const char* part :
       {"; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax", "; Max-Age=43200"}) {
    EXPECT_TRUE(contains(csrf, part)) << csrf;
  }
  EXPECT_FALSE(contains(csrf, "Domain"));

  Browser fresh(deployment_);
  fresh.visit("https://app.example/", "alice");
  Page page = fresh.get("https://app.example/");
  EXPECT_TRUE(fresh.set_cookies().empty());
}

TEST_F(SignInTest, PkceAndNonceAreAlwaysSent) {
  const Page asked = browser_.get("https://app.example/");
  const Page sent = browser_.get(asked.location());

  for (const char* part :
       {"code_challenge=", "code_challenge_method=S256", "nonce=", "response_type=code"}) {
    EXPECT_TRUE(contains(sent.location(), part)) << part;
  }
}

// Covers SIG-01, SIG-02, SIG-07, OID-27.
TEST_F(SignInTest, TheSignInLinkIsBelievedOnlyWithItsSignature) {
  const std::string link = browser_.get("https://app.example/").location();
  std::string changed = link;
  const std::size_t at = changed.find("app.example");
  changed.replace(at, 3, "aqp");
  for (const std::string& bad : {changed,
                                 link.substr(0, link.find("pomerium_signature")),
                                 link + "&x=1",
                                 std::string("https://auth.example/.pomerium/sign_in")}) {
    const Page page = browser_.get(bad);
    EXPECT_EQ(page.status, 400) << bad;
    EXPECT_TRUE(page.location().empty());
    EXPECT_TRUE(browser_.set_cookies().empty());
  }
  const Page posted = browser_.post(link, "pomerium_redirect_uri=https%3A%2F%2Fevil.example%2F");
  EXPECT_EQ(posted.status, 405);
}

// Covers OID-01, OID-02, OID-05, OID-16.
TEST_F(SignInTest, ACallbackCountsOnceAndOnlyInTheBrowserThatBeganIt) {
  const std::string to_idp =
      browser_.get(browser_.get("https://app.example/").location()).location();
  const FakeProvider::Redirect back = deployment_.provider().sign_in(to_idp, "alice");
  const std::string callback = callback_url(back);
  Browser victim(deployment_);
  const Page lost = victim.get(callback);
  EXPECT_EQ(lost.status, 400) << "without a cookie";
  EXPECT_TRUE(contains(lost.body, "href=\"https://app.example/\"")) << "a way to begin again";
  victim.get(victim.get("https://app.example/").location());
  ASSERT_FALSE(victim.cookie("auth.example", "_pomerium_csrf").empty());
  EXPECT_EQ(victim.get(callback).status, 400) << "with another browser's cookie";
  EXPECT_EQ(deployment_.provider().calls("/token"), 0) << "the code was not redeemed";

  EXPECT_EQ(browser_.get(callback).status, 302);
  EXPECT_EQ(browser_.get(callback).status, 400) << "a second time";
  EXPECT_EQ(deployment_.provider().calls("/token"), 1);
}

// Covers OID-04.
TEST_F(SignInTest, AnExpiredAttemptBeginsAgainWhereThePersonWantedToGo) {
  const std::string to_idp =
      browser_.get(browser_.get("https://app.example/deep?x=1").location()).location();
  const FakeProvider::Redirect back = deployment_.provider().sign_in(to_idp, "alice");

  world_.advance(31min);
  const Page page = browser_.get(callback_url(back));

  EXPECT_EQ(page.status, 400);
  EXPECT_TRUE(contains(page.head.field("refresh").value_or(""), "https://app.example/deep?x=1"));
  EXPECT_EQ(deployment_.provider().calls("/token"), 0);
}

// Several tabs of one browser may each have begun an attempt of their own; but a `state` that turns
// up in somebody's records is not to tell for ever where its person went.
TEST_F(SignInTest, ToWhoeverDidNotBeginItAnAttemptTellsItsPageForFiveMinutes) {
  const std::string to_idp =
      browser_.get(browser_.get("https://app.example/deep?x=1").location()).location();
  const FakeProvider::Redirect back = deployment_.provider().sign_in(to_idp, "alice");
  Browser other(deployment_);

  EXPECT_TRUE(contains(other.get(callback_url(back)).body, "https://app.example/deep?x=1"));
  world_.advance(6min);
  const Page later = other.get(callback_url(back));

  EXPECT_EQ(later.status, 400);
  EXPECT_FALSE(contains(later.body, "deep"));
  EXPECT_TRUE(contains(later.body, "href=\"https://app.example/\"")) << "a way to begin again";
}

// Covers OID-06, OID-07.
TEST_F(SignInTest, TheProvidersRefusalIsShownEscaped) {
  const std::string to_idp =
      browser_.get(browser_.get("https://app.example/").location()).location();
  const FakeProvider::Redirect back = deployment_.provider().sign_in(to_idp, "alice");
  const std::string base = "https://auth.example/oauth2/callback?state=" + back.state;

  const Page refused = browser_.get(
      base + "&error=access_denied&error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E");
  EXPECT_EQ(refused.status, 401);
  EXPECT_FALSE(contains(refused.body, "<script>"));
  EXPECT_EQ(browser_.get(base).status, 400) << "no code";
  EXPECT_EQ(browser_.get(base + "&code=").status, 400);
  EXPECT_EQ(browser_.get(base + "&code=" + std::string(20000, 'a')).status, 400);
  Browser stranger(deployment_);
  const Page unasked = stranger.get(
      "https://auth.example/oauth2/callback?error=access_denied&error_description=phish");
  EXPECT_EQ(unasked.status, 401);
  EXPECT_FALSE(contains(unasked.body, "phish"));
}

// Covers OID-15.
TEST_F(SignInTest, ClaimsOfTheProviderDoNotReachTheHandle) {
  deployment_.provider().id_token = {
      {"jti", "\"stolen\""}, {"databroker_record_version", "999"}, {"idp_id", "\"other\""}};

  EXPECT_EQ(browser_.visit("https://app.example/", "alice").status, 200);

  session::HandleCodec codec(deployment_.shared_key());
  const auto handle = codec.verify(browser_.cookie("app.example", "_pomerium"));
  ASSERT_TRUE(handle.has_value());
  EXPECT_NE(handle->session_id, "stolen");
  EXPECT_NE(handle->idp_id, "other");
  EXPECT_NE(handle->record_version, 999U);
}

// Covers OID-13, OID-14, OID-17.
TEST_F(SignInTest, ATokenThatProvesNothingSignsNobodyIn) {
  deployment_.provider().id_token = {{"nonce", "\"another\""}};
  const Page nonce = browser_.visit("https://app.example/", "alice");
  EXPECT_GE(nonce.status, 400);
  deployment_.provider().id_token = {};
  deployment_.provider().userinfo = {{"sub", "\"bob\""}};
  EXPECT_GE(browser_.visit("https://app.example/", "alice").status, 400);
  EXPECT_TRUE(browser_.cookie("app.example", "_pomerium").empty());
  EXPECT_EQ(application().requests_seen(), 0U);
}

// Covers SIG-17.
TEST_F(SignInTest, ACallbackOfARouteHostWorksOnce) {
  browser_.visit("https://app.example/", "alice");
  std::string callback;
  for (const std::string& hop : browser_.trail()) {
    if (contains(hop, "/.pomerium/callback/")) {
      callback = hop;
    }
  }
  ASSERT_FALSE(callback.empty());
  Browser thief(deployment_);
  EXPECT_EQ(thief.get(callback).status, 400);
  EXPECT_TRUE(thief.cookie("app.example", "_pomerium").empty());
}

// Covers SIG-14, SES-09.
TEST_F(SignInTest, ASessionIsForTheHostsItWasMadeFor) {
  browser_.visit("https://app.example/", "alice");
  const std::string handle = browser_.cookie("app.example", "_pomerium");
  Browser elsewhere(deployment_);
  elsewhere.set_cookie("admin.example", "_pomerium", handle);

  const Page page = elsewhere.get("https://admin.example/");

  EXPECT_EQ(page.status, 302);
  EXPECT_EQ(application().requests_seen(), 1U);
}

TEST_F(SignInTest, AProviderThatIsDownStopsNobodyWhoIsSignedIn) {
  browser_.visit("https://app.example/", "alice");
  deployment_.web().origin("https://idp.example").fault = Error(ErrorKind::Unavailable, "refused");
  world_.advance(90min);

  EXPECT_EQ(browser_.get("https://app.example/").status, 200);
  Browser other(deployment_);
  const Page page = other.visit("https://app.example/", "bob");
  EXPECT_GE(page.status, 302);
}

TEST_F(SignInTest, ProgramsGetAStatusAndAPlaceToSignIn) {
  const Page page = browser_.send(
      "GET /api HTTP/1.1\r\nHost: app.example\r\nAccept: application/json\r\n"
      "Sec-Fetch-Mode: cors\r\n\r\n");
  EXPECT_EQ(page.status, 401);
  EXPECT_TRUE(contains(page.body, "\"login_url\""));
  const Page image = browser_.send(
      "GET /i.png HTTP/1.1\r\nHost: app.example\r\nAccept: */*\r\nSec-Fetch-Mode: no-cors\r\n\r\n");
  EXPECT_EQ(image.status, 401);
  EXPECT_TRUE(contains(image.body, "\"login_url\""));
  const Page script = browser_.send(
      "GET /api HTTP/1.1\r\nHost: app.example\r\nAccept: text/html, */*\r\n"
      "Sec-Fetch-Mode: same-origin\r\n\r\n");
  EXPECT_EQ(script.status, 401);
  EXPECT_TRUE(contains(script.body, "\"login_url\""));
}

TEST_F(SignInTest, AThirdLoginInAMomentIsStoppedByAPageThatNamesTheCause) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(browser_.visit("https://app.example/", "alice").status, 200);
    const std::string attempts = browser_.cookie("app.example", "_pomerium_login");
    browser_.forget_cookies("app.example");
    browser_.set_cookie("app.example", "_pomerium_login", attempts);
  }

  const Page page = browser_.get("https://app.example/");

  EXPECT_TRUE(page.location().empty());
  EXPECT_TRUE(contains(page.body, "cookie"));
  world_.advance(31s);
  EXPECT_EQ(browser_.visit("https://app.example/", "alice").status, 200);
}

TEST_F(SignInTest, TabsThatSignInTogetherShareOneCookie) {
  const std::string one = browser_.get("https://app.example/1").location();
  const std::string two = browser_.get("https://app.example/2").location();
  const std::string idp_one = browser_.get(one).location();
  const std::string idp_two = browser_.get(two).location();

  for (const std::string& url : {idp_one, idp_two}) {
    const FakeProvider::Redirect back = deployment_.provider().sign_in(url, "alice");
    EXPECT_EQ(browser_.get(callback_url(back)).status, 302);
  }
  EXPECT_EQ(browser_.cookie_header("auth.example").find("_csrf"),
            browser_.cookie_header("auth.example").rfind("_csrf"));
}

// Covers RED-14.
TEST_F(SignInTest, AnOriginalUrlThatIsTooLongLeadsToTheRoot) {
  const Page page = browser_.get("https://app.example/" + std::string(4000, 'a'));
  EXPECT_EQ(page.status, 302);
  EXPECT_TRUE(contains(page.location(), "pomerium_redirect_uri=https%3A%2F%2Fapp.example%2F&"));
  EXPECT_EQ(browser_.get("https://app.example/" + std::string(60000, 'a')).status, 414);
}

}  // namespace
}  // namespace vallum::testing
