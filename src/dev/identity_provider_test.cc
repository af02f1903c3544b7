#include "dev/identity_provider.h"

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "crypto/jose/claims.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "support/seeded_entropy.h"
#include "support/virtual_clock.h"

namespace vallum::dev {
namespace {

using std::chrono::minutes;

constexpr std::string_view kIssuer = "http://127.0.0.1:9000";
constexpr std::string_view kRedirectUri = "https://authenticate.localhost:8443/oauth2/callback";
constexpr std::string_view kVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

DevelopmentMode mode() {
  constexpr std::array<const char*, 2> kArguments = {"vallum", "dev"};
  return *DevelopmentMode::enter(kArguments);
}

// The value of the first input with this name.
std::string input_of(std::string_view page, std::string_view name) {
  const std::string mark = "name=\"" + std::string(name) + "\" value=\"";
  const std::size_t begin = page.find(mark) + mark.size();
  return std::string(page.substr(begin, page.find('"', begin) - begin));
}

codec::Query query_of(std::string_view location) {
  return codec::Query::parse(location.substr(location.find('?') + 1)).value_or(codec::Query());
}

class IdentityProviderTest : public ::testing::Test {
 protected:
  static http::Request get(std::string_view path, const codec::Query& query = {}) {
    return {.authority = *http::Authority::parse("127.0.0.1:9000"),
            .path = std::string(path),
            .query = query.encode(),
            .headers = {},
            .body = {},
            .peer = IpAddress::loopback_v4(),
            .request_id = "req-1"};
  }

  static http::Request post(std::string_view path, const codec::Query& form) {
    http::Request request = get(path);
    request.method = http::Method::Post;
    request.body = form.encode();
    return request;
  }

  static codec::Query attempt() {
    codec::Query query;
    query.set("client_id", IdentityProvider::kClientId);
    query.set("redirect_uri", kRedirectUri);
    query.set("response_type", "code");
    query.set("scope", "openid email groups");
    query.set("state", "the state");
    query.set("nonce", "the nonce");
    query.set("code_challenge_method", "S256");
    query.set("code_challenge",
              codec::encode_base64(crypto::sha256(as_bytes(kVerifier)), codec::Base64::UrlRaw));
    return query;
  }

  // Signs in and returns the answer to the form.
  http::Response choose(std::string_view user) {
    const http::Response page = provider_.handle(get("/authorize", attempt()));
    codec::Query form;
    form.set("request", input_of(page.body, "request"));
    form.set("user", user);
    return provider_.handle(post("/authorize", form));
  }

  std::string code_for(std::string_view user) {
    return *query_of(choose(user).headers.value("Location")).find("code");
  }

  codec::Query redemption(std::string_view code) {
    codec::Query form;
    form.set("grant_type", "authorization_code");
    form.set("code", code);
    form.set("redirect_uri", kRedirectUri);
    form.set("code_verifier", kVerifier);
    form.set("client_id", IdentityProvider::kClientId);
    form.set("client_secret", IdentityProvider::client_secret(seed_));
    return form;
  }

  codec::Node tokens(const http::Response& answer) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    return codec::parse_json(answer.body).value_or(codec::Node());
  }

  codec::Node claims_of(std::string_view id_token) {
    const auto keys = crypto::JwkSet::parse(provider_.handle(get("/jwks.json")).body);
    const auto jws = crypto::UnverifiedJws::parse(id_token);
    const auto payload = crypto::verify_jws(*keys, crypto::JwsAlgorithmSet::asymmetric(), *jws);
    return crypto::parse_claims(payload.value_or("")).value_or(codec::Node());
  }

  Secret seed_{std::string_view("a seed of thirty-two bytes......")};
  testing::VirtualClock clock_;
  testing::SeededEntropy entropy_{1};
  IdentityProvider provider_{mode(), {.issuer = std::string(kIssuer)}, seed_, clock_, entropy_};
};

TEST(DevelopmentModeTest, ExistsForTheCommandDevOnly) {
  constexpr std::array<const char*, 2> kDev = {"vallum", "dev"};
  constexpr std::array<const char*, 3> kConfig = {"vallum", "--config", "dev"};
  constexpr std::array<const char*, 1> kNothing = {"vallum"};

  EXPECT_TRUE(DevelopmentMode::enter(kDev).has_value());
  EXPECT_FALSE(DevelopmentMode::enter(kConfig).has_value());
  EXPECT_FALSE(DevelopmentMode::enter(kNothing).has_value());
}

TEST_F(IdentityProviderTest, DiscoveryNamesTheIssuerAndPkce) {
  const auto document =
      codec::parse_json(provider_.handle(get("/.well-known/openid-configuration")).body);

  EXPECT_EQ(document->find("issuer")->text(), kIssuer);
  EXPECT_EQ(document->find("code_challenge_methods_supported")->items().front().text(), "S256");
}

TEST_F(IdentityProviderTest, OffersEverybodyOnOnePage) {
  const http::Response page = provider_.handle(get("/authorize", attempt()));

  EXPECT_EQ(page.status, 200);
  for (const Person& person : default_people()) {
    EXPECT_TRUE(page.body.contains(person.email)) << person.email;
  }
}

TEST_F(IdentityProviderTest, SendsACodeBackWithTheState) {
  const http::Response answer = choose("alice");

  EXPECT_EQ(answer.status, 303);
  EXPECT_TRUE(answer.headers.value("Location").starts_with(kRedirectUri));
  const codec::Query query = query_of(answer.headers.value("Location"));
  EXPECT_EQ(*query.find("state"), "the state");
  EXPECT_EQ(*query.find("iss"), kIssuer);
}

TEST_F(IdentityProviderTest, ACodeBuysASignedIdentityWithTheNonce) {
  const codec::Node bought =
      tokens(provider_.handle(post("/token", redemption(code_for("alice")))));

  const codec::Node claims = claims_of(bought.find("id_token")->text());
  EXPECT_EQ(claims.find("iss")->text(), kIssuer);
  EXPECT_EQ(claims.find("aud")->text(), IdentityProvider::kClientId);
  EXPECT_EQ(claims.find("sub")->text(), "alice");
  EXPECT_EQ(claims.find("nonce")->text(), "the nonce");
  EXPECT_EQ(claims.find("groups")->items().size(), 2U);
}

TEST_F(IdentityProviderTest, ACodeWorksOnce) {
  const std::string code = code_for("alice");
  provider_.handle(post("/token", redemption(code)));

  const http::Response second = provider_.handle(post("/token", redemption(code)));

  EXPECT_EQ(second.status, 400);
  EXPECT_TRUE(second.body.contains("invalid_grant"));
}

TEST_F(IdentityProviderTest, ACodeExpiresInAMinute) {
  const std::string code = code_for("alice");
  clock_.advance(minutes(1));

  EXPECT_EQ(provider_.handle(post("/token", redemption(code))).status, 400);
}

TEST_F(IdentityProviderTest, ACodeNeedsItsVerifierItsRedirectUriAndItsClient) {
  for (const std::string_view field : {"code_verifier", "redirect_uri"}) {
    codec::Query form = redemption(code_for("alice"));
    form.set(field, "another");
    EXPECT_EQ(provider_.handle(post("/token", form)).status, 400) << field;
  }
  codec::Query stranger = redemption(code_for("alice"));
  stranger.set("client_secret", "guessed");
  EXPECT_EQ(provider_.handle(post("/token", stranger)).status, 401);
}

TEST_F(IdentityProviderTest, AcceptsTheClientByBasicAuthentication) {
  codec::Query form = redemption(code_for("alice"));
  form.remove("client_id");
  form.remove("client_secret");
  http::Request request = post("/token", form);
  const std::string pair =
      std::string(IdentityProvider::kClientId) + ":" + IdentityProvider::client_secret(seed_);
  request.headers.add("Authorization",
                      "Basic " + codec::encode_base64(as_bytes(pair), codec::Base64::Std));

  EXPECT_EQ(provider_.handle(request).status, 200);
}

TEST_F(IdentityProviderTest, OneTicketDoesNotPassForAnother) {
  const codec::Node bought =
      tokens(provider_.handle(post("/token", redemption(code_for("alice")))));
  http::Request request = get("/userinfo");
  request.headers.add("Authorization", "Bearer " + bought.find("refresh_token")->text());

  EXPECT_EQ(provider_.handle(request).status, 401);
}

TEST_F(IdentityProviderTest, UserinfoSaysTheSameAsTheToken) {
  const codec::Node bought = tokens(provider_.handle(post("/token", redemption(code_for("bob")))));
  http::Request request = get("/userinfo");
  request.headers.add("Authorization", "Bearer " + bought.find("access_token")->text());

  const auto info = codec::parse_json(provider_.handle(request).body);

  EXPECT_EQ(info->find("sub")->text(), "bob");
  EXPECT_EQ(info->find("email")->text(), "bob@example.com");
}

TEST_F(IdentityProviderTest, ARefreshTokenOutlivesARestartWithTheSameSeed) {
  const codec::Node bought =
      tokens(provider_.handle(post("/token", redemption(code_for("alice")))));
  IdentityProvider restarted(mode(), {.issuer = std::string(kIssuer)}, seed_, clock_, entropy_);
  codec::Query form = redemption("");
  form.set("grant_type", "refresh_token");
  form.set("refresh_token", bought.find("refresh_token")->text());

  const codec::Node renewed = tokens(restarted.handle(post("/token", form)));

  EXPECT_EQ(claims_of(renewed.find("id_token")->text()).find("sub")->text(), "alice");
}

TEST_F(IdentityProviderTest, SomebodyElseCanBeMadeUp) {
  const http::Response page = provider_.handle(get("/authorize", attempt()));
  codec::Query form;
  form.set("request", input_of(page.body, "request"));
  form.set("email", "zoe@bench.example");
  form.set("groups", " bench, ,staff ");
  const http::Response answer = provider_.handle(post("/authorize", form));

  const codec::Node bought = tokens(provider_.handle(
      post("/token", redemption(*query_of(answer.headers.value("Location")).find("code")))));

  const codec::Node claims = claims_of(bought.find("id_token")->text());
  EXPECT_EQ(claims.find("sub")->text(), "zoe@bench.example");
  ASSERT_EQ(claims.find("groups")->items().size(), 2U);
  EXPECT_EQ(claims.find("groups")->items()[1].text(), "staff");
}

TEST_F(IdentityProviderTest, ACodeIsSentToNamesOfThisMachineOnly) {
  for (const std::string_view target : {"https://evil.example/",
                                        "https://localhost.evil.example/",
                                        "http://127.0.0.1@evil.example/",
                                        "//evil.example",
                                        "javascript:alert(1)",
                                        ""}) {
    codec::Query query = attempt();
    query.set("redirect_uri", target);
    const http::Response answer = provider_.handle(get("/authorize", query));
    EXPECT_EQ(answer.status, 400) << target;
    EXPECT_EQ(answer.headers.find("Location"), nullptr) << target;
  }
}

TEST_F(IdentityProviderTest, RefusesAnAttemptWithoutPkce) {
  codec::Query query = attempt();
  query.remove("code_challenge");

  const http::Response answer = provider_.handle(get("/authorize", query));

  EXPECT_EQ(*query_of(answer.headers.value("Location")).find("error"), "invalid_request");
}

TEST_F(IdentityProviderTest, AnswersThisMachineUnderItsOwnNamesOnly) {
  http::Request foreign_peer = get("/jwks.json");
  foreign_peer.peer = IpAddress::parse("192.0.2.1").value_or(IpAddress());
  http::Request foreign_name = get("/jwks.json");
  foreign_name.authority = *http::Authority::parse("rebound.evil.example:9000");

  EXPECT_EQ(provider_.handle(foreign_peer).status, 403);
  EXPECT_EQ(provider_.handle(foreign_name).status, 403);
}

TEST_F(IdentityProviderTest, EndSessionLeadsBackToThisMachineOnly) {
  codec::Query good;
  good.set("post_logout_redirect_uri", "https://authenticate.localhost:8443/.pomerium/signed_out");
  codec::Query evil;
  evil.set("post_logout_redirect_uri", "https://evil.example/");

  EXPECT_EQ(provider_.handle(get("/end_session", good)).headers.value("Location"),
            "https://authenticate.localhost:8443/.pomerium/signed_out");
  EXPECT_EQ(provider_.handle(get("/end_session", evil)).status, 400);
}

TEST_F(IdentityProviderTest, AFormLargerThanTheLimitIsRefused) {
  http::Request request = post("/token", {});
  request.body.assign(IdentityProvider::kBodyBytesMax + 1, 'x');

  EXPECT_EQ(provider_.handle(request).status, 413);
}

}  // namespace
}  // namespace vallum::dev
