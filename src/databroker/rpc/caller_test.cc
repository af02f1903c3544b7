#include "databroker/rpc/caller.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "crypto/jose/jws.h"
#include "crypto/kdf.h"
#include "support/seeded_entropy.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;

// 00 01 .. 1f, the key of the specification's examples.
Secret shared_secret() {
  std::string key;
  for (char c = 0; c < 32; ++c) {
    key.push_back(c);
  }
  return Secret(std::string_view(key));
}

constexpr WallTime kNow{1'700'000'000s};

std::string base64url(std::string_view text) {
  return codec::encode_base64(as_bytes(text), codec::Base64::UrlRaw);
}
std::string token(const Secret& key, std::string_view claims, std::string_view header) {
  crypto::Hmac mac(crypto::MacAlgorithm::HmacSha256, key.expose());
  const std::string input = base64url(header) + "." + base64url(claims);
  return input + "." + base64url(as_text(mac.mac(as_bytes(input))));
}
std::string v1(std::string_view claims,
               std::string_view header = R"({"alg":"HS256","typ":"JWT"})") {
  return token(shared_secret(), claims, header);
}
std::string v2(std::string_view claims) {
  const Secret key = crypto::hkdf_sha256(shared_secret().expose(), "databroker-rpc", 32);
  return token(key, claims, R"({"alg":"HS256","kid":"databroker-rpc","typ":"JWT"})");
}
std::string v2_of(std::string_view service) {
  return v2(R"({"iss":"vallum","aud":"databroker","sub":")" + std::string(service) +
            R"(","iat":1700000000,"exp":1700003600,"jti":"1"})");
}

std::string role(std::string_view given) {
  const auto role = CallerTokens(shared_secret()).verify(given, kNow);
  if (!role) {
    EXPECT_EQ(role.error().kind(), ErrorKind::Unauthenticated);
    return std::string(role.error().message());
  }
  switch (*role) {
    case Role::Reader:
      return "reader";
    case Role::Writer:
      return "writer";
    case Role::Admin:
      return "admin";
  }
  return "";
}

TEST(CallerTokensTest, AcceptTheTokenOfTheReference) {
  EXPECT_EQ(role("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3MDAwMDM2MDB9."
                 "pVfpE00zqqze4QucIePUqmURVeFu8DaeUa6jSduY85Q"),
            "admin");
}

// Covers DBR-02. Cookies and service accounts are signed with the same key (CVE-2024-47616).
TEST(CallerTokensTest, RefuseATokenThatClaimsMore) {
  // The service account of the specification.
  EXPECT_EQ(role("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
                 "eyJpYXQiOjE3MDAwMDAwMDAsImp0aSI6InNhLTEiLCJuYmYiOjE3MDAwMDAwMDAsInN1YiI6InVzZXIt"
                 "MSJ9.TpuMMPRDY5kd2HedTg3-8UsBm6f6s1o3HswQ87GxYdA"),
            "invalid JWT");
  EXPECT_EQ(role(v1(R"({"exp":1700003600,"sub":"u"})")), "invalid JWT");
  EXPECT_EQ(role(v1(R"({"exp":1700003600,"iat":1700000000})")), "invalid JWT");
  EXPECT_EQ(role(v1(R"({"exp":1700003600,"exp":1700003600})")), "invalid JWT");
  EXPECT_EQ(role(v1(R"({"iss":"vallum","aud":"databroker","sub":"proxy","iat":1700000000,)"
                    R"("exp":1700003600,"jti":"1"})")),
            "invalid JWT");
}

// Covers DBR-03.
TEST(CallerTokensTest, RefuseEveryOtherExpiry) {
  for (const char* claims : {R"({})",
                             R"({"exp":1700000000})",
                             R"({"exp":1699999999})",
                             R"({"exp":"1700003600"})",
                             R"({"exp":1700003600.5})",
                             R"({"exp":1.7000036e9})",
                             R"({"exp":1e400})",
                             R"({"exp":null})",
                             R"({"exp":true})",
                             R"({"exp":[1700003600]})",
                             R"({"exp":-1})",
                             R"({"exp":18446744073709551616})",
                             R"({"exp":1700003661})",
                             R"([1700003600])",
                             R"(1700003600)",
                             ""}) {
    EXPECT_EQ(role(v1(claims)), "invalid JWT") << claims;
  }
  EXPECT_EQ(role(v1(R"({"exp":1700003660})")), "admin");
}

// Covers DBR-04.
TEST(CallerTokensTest, RefuseOtherAlgorithmsAndKeys) {
  const std::string claims = R"({"exp":1700003600})";
  EXPECT_EQ(role(v1(claims, R"({"alg":"none"})")), "invalid JWT");
  EXPECT_EQ(role(v1(claims, R"({"alg":"HS512"})")), "invalid JWT");
  EXPECT_EQ(role(v1(claims, R"({"alg":"RS256"})")), "invalid JWT");
  EXPECT_EQ(role(base64url(R"({"alg":"none"})") + "." + base64url(claims) + "."), "invalid JWT");
  EXPECT_EQ(role(token(Secret(std::string_view("another key of thirty-two bytes!")),
                       claims,
                       R"({"alg":"HS256"})")),
            "invalid JWT");
  EXPECT_EQ(role(""), "invalid JWT");
  EXPECT_EQ(role("a.b.c"), "invalid JWT");
  EXPECT_EQ(role(std::string(100'000, 'a')), "invalid JWT");
}

TEST(CallerTokensTest, KnowTheServiceOfATokenOfTheirPurpose) {
  EXPECT_EQ(role(v2_of("proxy")), "reader");
  EXPECT_EQ(role(v2_of("authorize")), "reader");
  EXPECT_EQ(role(v2_of("authenticate")), "writer");
  EXPECT_EQ(role(v2_of("identity-manager")), "writer");
  EXPECT_EQ(role(v2_of("databroker")), "admin");
  EXPECT_EQ(role(v2_of("root")), "invalid JWT");
}

TEST(CallerTokensTest, RefuseATokenOfTheirPurposeThatIsNotWhole) {
  const auto with = [](std::string_view from, std::string_view to) {
    std::string claims = R"({"iss":"vallum","aud":"databroker","sub":"proxy","iat":1700000000,)"
                         R"("exp":1700003600,"jti":"1"})";
    claims.replace(claims.find(from), from.size(), to);
    return role(v2(claims));
  };
  EXPECT_EQ(with(R"("iss":"vallum",)", ""), "invalid JWT");
  EXPECT_EQ(with("vallum", "other"), "invalid JWT");
  EXPECT_EQ(with(R"("databroker")", R"("proxy")"), "invalid JWT");
  EXPECT_EQ(with(R"("databroker")", R"(["databroker"])"), "invalid JWT");
  EXPECT_EQ(with(R"(,"jti":"1")", ""), "invalid JWT");
  EXPECT_EQ(with(R"("jti":"1")", R"("jti":"")"), "invalid JWT");
  EXPECT_EQ(with(R"("jti":"1")", R"("jti":"1","more":1)"), "invalid JWT");
  EXPECT_EQ(with("1700003600", "1699999999"), "invalid JWT");
  EXPECT_EQ(with("1700003600", "1700009999"), "invalid JWT");
  EXPECT_EQ(with(R"("iat":1700000000)", R"("iat":1700000061)"), "invalid JWT");
  EXPECT_EQ(with("vallum", "vallum"), "reader");
  // A key of one purpose says nothing about the other form.
  EXPECT_EQ(role(v2(R"({"exp":1700003600})")), "invalid JWT");
}

TEST(CallerRoleTest, IsThatOfTheWeakestNameOfTheCertificate) {
  EXPECT_EQ(*role_of_certificate({}), std::nullopt);
  EXPECT_EQ(*role_of_certificate({"db.example"}), std::nullopt);
  EXPECT_EQ(*role_of_certificate({"db.example", "vallum:service:databroker"}), Role::Admin);
  EXPECT_EQ(*role_of_certificate({"vallum:service:databroker", "vallum:service:proxy"}),
            Role::Reader);
  EXPECT_EQ(*role_of_certificate({"vallum:service:authenticate"}), Role::Writer);
}

TEST(CallerRoleTest, ANameOfNoServiceGivesNone) {
  const auto role = role_of_certificate({"vallum:service:proxy", "vallum:service:typing-mistake"});

  ASSERT_FALSE(role.has_value());
  EXPECT_EQ(role.error().kind(), ErrorKind::PermissionDenied);
}

TEST(CallerTokensTest, AcceptTheTokensThatAreMadeHere) {
  testing::SeededEntropy entropy(1);
  const std::string made = make_caller_token(shared_secret(), "identity-manager", kNow, entropy);

  EXPECT_EQ(role(made), "writer");
  EXPECT_EQ(role(make_caller_token(shared_secret(), "cook", kNow, entropy)), "invalid JWT");
  EXPECT_FALSE(CallerTokens(shared_secret()).verify(made, kNow + 1min).has_value());
  EXPECT_NE(made, make_caller_token(shared_secret(), "identity-manager", kNow, entropy));
}

TEST(CallerTokensTest, ATokenOfAnyListedSecretCountsAndOfNoOther) {
  SecretList both(Secret(std::string_view("another secret of thirty-two byt")));
  both.add_older(shared_secret());
  const std::string old_v1 = v1(R"({"exp":1700003600})");
  const std::string old_v2 = v2_of("proxy");

  EXPECT_TRUE(CallerTokens(both).verify(old_v1, kNow).has_value());
  EXPECT_TRUE(CallerTokens(both).verify(old_v2, kNow).has_value());
  const SecretList next(Secret(std::string_view("another secret of thirty-two byt")));
  EXPECT_FALSE(CallerTokens(next).verify(old_v1, kNow).has_value());
  EXPECT_FALSE(CallerTokens(next).verify(old_v2, kNow).has_value());
}

}  // namespace
}  // namespace vallum::databroker
