#include <gtest/gtest.h>

#include "support/config_fixture.h"

namespace vallum::config {
namespace {

constexpr std::string_view kProvider =
    "authenticate_service_url: https://auth.example\nidp_provider: oidc\n"
    "idp_provider_url: https://idp.example\nidp_client_id: us\n";

std::string issuers(const std::string& entries) {
  return "identity_providers:\n" + entries;
}
const std::string kCi = "  ci: {issuer: 'https://ci.example', audiences: [deploy]}\n";

std::string routes(const std::string& options) {
  return "routes:\n  - {from: 'https://a.example', to: 'http://x', "
         "allow_any_authenticated_user: true" +
         (options.empty() ? "" : ", " + options) + "}\n";
}

class BearerConfigTest : public ConfigTest {
 protected:
  static BearerRules rules_of(const Settings& settings) { return settings.routes.at(0).bearer; }
};

TEST_F(BearerConfigTest, BearerTokensAreTheApplicationsUnlessAskedFor) {
  EXPECT_EQ(rules_of(accepted(routes(""))).format, BearerTokenFormat::Default);
  EXPECT_EQ(rules_of(accepted("bearer_token_format: unknown\n" + routes(""))).format,
            BearerTokenFormat::Default);
}

TEST_F(BearerConfigTest, ARouteOverridesTheProcess) {
  const std::string global = std::string(kProvider) + "bearer_token_format: idp_access_token\n" +
                             "idp_access_token_allowed_audiences: [a]\n";

  EXPECT_EQ(rules_of(accepted(global + routes(""))).audiences, std::vector<std::string>{"a"});
  EXPECT_EQ(rules_of(accepted(global + routes("idp_access_token_allowed_audiences: []"))).audiences,
            std::vector<std::string>());
  EXPECT_EQ(rules_of(accepted(global + routes("bearer_token_format: default"))).format,
            BearerTokenFormat::Default);
  EXPECT_EQ(rules_of(accepted(global + routes("bearer_token_format: ''"))).format,
            BearerTokenFormat::IdpAccessToken);
}

TEST_F(BearerConfigTest, WithoutAudiencesTokensOfOurOwnClientAreTaken) {
  const BearerRules rules =
      rules_of(accepted(std::string(kProvider) + routes("bearer_token_format: idp_access_token")));

  EXPECT_EQ(rules.audiences, std::nullopt);
  EXPECT_EQ(rules.client_id, "us");
}

TEST_F(BearerConfigTest, ARouteTakesTheIssuersItNames) {
  const std::string both =
      issuers(kCi +
              "  lab: {issuer: 'http://127.0.0.1:1/x', audiences: [a, b],"
              " supported_algs: [PS512], jwks_url: 'http://localhost/keys'}\n");

  const Settings all = accepted(both + routes("bearer_token_format: jwt"));
  ASSERT_EQ(all.token_issuers.size(), 2U);
  EXPECT_EQ(
      all.token_issuers[0].algorithms,
      (crypto::JwsAlgorithmSet{
          crypto::JwsAlgorithm::Rs256, crypto::JwsAlgorithm::Es256, crypto::JwsAlgorithm::EdDsa}));
  EXPECT_EQ(all.token_issuers[1].algorithms, crypto::JwsAlgorithmSet{crypto::JwsAlgorithm::Ps512});
  EXPECT_EQ(rules_of(all).issuers.size(), 2U);
  const BearerRules one =
      rules_of(accepted(both + routes("bearer_token_format: jwt, identity_providers: [lab]")));
  ASSERT_EQ(one.issuers.size(), 1U);
  EXPECT_EQ(one.issuers[0].id, "lab http://127.0.0.1:1/x");
  EXPECT_EQ(one.issuers[0].audiences, (std::vector<std::string>{"a", "b"}));
}

TEST_F(BearerConfigTest, MistakesAreRefusedWithTheirPlaceAndACure) {
  const auto first = [this](const std::string& text) {
    const Lines lines = refused(text);
    return lines.empty() ? std::string() : lines.front();
  };
  const auto entry = [&first](const std::string& members) {
    return first(issuers("  ci: {" + members + "}\n") + routes(""));
  };

  EXPECT_TRUE(first(routes("bearer_token_format: jwt")).starts_with("c.yaml:2:"));
  EXPECT_TRUE(first("bearer_token_format: jwt\n" + routes("")).starts_with("c.yaml:1:"));
  EXPECT_NE(first("identity_providers: {}\n" + routes("bearer_token_format: jwt")), "");
  EXPECT_TRUE(first(issuers(kCi) + routes("bearer_token_format: jwt, identity_providers: [x]"))
                  .contains("\"x\" is not one of identity_providers"));
  EXPECT_TRUE(first(issuers(kCi) + routes("identity_providers: [ci]"))
                  .contains("only beside bearer_token_format: jwt"));
  EXPECT_TRUE(first(routes("bearer_token_format: opaque")).contains("bearer_token_format"));
  EXPECT_TRUE(entry("audiences: [a]").contains("issuer must be set"));
  EXPECT_TRUE(entry("issuer: 'https://x'").contains("needs an audience"));
  EXPECT_TRUE(entry("issuer: 'https://x', audiences: ['']").contains("needs an audience"));
  EXPECT_TRUE(entry("issuer: 'http://x', audiences: [a]").contains("https"));
  EXPECT_TRUE(entry("issuer: 'https://x?q', audiences: [a]").contains("without query"));
  EXPECT_TRUE(entry("issuer: 'https://x', audiences: [a], jwks_url: 'http://x/k'")
                  .contains("jwks_url must be https"));
  EXPECT_TRUE(entry("issuer: 'https://x', audiences: [a], supported_algs: [none]")
                  .contains("no public key"));
  EXPECT_TRUE(entry("issuer: 'https://x', audiences: [a], supported_algs: [HS256]")
                  .contains("no public key"));
  EXPECT_TRUE(entry("issuer: 'https://x', audiences: [a], supported_algs: []")
                  .contains("names no algorithm"));
  EXPECT_TRUE(entry("issuer: 'kubernetes:///', audiences: [a]").contains("Kubernetes"));
  EXPECT_TRUE(first(issuers("  CI: {issuer: 'https://x', audiences: [a]}\n") + routes(""))
                  .contains("not a name for an issuer"));
  EXPECT_TRUE(
      first(issuers(kCi + "  two: {issuer: 'https://ci.example', audiences: [a]}\n") + routes(""))
          .contains("has the issuer of"));
  EXPECT_TRUE(first("identity_providers: [a]\n" + routes("")).contains("not a mapping"));
}

TEST_F(BearerConfigTest, TooManyIssuersAreRefused) {
  std::string entries;
  for (std::size_t i = 0; i <= TokenIssuer::kMax; ++i) {
    const std::string n = std::to_string(i);
    entries += "  n" + n + ": {issuer: 'https://x" + n + "', audiences: [a]}\n";
  }
  EXPECT_TRUE(refused(issuers(entries) + routes("")).front().contains("more than 100"));
}

TEST_F(BearerConfigTest, TokensOfAProviderThatIsNotThereAreWarnedOf) {
  const Lines lines =
      texts(load(routes("bearer_token_format: idp_identity_token")), Severity::Warning);
  EXPECT_TRUE(std::ranges::any_of(lines, [](const std::string& line) {
    return line.contains("every bearer token is refused");
  }));
}

TEST_F(BearerConfigTest, PoliciesAreKeptApartWhereDetailsAreShown) {
  const std::string more =
      "allowed_users: [a@x], sub_policies: [{id: p1, explanation: why, remediation: what, "
      "allowed_domains: [y]}, {id: p2, name: nothing}]";
  const std::string text = "routes: [{from: 'https://a.b', to: 'http://x', " + more;

  EXPECT_TRUE(accepted(text + "}]").routes.at(0).explained.empty());
  const Settings shown = accepted(text + ", show_error_details: true}]");
  const std::vector<ExplainedPolicy>& policies = shown.routes.at(0).explained;
  ASSERT_EQ(policies.size(), 2U);
  EXPECT_EQ(policies[0].id, "");
  EXPECT_EQ(policies[1].id, "p1");
  EXPECT_EQ(policies[1].explanation, "why");
  EXPECT_EQ(policies[1].remediation, "what");
}

}  // namespace
}  // namespace vallum::config
