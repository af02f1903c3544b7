// Tokens of others instead of a session (identity specification 2.5, policy specification 3.2 and
// 3.3): from the request to the application.
#include "codec/json.h"
#include "crypto/jose/signing_key.h"
#include "integration/integration_fixture.h"

namespace vallum::testing {
namespace {

using namespace std::chrono_literals;

class BearerTest : public IntegrationTest {
 protected:
  BearerTest()
      : IntegrationTest({.more_options = R"(
identity_providers:
  ci: {issuer: "https://ci.example", jwks_url: "https://keys.example/ci", audiences: [deploy]}
  lab: {issuer: "https://lab.example", jwks_url: "https://keys.example/lab", audiences: [deploy]}
)",
                         .more_routes = R"(
  - from: https://id.example
    to: http://10.0.0.1:8080
    allow_websockets: true
    bearer_token_format: idp_identity_token
    allowed_users: [alice@example.com]
  - from: https://access.example
    to: http://10.0.0.1:8080
    bearer_token_format: idp_access_token
    idp_access_token_allowed_audiences: [api]
    allow_any_authenticated_user: true
  - from: https://other-access.example
    to: http://10.0.0.1:8080
    bearer_token_format: idp_access_token
    idp_access_token_allowed_audiences: [billing]
    allow_any_authenticated_user: true
  - from: https://ci-app.example
    to: http://10.0.0.1:8080
    bearer_token_format: jwt
    identity_providers: [ci]
    policy:
      - allow:
          and:
            - claim/ref: refs/heads/main
  - from: https://open-ci.example
    to: http://10.0.0.1:8080
    bearer_token_format: jwt
    allow_public_unauthenticated_access: true
)"}) {
    deployment_.web().serve("https://keys.example", [this](const http::ClientRequest& request) {
      return answer_json(request.url.path() == "/ci" ? ci_.jwks() : lab_.jwks());
    });
  }

  std::string jwt(const std::string& ref = "refs/heads/main",
                  const std::string& issuer = "https://ci.example") {
    const std::int64_t now = unix_seconds(world_.clock().wall());
    return (issuer == "https://ci.example" ? ci_ : lab_)
        .active()
        .sign(R"({"iss":")" + issuer + R"(","aud":"deploy","sub":"job","ref":")" + ref +
              R"(","exp":)" + std::to_string(now + 600) + "}");
  }
  Page get(const std::string& url, const std::string& token, const std::string& more = "") {
    return browser_.get(url, "Authorization: Bearer " + token + "\r\n" + more);
  }
  std::size_t key_fetches() {
    return deployment_.web().origin("https://keys.example").requests.size();
  }

  crypto::SigningKeys ci_ = crypto::SigningKeys::derive(Secret("key of ci"));
  crypto::SigningKeys lab_ = crypto::SigningKeys::derive(Secret("key of lab"));
};

TEST_F(BearerTest, AnIdTokenStandsForItsUser) {
  const std::string token = deployment_.provider().issue_id_token("alice");
  EXPECT_EQ(get("https://id.example/", token).status, 200);

  EXPECT_TRUE(contains(last_head(), "x-pomerium-claim-email: alice@example.com\r\n"));
  // The header is the application's to see.
  EXPECT_TRUE(contains(last_head(), "\r\nAuthorization: Bearer " + token + "\r\n"));
  EXPECT_EQ(browser_.get("https://id.example/", "authorization: bEARER " + token + "\r\n").status,
            200);
  EXPECT_EQ(deployment_.bearer_tokens().verifications(), 1U);
  const std::string records = deployment_.records();
  EXPECT_TRUE(contains(records, R"("bearer-token":"accepted")"));
  EXPECT_TRUE(contains(records, R"("email":"alice@example.com")"));
  EXPECT_FALSE(contains(records, token));
  EXPECT_FALSE(contains(deployment_.diagnostics(), token));
}

TEST_F(BearerTest, ThePolicyDecidesAboutTheUserOfAToken) {
  const Page page = get("https://id.example/", deployment_.provider().issue_id_token("bob"));

  EXPECT_EQ(page.status, 403);
  EXPECT_TRUE(contains(deployment_.records(), R"("bearer-token":"accepted")"));
  EXPECT_TRUE(application().requests().empty());
}

// Covers TOK-02.
TEST_F(BearerTest, ABadTokenIsRefusedWhateverThePolicySays) {
  const Page page = get("https://open-ci.example/", jwt() + "x");

  EXPECT_EQ(page.status, 403);
  EXPECT_TRUE(contains(page.body, "The token is not accepted here"));
  const std::string records = deployment_.records();
  EXPECT_TRUE(contains(records, R"("bearer-token":"refused: jwt: )")) << records;
  EXPECT_TRUE(contains(records, R"("outcome":"forbidden")"));
  EXPECT_TRUE(contains(records, "bearer_token_refused"));
  EXPECT_TRUE(application().requests().empty());
  for (const char* nothing : {"", " ", "a b", "\xc3\xa4"}) {
    EXPECT_EQ(get("https://open-ci.example/", nothing).status, 403) << nothing;
  }
}

TEST_F(BearerTest, WithoutATokenTheRouteIsAsAnyOther) {
  EXPECT_EQ(browser_.get("https://open-ci.example/").status, 200);
  EXPECT_EQ(browser_.get("https://id.example/").status, 302);
  EXPECT_EQ(browser_.visit("https://id.example/", "alice").status, 200);
}

TEST_F(BearerTest, OnRoutesThatTakeNoTokensTheHeaderIsTheApplications) {
  EXPECT_EQ(get("https://public.example/", "whatever").status, 200);

  EXPECT_TRUE(contains(last_head(), "\r\nAuthorization: Bearer whatever\r\n"));
  EXPECT_EQ(get("https://app.example/", deployment_.provider().issue_id_token("alice")).status,
            302);
  EXPECT_EQ(deployment_.bearer_tokens().verifications(), 0U);
}

TEST_F(BearerTest, ATokenTakesPrecedenceOverACookie) {
  browser_.visit("https://id.example/", "alice");
  const Page page = get("https://id.example/", deployment_.provider().issue_id_token("bob"));

  EXPECT_EQ(page.status, 403);
  EXPECT_EQ(get("https://id.example/", "garbage").status, 403);
}

// Covers SES-16.
TEST_F(BearerTest, ACookieAndAJwtTogetherAreAmbiguous) {
  const std::string token = jwt();
  EXPECT_EQ(get("https://ci-app.example/", token).status, 200);
  EXPECT_EQ(get("https://ci-app.example/", token, "Cookie: _pomerium=x\r\n").status, 400);
  EXPECT_EQ(get("https://ci-app.example/", token, "X-Pomerium-Authorization: x\r\n").status, 400);
  EXPECT_EQ(get("https://ci-app.example/?pomerium_session=x", token).status, 400);
  EXPECT_EQ(get("https://ci-app.example/", token, "Cookie: other=x\r\n").status, 200);
}

// Covers SES-17.
TEST_F(BearerTest, TwoAuthorizationHeadersAreAmbiguous) {
  EXPECT_EQ(get("https://ci-app.example/", jwt(), "Authorization: Bearer other\r\n").status, 400);
  EXPECT_EQ(get("https://id.example/", jwt(), "Authorization: Basic YTpi\r\n").status, 400);
}

// Covers TOK-03.
TEST_F(BearerTest, ARouteTakesTokensOfItsIssuersAlone) {
  const std::string lab = jwt("refs/heads/main", "https://lab.example");
  EXPECT_EQ(get("https://ci-app.example/", lab).status, 403);
  EXPECT_EQ(key_fetches(), 0U);
  // Its session is there, and counts where it is taken.
  EXPECT_EQ(get("https://open-ci.example/", lab).status, 200);
  EXPECT_EQ(get("https://ci-app.example/", lab).status, 403);
}

TEST_F(BearerTest, TheClaimsOfATokenAreItsOwn) {
  EXPECT_EQ(get("https://ci-app.example/", jwt("refs/heads/main")).status, 200);
  EXPECT_EQ(get("https://ci-app.example/", jwt("refs/heads/evil")).status, 403);
  EXPECT_EQ(get("https://ci-app.example/", jwt("refs/heads/main")).status, 200);
}

// Covers TOK-01.
TEST_F(BearerTest, AnAccessTokenForOneRouteIsNoneForAnother) {
  FakeProvider& idp = deployment_.provider();
  idp.metadata["introspection_endpoint"] = R"("https://idp.example/introspect")";
  idp.introspection["aud"] = R"("api")";
  const std::string token = idp.issue_access_token("alice");

  EXPECT_EQ(get("https://other-access.example/", token).status, 403);
  EXPECT_EQ(get("https://access.example/", token).status, 200);
  // The session of the token is known by now.
  EXPECT_EQ(get("https://other-access.example/", token).status, 403);
  EXPECT_EQ(get("https://access.example/", token).status, 200);
  // An access token is no ID token, nor the other way round.
  EXPECT_EQ(get("https://id.example/", token).status, 403);
  EXPECT_EQ(get("https://access.example/", idp.issue_id_token("alice")).status, 403);
}

// Covers TOK-08.
TEST_F(BearerTest, ARevokedAccessTokenEndsItsSession) {
  FakeProvider& idp = deployment_.provider();
  idp.userinfo["aud"] = R"("api")";
  const std::string token = idp.issue_access_token("alice");
  EXPECT_EQ(get("https://access.example/", token).status, 200);
  idp.revoke_access_token(token);

  world_.advance(identity::BearerTokens::kAccessTokenGoodFor);

  EXPECT_EQ(get("https://access.example/", token).status, 403);
}

TEST_F(BearerTest, AnExpiredTokenIsRefusedOnceItsSessionHasEnded) {
  const std::string token = jwt();
  EXPECT_EQ(get("https://ci-app.example/", token).status, 200);
  world_.advance(601s);

  EXPECT_EQ(get("https://ci-app.example/", token).status, 403);
  EXPECT_TRUE(contains(deployment_.records(), "refused: jwt: 'exp' is in the past"));
}

// Covers HDR-23.
TEST_F(BearerTest, AStreamEndsWithItsToken) {
  application().answer_with([](const SimApplication::Request&) {
    return std::string(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  });
  ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());
  client.send(
      "GET /ws HTTP/1.1\r\nHost: id.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Authorization: Bearer " +
      deployment_.provider().issue_id_token("alice") + "\r\n\r\n");
  client.expect_head("HTTP/1.1 101 Switching Protocols");
  client.expect_silence(50min);

  Bytes piece(100);
  EXPECT_TRUE(world_.run_until(
      [&] { return client.stream().try_read(piece).status != net::IoResult::Status::WouldBlock; },
      12min));
  EXPECT_TRUE(contains(deployment_.records(), "refused: id token: 'exp' is in the past"));
}

TEST_F(BearerTest, AProviderThatIsDownMeans503AndNoLogin) {
  deployment_.web().origin("https://keys.example").fault =
      Error(ErrorKind::Unavailable, "connection refused");
  const std::string token = jwt();

  EXPECT_EQ(get("https://ci-app.example/", token).status, 503);
  EXPECT_EQ(get("https://open-ci.example/", token).status, 503);
  EXPECT_TRUE(application().requests().empty());
}

TEST_F(BearerTest, AStoreThatIsDownMeans503) {
  deployment_.store_is_down = true;
  EXPECT_EQ(get("https://ci-app.example/", jwt()).status, 503);
}

TEST_F(BearerTest, ADeletedSessionOfAGoodTokenIsMadeAnew) {
  const std::string token = jwt();
  EXPECT_EQ(get("https://ci-app.example/", token).status, 200);
  deployment_.delete_session(
      session::bearer_session_id(config::BearerTokenFormat::Jwt, "ci", token));

  EXPECT_EQ(get("https://ci-app.example/", token).status, 200);
  EXPECT_EQ(deployment_.bearer_tokens().verifications(), 2U);
}

TEST_F(BearerTest, AHandleOfOursWorksOnTheseRoutesToo) {
  browser_.visit("https://id.example/", "alice");
  const std::string handle = browser_.cookie("id.example", "_pomerium");
  browser_.forget_cookies("id.example");

  EXPECT_EQ(get("https://id.example/", "Pomerium-" + handle).status, 200);
  EXPECT_FALSE(contains(last_head(), "Authorization"));
}

class ErrorDetailsTest : public IntegrationTest {
 protected:
  ErrorDetailsTest()
      : IntegrationTest({.more_options = {}, .more_routes = R"(
  - from: https://told.example
    to: http://10.0.0.1:8080
    show_error_details: true
    policy:
      - allow:
          or:
            - email: {is: boss@secret.example}
      - deny:
          or:
            - claim/groups: sales
    sub_policies:
      - id: staff
        explanation: "Staff <only> & friends"
        remediation: Ask <b>IT</b>
        allowed_domains: [staff.example]
  - from: https://untold.example
    to: http://10.0.0.1:8080
    policy: {allow: {or: [{email: {is: boss@secret.example}}]}}
)"}) {}

  Page json(const std::string& host) {
    return browser_.send("GET / HTTP/1.1\r\nHost: " + host + "\r\nAccept: application/json\r\n" +
                         browser_.cookie_header(host) + "\r\n");
  }
};

TEST_F(ErrorDetailsTest, WhoIsDeniedLearnsByWhichPolicy) {
  browser_.visit("https://told.example/", "bob");
  const Page page = json("told.example");

  EXPECT_EQ(page.status, 403);
  const auto body = codec::parse_json(page.body);
  ASSERT_TRUE(body.has_value()) << page.body;
  const codec::Node* traces = body->find("policy_evaluation_traces");
  ASSERT_NE(traces, nullptr) << page.body;
  ASSERT_EQ(traces->items().size(), 2U);
  const codec::Node& own = traces->items()[0];
  EXPECT_EQ(own.find("id")->text(), "");
  EXPECT_TRUE(own.find("deny")->as_bool());
  EXPECT_EQ(own.find("reasons")->items().at(0).text(), "claim-ok");
  const codec::Node& staff = traces->items()[1];
  EXPECT_EQ(staff.find("id")->text(), "staff");
  EXPECT_FALSE(staff.find("allow")->as_bool());
  EXPECT_EQ(staff.find("explanation")->text(), "Staff <only> & friends");
  EXPECT_EQ(staff.find("remediation")->text(), "Ask <b>IT</b>");
  EXPECT_EQ(staff.find("reasons")->items().at(0).text(), "domain-unauthorized");
  EXPECT_FALSE(contains(page.body, "boss@secret.example"));
}

TEST_F(ErrorDetailsTest, ThePageEscapesWhatAuthorsWrote) {
  const Page page = browser_.visit("https://told.example/", "bob");

  EXPECT_EQ(page.status, 403);
  EXPECT_TRUE(contains(page.body, "Staff &lt;only&gt; &amp; friends"));
  EXPECT_TRUE(contains(page.body, "Ask &lt;b&gt;IT&lt;/b&gt;"));
  EXPECT_TRUE(contains(page.body, "claim-ok"));
  EXPECT_FALSE(contains(page.body, "boss@secret.example"));
}

TEST_F(ErrorDetailsTest, OtherRoutesAndStrangersAreToldNothing) {
  EXPECT_FALSE(contains(json("told.example").body, "policy_evaluation_traces"));
  browser_.visit("https://untold.example/", "bob");
  const Page page = json("untold.example");

  EXPECT_EQ(page.status, 403);
  EXPECT_FALSE(contains(page.body, "policy_evaluation_traces"));
  EXPECT_FALSE(contains(page.body, "email-unauthorized"));
}

}  // namespace
}  // namespace vallum::testing
