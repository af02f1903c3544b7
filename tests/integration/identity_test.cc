// What an application is told of who asks (policy specification 5), over a whole sign-in.
#include "codec/base64.h"
#include "integration/integration_fixture.h"

namespace vallum::testing {
namespace {

class IdentityTest : public IntegrationTest {
 protected:
  explicit IdentityTest(const std::string& more_options = "jwt_groups_filter: [engineering]\n")
      : IntegrationTest({.more_options = more_options, .more_routes = R"(
  - from: https://tokens.example
    to: http://10.0.0.1:8080
    pass_identity_headers: false
    set_request_headers:
      Authorization: Bearer ${pomerium.access_token}
      X-Id: ${pomerium.id_token}
      X-Jwt: ${pomerium.jwt}
    allow_any_authenticated_user: true
  - from: https://kube.example
    to: http://10.0.0.1:8080
    kubernetes_service_account_token: service-token
    jwt_groups_filter: [admins]
    allow_any_authenticated_user: true
  - from: https://open-kube.example
    to: http://10.0.0.1:8080
    kubernetes_service_account_token: service-token
    allow_public_unauthenticated_access: true
  - from: https://hashed.example
    to: http://10.0.0.1:8080
    load_balancing_policy: ring_hash
    allow_any_authenticated_user: true
)"}) {}

  // Of the last request, "" without one.
  std::string header(const std::string& name) {
    const std::string head = last_head();
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) {
      return "";
    }
    const std::size_t begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
  static std::string payload_of(const std::string& token) {
    const std::size_t first = token.find('.');
    const std::size_t second = token.rfind('.');
    const auto bytes =
        codec::decode_base64(token.substr(first + 1, second - first - 1), codec::Base64::UrlRaw);
    return bytes ? std::string(as_text(*bytes)) : "";
  }
};

TEST_F(IdentityTest, HeadersThatAreSetCarryTheTokensOfTheSession) {
  browser_.visit("https://tokens.example/", "alice");

  EXPECT_GT(header("Authorization").size(), std::string("Bearer ").size()) << last_head();
  EXPECT_TRUE(contains(payload_of(header("X-Id")), R"("sub":"alice")"));
  EXPECT_TRUE(contains(payload_of(header("X-Jwt")), R"("aud":"tokens.example")"));
  EXPECT_EQ(header("X-Pomerium-Jwt-Assertion"), "");
  EXPECT_EQ(header("x-pomerium-claim-email"), "");
}

TEST_F(IdentityTest, OnlyGroupsOfTheFilterAreTold) {
  browser_.visit("https://app.example/", "alice");

  EXPECT_EQ(header("x-pomerium-claim-groups"), "engineering");
  EXPECT_TRUE(
      contains(payload_of(header("X-Pomerium-Jwt-Assertion")), R"("groups":["engineering"])"));
  // Policies know all of them.
  EXPECT_EQ(browser_.visit("https://admin.example/", "alice").status, 200);
  EXPECT_TRUE(contains(browser_.get("https://app.example/.pomerium/user").body,
                       R"("groups":["engineering"])"));
}

// Covers HDR-09.
TEST_F(IdentityTest, KubernetesGetsOurTokenAndOurImpersonationAlone) {
  browser_.visit("https://kube.example/", "alice");
  browser_.get("https://kube.example/api",
               "Authorization: Bearer theirs\r\nImpersonate-User: root\r\nImpersonate-Uid: 0\r\n"
               "impersonate-group: system:masters\r\nImpersonate-Extra-x: y\r\n");

  const std::string head = last_head();
  EXPECT_TRUE(contains(head, "\r\nAuthorization: Bearer service-token\r\n")) << head;
  EXPECT_TRUE(contains(head,
                       "Impersonate-User: alice@example.com\r\n"
                       "Impersonate-Group: engineering\r\nImpersonate-Group: admins\r\n"));
  for (const char* gone : {"theirs", "root", "Uid", "masters", "Extra"}) {
    EXPECT_FALSE(contains(head, gone)) << gone;
  }
}

TEST_F(IdentityTest, AStrangerNeverActsAsTheServiceAccount) {
  EXPECT_EQ(browser_.get("https://open-kube.example/api").status, 200);

  EXPECT_FALSE(contains(application().received(), "service-token"));
  EXPECT_FALSE(contains(application().received(), "Impersonate"));
}

TEST_F(IdentityTest, OneSessionHasOneRoutingKey) {
  browser_.visit("https://hashed.example/", "alice");
  const std::string key = header("X-Pomerium-Routing-Key");
  browser_.get("https://hashed.example/again", "X-Pomerium-Routing-Key: chosen\r\n");

  EXPECT_EQ(key.size(), 64U);
  EXPECT_EQ(header("X-Pomerium-Routing-Key"), key);
}

TEST_F(IdentityTest, TheAssertionIsNotServedUnlessAskedFor) {
  browser_.visit("https://app.example/", "alice");

  EXPECT_EQ(browser_.get("https://app.example/.pomerium/jwt").status, 404);
}

class ServerlessTest : public IntegrationTest {
 protected:
  ServerlessTest()
      : IntegrationTest({.more_options = {}, .more_routes = R"(
  - from: https://run.example
    to: http://10.0.0.1:8080
    enable_google_cloud_serverless_authentication: true
    allow_public_unauthenticated_access: true
)"}) {
    deployment_.web().serve("http://metadata", [](const http::ClientRequest& request) {
      EXPECT_EQ(request.headers.value("metadata-flavor"), "Google");
      return answer_text(200, "text/html", "a.token." + std::to_string(request.url.text().size()));
    });
  }
};

TEST_F(ServerlessTest, TheApplicationGetsATokenForItsHostAndNothingOfTheClients) {
  browser_.get("https://run.example/", "X-Serverless-Authorization: Bearer theirs\r\n");

  EXPECT_TRUE(contains(last_head(), "\r\nX-Serverless-Authorization: Bearer a.token."));
  EXPECT_FALSE(contains(last_head(), "theirs"));
  const auto& requests = deployment_.web().origin("http://metadata").requests;
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_TRUE(contains(requests[0].url.text(), "audience=https%3A%2F%2F10.0.0.1"));
  browser_.get("https://run.example/again");
  EXPECT_EQ(deployment_.web().origin("http://metadata").requests.size(), 1U);
}

TEST_F(ServerlessTest, WithoutATokenTheRequestGoesOnAndTheLogSaysWhy) {
  deployment_.web().origin("http://metadata").fault = Error(ErrorKind::Unavailable, "no route");

  EXPECT_EQ(browser_.get("https://run.example/").status, 200);

  EXPECT_FALSE(contains(last_head(), "X-Serverless-Authorization"));
  EXPECT_TRUE(contains(deployment_.diagnostics(), "google id token"));
}

class JwtEndpointTest : public IdentityTest {
 protected:
  JwtEndpointTest() : IdentityTest("runtime_flags: {pomerium_jwt_endpoint: true}\n") {}
};

TEST_F(JwtEndpointTest, ServesTheAssertionOfWhoeverIsSignedIn) {
  browser_.visit("https://app.example/", "alice");
  const Page page = browser_.get("https://app.example/.pomerium/jwt");

  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.head.field("content-type"), "application/jwt");
  EXPECT_TRUE(contains(payload_of(page.body), R"("aud":"app.example")"));
  EXPECT_TRUE(contains(payload_of(page.body), R"("email":"alice@example.com")"));
  EXPECT_EQ(browser_.post("https://app.example/.pomerium/jwt", "").status, 405);
  Browser stranger(deployment_);
  EXPECT_EQ(stranger.get("https://app.example/.pomerium/jwt").status, 302);
}

}  // namespace
}  // namespace vallum::testing
