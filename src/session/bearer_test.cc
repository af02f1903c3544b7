#include "session/bearer.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace vallum::session {
namespace {

using config::BearerRules;
using config::BearerTokenFormat;

ClaimSet claims(std::initializer_list<std::pair<std::string, std::string_view>> given) {
  ClaimSet set;
  for (const auto& [name, values] : given) {
    set.push_back({.name = name, .values = codec::parse_json(values).value()});
  }
  return set;
}

bool fits(const BearerRules& rules,
          std::string_view own_idp_id,
          std::string_view idp_id,
          const ClaimSet& set) {
  return bearer_fits(rules, own_idp_id, idp_id, claim_table(set).view());
}

// Covers SES-17.
TEST(BearerTest, ATokenStandsBehindOneSchemeAndOneSpace) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token(" bEaReR abc "), "abc");
  EXPECT_EQ(bearer_token("Bearer"), "");
  EXPECT_EQ(bearer_token("Bearer  abc"), " abc");  // no token text: refused
  EXPECT_EQ(bearer_token("Bearer\tabc"), "");
  EXPECT_EQ(bearer_token("Bearerabc"), std::nullopt);
  EXPECT_EQ(bearer_token("Basic YTpi"), std::nullopt);
  EXPECT_EQ(bearer_token(""), std::nullopt);
}

TEST(BearerTest, AHandleOfOursIsNoTokenOfOthers) {
  EXPECT_EQ(bearer_token("Bearer Pomerium-x.y.z"), std::nullopt);
  EXPECT_EQ(bearer_token("bearer pomerium-x.y.z"), std::nullopt);
  EXPECT_EQ(bearer_token("Pomerium x.y.z"), std::nullopt);
}

// Nodes that share a store find each other's session. Covers TOK-06.
TEST(BearerTest, SessionsHaveTheIdsOfTheReference) {
  EXPECT_EQ(bearer_session_id(BearerTokenFormat::IdpAccessToken, "idp1", "token1"),
            "c3498325-05ce-5278-929a-a4b0eb4c180b");
  EXPECT_EQ(bearer_session_id(BearerTokenFormat::IdpIdentityToken, "idp1", "token1"),
            "ea27a9b7-d59b-5fbe-a717-ddbe4c751f29");
  EXPECT_NE(bearer_session_id(BearerTokenFormat::Jwt, "idp1", "token1"),
            bearer_session_id(BearerTokenFormat::Jwt, "idp2", "token1"));
}

// Covers TOK-01.
TEST(BearerTest, AnAccessTokenCountsForItsAudienceAlone) {
  BearerRules rules{.format = BearerTokenFormat::IdpAccessToken,
                    .issuers = {},
                    .audiences = std::vector<std::string>{"api", "other"},
                    .client_id = "us"};

  EXPECT_TRUE(fits(rules, "idp", "idp", claims({{"aud", R"(["x","api"])"}})));
  EXPECT_FALSE(fits(rules, "idp", "idp", claims({{"aud", R"(["apis"])"}})));
  EXPECT_FALSE(fits(rules, "idp", "idp", claims({{"azp", R"(["us"])"}})));
  EXPECT_FALSE(fits(rules, "idp", "another", claims({{"aud", R"(["api"])"}})));
  rules.audiences = std::vector<std::string>();
  EXPECT_FALSE(fits(rules, "idp", "idp", claims({{"aud", R"(["us"])"}})));
}

// Covers TOK-01.
TEST(BearerTest, WithoutAudiencesAnAccessTokenMustBeOfOurClient) {
  const BearerRules rules{.format = BearerTokenFormat::IdpAccessToken,
                          .issuers = {},
                          .audiences = std::nullopt,
                          .client_id = "us"};

  for (const char* name : {"aud", "azp", "client_id", "cid", "appid"}) {
    EXPECT_TRUE(fits(rules, "idp", "idp", claims({{name, R"(["us"])"}}))) << name;
    EXPECT_FALSE(fits(rules, "idp", "idp", claims({{name, R"(["them"])"}}))) << name;
  }
  EXPECT_FALSE(fits(rules, "idp", "idp", {}));
  EXPECT_FALSE(fits(rules, "", "", claims({{"azp", R"(["us"])"}})));
}

TEST(BearerTest, AJwtCountsWhereItsIssuerIsTakenAndForItsAudience) {
  const BearerRules rules{.format = BearerTokenFormat::Jwt,
                          .issuers = {{.id = "ci https://ci.example", .audiences = {"deploy"}}},
                          .audiences = std::nullopt,
                          .client_id = {}};
  const ClaimSet good = claims({{"aud", R"(["deploy"])"}});

  EXPECT_TRUE(fits(rules, "idp", "ci https://ci.example", good));
  EXPECT_FALSE(fits(rules, "idp", "ci https://ci.example", claims({{"aud", R"(["x"])"}})));
  EXPECT_FALSE(fits(rules, "idp", "ci https://elsewhere.example", good));
  EXPECT_FALSE(fits(rules, "idp", "idp", good));
}

}  // namespace
}  // namespace vallum::session
