#include "identity/metadata.h"

#include <string>

#include <gtest/gtest.h>

namespace vallum::identity {
namespace {

using crypto::JwsAlgorithm;

constexpr std::string_view kIssuer = "https://idp.example/realms/x";

// A minimal document with more members, which come last.
std::string document(std::string_view more = "", std::string_view base = kIssuer) {
  const std::string url(base);
  std::string text = R"({"issuer":")" + url + R"(","authorization_endpoint":")" + url +
                     R"(/a","token_endpoint":")" + url + R"(/t","jwks_uri":")" + url + "/k\"";
  if (!more.empty()) {
    text.append(",").append(more);
  }
  return text + "}";
}

std::string without(std::string text, std::string_view name) {
  const std::size_t at = text.find("\"" + std::string(name) + "\"");
  EXPECT_NE(at, std::string::npos);
  return text.replace(at + 1, 1, "_");
}

TEST(MetadataTest, ReadsAMinimalDocument) {
  const auto metadata = parse_metadata(document(), kIssuer, true);

  ASSERT_TRUE(metadata.has_value()) << metadata.error().message();
  EXPECT_EQ(metadata->token_endpoint.text(), "https://idp.example/realms/x/t");
  EXPECT_EQ(metadata->algorithms, crypto::JwsAlgorithmSet{JwsAlgorithm::Rs256});
  EXPECT_EQ(metadata->client_authentication, ClientAuthentication::SecretBasic);
  EXPECT_FALSE(metadata->userinfo_endpoint.has_value());
  EXPECT_FALSE(metadata->answers_name_issuer);
}

TEST(MetadataTest, AllowsOnlyAlgorithmsWithAPublicKey) {
  const auto mixed = parse_metadata(
      document(R"("id_token_signing_alg_values_supported":["none","HS256","ES256","EdDSA","X"])"),
      kIssuer,
      true);
  const auto symmetric = parse_metadata(
      document(R"("id_token_signing_alg_values_supported":["HS256","none"])"), kIssuer, true);

  ASSERT_TRUE(mixed.has_value());
  EXPECT_EQ(mixed->algorithms, (crypto::JwsAlgorithmSet{JwsAlgorithm::Es256, JwsAlgorithm::EdDsa}));
  EXPECT_FALSE(symmetric.has_value());
}

TEST(MetadataTest, PicksTheClientAuthenticationBothKnow) {
  const auto with = [](std::string_view methods, bool has_secret) {
    return parse_metadata(
        document("\"token_endpoint_auth_methods_supported\":" + std::string(methods)),
        kIssuer,
        has_secret);
  };

  EXPECT_EQ(with(R"(["client_secret_post","client_secret_basic"])", true)->client_authentication,
            ClientAuthentication::SecretBasic);
  EXPECT_EQ(with(R"(["client_secret_post"])", true)->client_authentication,
            ClientAuthentication::SecretPost);
  EXPECT_EQ(with(R"(["private_key_jwt"])", false)->client_authentication,
            ClientAuthentication::None);
  EXPECT_FALSE(with(R"(["private_key_jwt"])", true).has_value());
}

// Covers OID-10, OID-18.
TEST(MetadataTest, RefusesAnotherIssuersDocument) {
  EXPECT_FALSE(parse_metadata(document(), "https://idp.example/realms/y", true).has_value());
  EXPECT_FALSE(parse_metadata(document(), "https://idp.example/realms/x/", true).has_value());
  EXPECT_FALSE(
      parse_metadata(document("", "https://IDP.example/realms/x"), kIssuer, true).has_value());
  EXPECT_FALSE(parse_metadata(without(document(), "issuer"), kIssuer, true).has_value());
}

TEST(MetadataTest, RefusesMissingAndUnprotectedEndpoints) {
  for (const std::string_view name : {"authorization_endpoint", "token_endpoint", "jwks_uri"}) {
    EXPECT_FALSE(parse_metadata(without(document(), name), kIssuer, true).has_value()) << name;
  }
  for (const std::string_view name :
       {"userinfo_endpoint", "end_session_endpoint", "revocation_endpoint"}) {
    const std::string member = "\"" + std::string(name) + "\":";
    EXPECT_TRUE(parse_metadata(document(member + "null"), kIssuer, true).has_value());
    EXPECT_FALSE(parse_metadata(document(member + "7"), kIssuer, true).has_value());
    EXPECT_FALSE(parse_metadata(document(member + R"("ftp://x")"), kIssuer, true).has_value());
    EXPECT_FALSE(parse_metadata(document(member + R"("/path")"), kIssuer, true).has_value());
    EXPECT_FALSE(
        parse_metadata(document(member + R"("http://idp.example/u")"), kIssuer, true).has_value());
    EXPECT_FALSE(
        parse_metadata(document(member + R"("http://127.0.0.1/u")"), kIssuer, true).has_value())
        << "an https issuer has no business on our loopback";
  }
}

TEST(MetadataTest, PlainHttpIsForLoopbackIssuers) {
  const std::string local = "http://localhost:9000";

  EXPECT_TRUE(parse_metadata(document("", local), local, true).has_value());
  EXPECT_FALSE(
      parse_metadata(document(R"("userinfo_endpoint":"http://idp.example/u")", local), local, true)
          .has_value());
  EXPECT_FALSE(
      parse_metadata(document("", "http://idp.example"), "http://idp.example", true).has_value());
}

TEST(MetadataTest, RefusesWhatIsNoDocument) {
  EXPECT_FALSE(parse_metadata("", kIssuer, true).has_value());
  EXPECT_FALSE(parse_metadata("<html>", kIssuer, true).has_value());
  EXPECT_FALSE(parse_metadata("[]", kIssuer, true).has_value());
  EXPECT_FALSE(
      parse_metadata(document(R"("issuer":"https://evil.example")"), kIssuer, true).has_value())
      << "a member twice";
  EXPECT_FALSE(
      parse_metadata(document("\"x\":\"" + std::string(300'000, 'x') + "\""), kIssuer, true)
          .has_value());
}

TEST(MetadataUrlTest, DropsOneSlashAtTheEndOfTheIssuer) {
  EXPECT_EQ(metadata_url("https://idp.example/")->text(),
            "https://idp.example/.well-known/openid-configuration");
  EXPECT_EQ(metadata_url("https://idp.example/realms/x")->text(),
            "https://idp.example/realms/x/.well-known/openid-configuration");
}

}  // namespace
}  // namespace vallum::identity
