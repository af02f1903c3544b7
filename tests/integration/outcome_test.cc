// What a request that is not forwarded gets, and in which form (policy specification 3.4 to 3.7).
#include "integration/integration_fixture.h"

namespace vallum::testing {
namespace {

class OutcomeTest : public IntegrationTest {
 protected:
  OutcomeTest()
      : IntegrationTest({.more_options = {}, .more_routes = R"(
  - from: https://cors.example
    to: http://10.0.0.1:8080
    cors_allow_preflight: true
  - from: https://read.example
    to: http://10.0.0.1:8080
    set_response_headers: {X-Of-Route: "yes"}
    policy:
      - allow:
          and:
            - http_method:
                is: GET
)"}) {}

  // An answer to a request of somebody unknown.
  Page ask(const std::string& line, const std::string& host, const std::string& fields) {
    return browser_.send(line + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n");
  }
};

TEST_F(OutcomeTest, AnOwnEndpointIsDecidedAboutAndOnRecord) {
  EXPECT_EQ(browser_.get("https://app.example/ping").status, 200);

  const std::string records = deployment_.records();
  EXPECT_TRUE(contains(records, "\"message\":\"authorize check\"")) << records;
  EXPECT_TRUE(contains(records, R"("allow":true,"allow-why-true":["pomerium-route"])"));
  EXPECT_FALSE(contains(records, "route-checksum"));
}

TEST_F(OutcomeTest, AnOwnEndpointAboutASessionLeadsAStrangerToSignIn) {
  const Page page = browser_.get("https://app.example/.pomerium/user");
  EXPECT_EQ(page.status, 302);
  EXPECT_TRUE(page.location().starts_with("https://auth.example/.pomerium/sign_in?"));
  EXPECT_TRUE(contains(deployment_.records(),
                       R"("allow":false,"allow-why-false":["user-unauthenticated"])"));

  const Page json = ask("GET /.pomerium/user", "app.example", "Accept: application/json\r\n");
  EXPECT_EQ(json.status, 401);
  EXPECT_TRUE(contains(json.body, "\"login_url\""));

  // There is no session to be had on the host where people sign in.
  EXPECT_EQ(browser_.get("https://auth.example/.pomerium/user").status, 401);
}

TEST_F(OutcomeTest, SigningInLeadsBackToTheOwnEndpoint) {
  const Page page = browser_.visit("https://app.example/.pomerium/user", "alice");

  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(contains(page.body, R"("email":"alice@example.com")"));
}

// Covers HDR-24.
TEST_F(OutcomeTest, AGrpcCallWithoutASessionGetsAStatusAndNoPage) {
  const Page call = ask("POST /pkg.Service/Method",
                        "app.example",
                        "Content-Type: application/grpc+proto\r\nContent-Length: 0\r\n");
  EXPECT_EQ(call.status, 200);
  EXPECT_EQ(call.head.field("content-type"), "application/grpc");
  EXPECT_EQ(call.head.field("grpc-status"), "16");
  EXPECT_EQ(call.head.field("grpc-message"), "Unauthenticated");
  EXPECT_EQ(call.body, "");

  const Page web = ask("POST /pkg.Service/Method",
                       "app.example",
                       "Content-Type: application/grpc-web-text\r\nContent-Length: 0\r\n");
  EXPECT_EQ(web.status, 401);
  EXPECT_EQ(web.head.field("grpc-status"), "16");
  EXPECT_EQ(application().requests_seen(), 0U);
}

TEST_F(OutcomeTest, KubectlGetsAStatusObjectAndNoRedirect) {
  const Page page =
      ask("GET /api", "app.example", "User-Agent: kubectl/v1.30 (linux/amd64) kubernetes/1\r\n");

  EXPECT_EQ(page.status, 401);
  EXPECT_EQ(page.head.field("content-type"), "application/json");
  EXPECT_TRUE(contains(page.body, R"("kind":"Status","status":"Failure")"));
  EXPECT_TRUE(contains(page.body, R"("reason":"Unauthorized","code":401)"));
}

TEST_F(OutcomeTest, CrawlersAreKeptOutOfAProtectedRoute) {
  const Page page = browser_.get("https://app.example/robots.txt");

  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body, "User-agent: *\nDisallow: /");
}

TEST_F(OutcomeTest, OnlyAPageSaysThatTheAnswerIsOurs) {
  const std::string mark = "x-pomerium-intercepted-response";
  browser_.visit("https://app.example/", "bob");

  EXPECT_EQ(browser_.visit("https://admin.example/", "bob").head.field(mark), "true");
  const Page json = ask("GET /",
                        "admin.example",
                        browser_.cookie_header("admin.example") + "Accept: application/json\r\n");
  EXPECT_EQ(json.status, 403);
  EXPECT_FALSE(json.head.field(mark));
}

TEST_F(OutcomeTest, APresentedTokenSuppressesTheRedirectEvenWhenItIsNoGood) {
  EXPECT_EQ(browser_.get("https://app.example/").status, 302);
  for (const char* token : {"X-Pomerium-Authorization: x\r\n",
                            "Authorization: Pomerium x\r\n",
                            "Authorization: Bearer Pomerium-x\r\n"}) {
    EXPECT_EQ(browser_.get("https://app.example/", token).status, 401) << token;
  }
  EXPECT_EQ(browser_.get("https://app.example/?pomerium_session=x").status, 401);
}

// Covers HDR-28.
TEST_F(OutcomeTest, OnlyATruePreflightPassesWithoutASession) {
  const std::string preflight =
      "Origin: https://page.example\r\nAccess-Control-Request-Method: DELETE\r\n";
  EXPECT_EQ(ask("OPTIONS /a", "cors.example", preflight).status, 200);
  const std::size_t seen = application().requests_seen();
  EXPECT_EQ(seen, 1U);

  EXPECT_NE(ask("OPTIONS /a", "cors.example", "Origin: https://page.example\r\n").status, 200);
  EXPECT_NE(ask("OPTIONS /a", "cors.example", "Access-Control-Request-Method: GET\r\n").status,
            200);
  EXPECT_NE(ask("GET /a", "cors.example", preflight).status, 200);
  EXPECT_NE(
      ask("DELETE /a", "cors.example", preflight + "X-HTTP-Method-Override: OPTIONS\r\n").status,
      200);
  EXPECT_EQ(application().requests_seen(), seen);
}

TEST_F(OutcomeTest, MoreCredentialsThanAnybodySendsAreNotReadInPart) {
  for (const std::string name :
       {"Cookie: a=", "X-Pomerium-Authorization: ", "Authorization: Basic "}) {
    std::string fields = "Accept: application/json\r\n";
    for (int i = 0; i < 40; ++i) {
      fields.append(name).append(std::to_string(i)).append("\r\n");
    }
    EXPECT_EQ(ask("GET /", "app.example", fields).status, 400) << name;
  }
  EXPECT_EQ(application().requests_seen(), 0U);
}

// Covers HDR-14.
TEST_F(OutcomeTest, PolicyLooksAtTheRealMethodOnly) {
  EXPECT_EQ(ask("GET /", "read.example", "X-HTTP-Method-Override: DELETE\r\n").status, 200);
  const Page refused = ask("DELETE /", "read.example", "X-HTTP-Method-Override: GET\r\n");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.head.field("x-of-route"), "yes");
  EXPECT_EQ(application().requests_seen(), 1U);
}

}  // namespace
}  // namespace vallum::testing
