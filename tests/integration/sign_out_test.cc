#include "codec/percent.h"
#include "integration/integration_fixture.h"

namespace vallum::testing {
namespace {

using namespace std::chrono_literals;

class SignOutTest : public IntegrationTest {
 protected:
  SignOutTest() { browser_.visit("https://app.example/", "alice"); }

  // Signs out on the route host, and returns the link to the authenticate host that this gives.
  std::string sign_out(Browser& browser, const std::string& query = "") {
    const Page page =
        browser.post("https://app.example/.pomerium/sign_out" + query,
                     "",
                     "Sec-Fetch-Site: same-origin\r\nOrigin: https://app.example\r\n");
    EXPECT_EQ(page.status, 200);
    const std::size_t at = page.body.find("https://auth.example/.pomerium/sign_out?");
    if (at == std::string::npos) {
      ADD_FAILURE() << "no link onward: " << page.body;
      return {};
    }
    std::string link = page.body.substr(at, page.body.find_first_of("\"<", at) - at);
    for (std::size_t amp = link.find("&amp;"); amp != std::string::npos; amp = link.find("&amp;")) {
      link.replace(amp, 5, "&");
    }
    return link;
  }
};

// Covers CSR-01.
TEST_F(SignOutTest, ALinkOfAnotherSiteAsksFirst) {
  const Page page =
      browser_.get("https://app.example/.pomerium/sign_out", "Sec-Fetch-Site: cross-site\r\n");

  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(contains(page.body, "<form"));
  EXPECT_EQ(browser_.get("https://app.example/").status, 200);
}

// Covers CSR-03, CSR-04.
TEST_F(SignOutTest, AFormOfAnotherSiteSignsNobodyOut) {
  for (const char* from :
       {"Sec-Fetch-Site: cross-site\r\n", "Origin: null\r\n", "Origin: https://evil.example\r\n"}) {
    EXPECT_EQ(browser_.post("https://app.example/.pomerium/sign_out", "", from).status, 400)
        << from;
  }
  EXPECT_EQ(browser_.get("https://app.example/").status, 200);
}

TEST_F(SignOutTest, SigningInAgainAtOnceIsNoLoop) {
  for (int i = 0; i < 3; ++i) {
    browser_.get(sign_out(browser_));
    EXPECT_EQ(browser_.visit("https://app.example/", "alice").status, 200) << i;
  }
}

// Covers SES-23, RED-11, CSR-12.
TEST_F(SignOutTest, EndsTheSessionEverywhereAndTellsTheProvider) {
  browser_.visit("https://admin.example/", "alice");

  const std::string link =
      sign_out(browser_, "?pomerium_redirect_uri=https%3A%2F%2Fevil.example%2F");

  EXPECT_TRUE(browser_.cookie("app.example", "_pomerium").empty());
  EXPECT_FALSE(contains(link, "evil"));
  EXPECT_FALSE(contains(link, "eyJ")) << "no token in clear";
  EXPECT_EQ(deployment_.provider().revoked().size(), 2U) << "refresh and access token";
  EXPECT_EQ(browser_.get("https://admin.example/").status, 302)
      << "the same session on another host";
  const Page away = browser_.get(link);
  EXPECT_EQ(away.status, 302);
  EXPECT_TRUE(away.location().starts_with("https://idp.example/"));
  EXPECT_TRUE(
      contains(away.location(), codec::form_encode("https://auth.example/.pomerium/signed_out")));
  EXPECT_TRUE(contains(away.location(), "id_token_hint=ey"));
  EXPECT_TRUE(browser_.cookie("auth.example", "_pomerium_authenticate").empty());
}

// Covers CSR-01.
TEST_F(SignOutTest, ALinkMadeForSomebodyElseAsksFirst) {
  Browser attacker(deployment_);
  attacker.visit("https://app.example/", "bob");
  const std::string link = sign_out(attacker);

  const Page page = browser_.get(link);

  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(contains(page.body, "<form"));
  EXPECT_FALSE(browser_.cookie("auth.example", "_pomerium_authenticate").empty());
  EXPECT_EQ(browser_.get("https://app.example/").status, 200);
}

TEST_F(SignOutTest, AFormOfTheAuthenticateHostEndsItsOwnSession) {
  const Page page =
      browser_.post("https://auth.example/.pomerium/sign_out",
                    "",
                    "Sec-Fetch-Site: same-origin\r\nOrigin: https://auth.example\r\n");

  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(contains(page.body, "id_token_hint=ey"));
  EXPECT_EQ(deployment_.provider().revoked().size(), 2U);
  EXPECT_TRUE(browser_.cookie("auth.example", "_pomerium_authenticate").empty());
  EXPECT_EQ(browser_.get("https://app.example/").status, 302);
}

TEST_F(SignOutTest, AnEndedSessionStillHasItsWayToTheProvider) {
  sign_out(browser_);
  const Page page =
      browser_.post("https://auth.example/.pomerium/sign_out",
                    "",
                    "Sec-Fetch-Site: same-origin\r\nOrigin: https://auth.example\r\n");

  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(contains(page.body, "https://idp.example/logout"));
}

// Covers SES-05, SES-06.
TEST_F(SignOutTest, ADeletedSessionIsNobodyWithinTheSecond) {
  session::HandleCodec codec(deployment_.shared_key());
  const auto handle = codec.verify(browser_.cookie("app.example", "_pomerium"));
  ASSERT_TRUE(handle.has_value());

  deployment_.delete_session(handle->session_id);
  world_.advance(1s);

  EXPECT_EQ(browser_.get("https://app.example/").status, 302);
}

// Covers SES-07.
TEST_F(SignOutTest, ASessionEndsAtItsLifetime) {
  world_.advance(14h + 1s);
  EXPECT_EQ(browser_.get("https://app.example/").status, 302);
}

// Covers SES-24.
TEST_F(SignOutTest, SigningInMakesANewSession) {
  const std::string before = browser_.cookie("app.example", "_pomerium");
  browser_.forget_cookies("auth.example");
  browser_.forget_cookies("app.example");

  browser_.visit("https://app.example/", "bob");

  session::HandleCodec codec(deployment_.shared_key());
  const auto old_handle = codec.verify(before);
  const auto new_handle = codec.verify(browser_.cookie("app.example", "_pomerium"));
  ASSERT_TRUE(old_handle && new_handle);
  EXPECT_NE(old_handle->session_id, new_handle->session_id);
}

// Covers SES-10, SES-11.
TEST_F(SignOutTest, APlantedCookieDoesNotHideTheRealOneAndTwoRealOnesAreRefused) {
  const std::string good = browser_.cookie("app.example", "_pomerium");
  Browser other(deployment_);
  other.visit("https://app.example/", "bob");
  const std::string second = other.cookie("app.example", "_pomerium");
  const auto status = [&](const std::string& cookies) {
    return browser_.send("GET / HTTP/1.1\r\nHost: app.example\r\nCookie: " + cookies + "\r\n\r\n")
        .status;
  };
  EXPECT_EQ(status("_pomerium=garbage; _pomerium=" + good), 200);
  EXPECT_EQ(status("_pomerium=" + good + "; _pomerium=garbage"), 200);
  EXPECT_EQ(status("_pomerium=" + good + "; _pomerium=" + second), 400);
}

// Covers SES-14, SES-15, SES-17.
TEST_F(SignOutTest, HeadersCarryTheHandleInTheDocumentedFormsOnly) {
  const std::string good = browser_.cookie("app.example", "_pomerium");
  const auto status = [&](const std::string& fields) {
    return browser_
        .send("GET / HTTP/1.1\r\nHost: app.example\r\nAccept: application/json\r\n" + fields +
              "\r\n")
        .status;
  };
  EXPECT_EQ(status("X-Pomerium-Authorization: " + good + "\r\n"), 200);
  EXPECT_EQ(status("Authorization: Pomerium " + good + "\r\n"), 200);
  EXPECT_EQ(status("Authorization: Bearer Pomerium-" + good + "\r\n"), 200);
  EXPECT_EQ(status("Cookie: _pomerium=bad\r\nX-Pomerium-Authorization: " + good + "\r\n"), 200);
  EXPECT_EQ(status("Authorization: bearer pomerium-" + good + "\r\n"), 401);
  EXPECT_EQ(
      status("Authorization: Pomerium " + good + "\r\nAuthorization: Pomerium " + good + "\r\n"),
      400);
}

TEST_F(SignOutTest, TheUsersPageAndItsJsonSayWhoIsSignedInAndNoToken) {
  EXPECT_TRUE(contains(browser_.get("https://app.example/.pomerium/").body, "alice@example.com"));
  const Page json = browser_.get("https://app.example/.pomerium/user");
  EXPECT_EQ(json.status, 200);
  EXPECT_TRUE(contains(json.body, R"("email":"alice@example.com")"));
  for (const char* gone : {"\"iss\"", "\"aud\"", "\"exp\"", "\"jti\"", "token"}) {
    EXPECT_FALSE(contains(json.body, gone)) << gone;
  }
  Browser stranger(deployment_);
  EXPECT_EQ(stranger.get("https://app.example/.pomerium/user").status, 302);
}

// Covers CSR-05, CSR-07.
TEST_F(SignOutTest, PagesCannotBeFramedOrReadByOtherSites) {
  for (const char* url : {"https://app.example/.pomerium/",
                          "https://app.example/.pomerium/sign_out",
                          "https://other.example/"}) {
    const Page page = browser_.get(url, "Origin: https://evil.example\r\n");
    EXPECT_TRUE(
        contains(page.head.field("content-security-policy").value_or(""), "frame-ancestors 'none'"))
        << url;
    EXPECT_FALSE(page.head.field("access-control-allow-origin").has_value()) << url;
  }
}

class ProgrammaticLoginTest : public IntegrationTest {
 protected:
  Page ask(const std::string& target) {
    return browser_.get("https://app.example/.pomerium/api/v1/login?pomerium_redirect_uri=" +
                        codec::form_encode(target));
  }
};

TEST_F(ProgrammaticLoginTest, GivesAProgramOnThisMachineItsToken) {
  const Page page = ask("http://127.0.0.1:9999/cb?x=1");
  ASSERT_EQ(page.status, 200);
  ASSERT_TRUE(page.body.starts_with("https://auth.example/.pomerium/sign_in?"));
  std::string next = page.body;
  for (int i = 0; i < 10 && !next.starts_with("http://127.0.0.1"); ++i) {
    if (next.starts_with("https://idp.example/")) {
      next = callback_url(deployment_.provider().sign_in(next, "alice"));
    }
    next = browser_.get(next).location();
  }
  ASSERT_TRUE(next.starts_with("http://127.0.0.1:9999/cb?x=1&pomerium_jwt=")) << next;
  const std::string token = next.substr(next.find("pomerium_jwt=") + 13);
  EXPECT_EQ(browser_
                .send("GET / HTTP/1.1\r\nHost: app.example\r\nAuthorization: Pomerium " + token +
                      "\r\n\r\n")
                .status,
            200);
}

// Covers RED-01, RED-02, RED-03, RED-04, RED-05, RED-06, RED-07, RED-13.
TEST_F(ProgrammaticLoginTest, NobodyElseGetsOne) {
  for (const char* target : {"https://evil.t/",
                             "http://localhost@evil.t/",
                             "http://localhost:1@evil.t",
                             "http://evil.t#localhost",
                             "http://evil.t\\@localhost/",
                             "http://localhost.evil.t/",
                             "http://evil-localhost/",
                             "http://xlocalhost/",
                             "//evil.t",
                             "/\\evil.t",
                             "/\t/evil.t",
                             "/./../\\evil.t",
                             "https:evil.t",
                             "https:/evil.t",
                             "https:///evil.t",
                             "javascript:alert(1)",
                             "data:text/html,x",
                             "file:///etc/passwd",
                             "vbscript:x",
                             "ftp://localhost/",
                             "http://127.1/",
                             "http://0x7f000001/",
                             "http://[::ffff:127.0.0.1]/",
                             "http://\xef\xbd\x8cocalhost/",
                             "http://localhost/%0d%0aSet-Cookie:x"}) {
    EXPECT_EQ(ask(target).status, 400) << target;
  }
  EXPECT_EQ(ask("http://[::1]:80/").status, 200);
}

// Covers RED-09, RED-10.
TEST_F(ProgrammaticLoginTest, WantsGetAndATarget) {
  EXPECT_EQ(browser_.get("https://app.example/.pomerium/api/v1/login").status, 404);
  EXPECT_EQ(browser_
                .post("https://app.example/.pomerium/api/v1/"
                      "login?pomerium_redirect_uri=http%3A%2F%2Flocalhost%2F",
                      "")
                .status,
            405);
}

}  // namespace
}  // namespace vallum::testing
