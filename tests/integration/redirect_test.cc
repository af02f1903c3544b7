#include "authenticate/parameters.h"
#include "authenticate/signed_url.h"
#include "integration/integration_fixture.h"

namespace vallum::testing {
namespace {

class RedirectTest : public IntegrationTest {
 protected:
  // A sign-in link that the deployment itself would have made, with more parameters.
  std::string sign_in_link(const std::string& name, const std::string& value) {
    const std::string link = browser_.get("https://app.example/").location();
    codec::Query query = *codec::Query::parse(link.substr(link.find('?') + 1));
    query.set(name, value);
    authenticate::UrlSigner signer(deployment_.shared_key());
    return signer.sign("https://auth.example/.pomerium/sign_in", query, world_.clock().wall());
  }
  // Walks from a sign-in link to where the browser ends.
  std::vector<std::string> walk(std::string next) {
    std::vector<std::string> hops;
    for (int i = 0; i < 12 && !next.empty(); ++i) {
      if (next.starts_with("https://idp.example/")) {
        next = callback_url(deployment_.provider().sign_in(next, "alice"));
      }
      hops.push_back(next);
      last_ = browser_.get(next);
      next = last_.location();
    }
    return hops;
  }

  Page last_;
};

// Covers RED-16.
TEST_F(RedirectTest, ASessionGoesToFurtherHostsOnlyWhenTheyAreRoutes) {
  walk(sign_in_link("pomerium_additional_hosts", "admin.example,evil.t"));

  EXPECT_EQ(last_.status, 200);
  EXPECT_FALSE(browser_.cookie("app.example", "_pomerium").empty());
  EXPECT_FALSE(browser_.cookie("admin.example", "_pomerium").empty());
  EXPECT_TRUE(browser_.cookie("evil.t", "_pomerium").empty());
}

// Covers RED-17.
TEST_F(RedirectTest, FurtherHostsMayBeEmptyAndAreFew) {
  EXPECT_EQ(walk(sign_in_link("pomerium_additional_hosts", ",,")).back(), "https://app.example/");
  std::string many = "admin.example";
  for (int i = 0; i < 1000; ++i) {
    many += ",h" + std::to_string(i) + ".t";
  }
  walk(sign_in_link("pomerium_additional_hosts", many));
  EXPECT_GE(last_.status, 400);
}

// Covers RED-15.
TEST_F(RedirectTest, ACallbackOfSomebodyElseIsRefused) {
  const std::string link = browser_.get("https://app.example/").location();
  EXPECT_EQ(
      browser_.get(link + "&pomerium_callback_uri=https%3A%2F%2Fevil%2F.pomerium%2Fcallback%2F")
          .status,
      400);
  walk(sign_in_link("pomerium_callback_uri", "https://evil.t/.pomerium/callback/"));
  EXPECT_EQ(last_.status, 400);
  walk(sign_in_link("pomerium_callback_uri", "https://admin.example/steal"));
  EXPECT_EQ(last_.status, 400);
}

// Covers RED-12, CSR-11.
TEST_F(RedirectTest, NothingFollowsTheReferer) {
  const Page denied = browser_.visit("https://admin.example/", "bob");
  ASSERT_EQ(denied.status, 403);
  const Page again = browser_.get("https://admin.example/", "Referer: https://evil.t/x\r\n");
  EXPECT_FALSE(contains(again.body + again.head.fields, "evil.t"));
  const Page out = browser_.post("https://admin.example/.pomerium/sign_out",
                                 "",
                                 "Sec-Fetch-Site: same-origin\r\nReferer: https://evil.t/x\r\n");
  EXPECT_FALSE(contains(out.body + out.head.fields, "evil.t"));
}

// Covers SIG-15, SIG-16.
TEST_F(RedirectTest, TheHostOfALinkIsTheOneThatWasAskedForAndNoOther) {
  const std::string link = browser_.get("https://app.example/").location();
  const std::string target = split_url(link).target;
  const auto status = [&](const std::string& host, const std::string& more = "") {
    return browser_.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n")
        .status;
  };
  EXPECT_EQ(status("AUTH.example"), 302);
  EXPECT_EQ(status("auth.example."), 302);
  EXPECT_EQ(status("auth.example:443"), 302);
  EXPECT_GE(status("auth.example:8443"), 400);
  EXPECT_GE(status("app.example", "X-Forwarded-Host: auth.example\r\n"), 400);
}

// Covers SES-04.
TEST_F(RedirectTest, AnAssertionIsNoCredential) {
  browser_.visit("https://app.example/", "alice");
  const std::string head = last_head();
  const std::size_t at = head.find("X-Pomerium-Jwt-Assertion: ") + 26;
  const std::string assertion = head.substr(at, head.find("\r\n", at) - at);
  ASSERT_TRUE(assertion.starts_with("ey"));
  Browser thief(deployment_);
  thief.set_cookie("app.example", "_pomerium", assertion);
  EXPECT_EQ(thief.get("https://app.example/").status, 302);
  EXPECT_EQ(thief
                .send("GET / HTTP/1.1\r\nHost: app.example\r\nAuthorization: Pomerium " +
                      assertion + "\r\n\r\n")
                .status,
            401);
}

// Covers CSR-06.
TEST_F(RedirectTest, ASignedLinkOpensNoPageToOtherOrigins) {
  const std::string link = browser_.get("https://app.example/").location();
  const Page page = browser_.get(link, "Origin: https://evil.t\r\n");
  EXPECT_FALSE(page.head.field("access-control-allow-origin").has_value());
  EXPECT_FALSE(page.head.field("access-control-allow-credentials").has_value());
}

}  // namespace
}  // namespace vallum::testing
