#include "crypto/jose/jwk.h"

#include <string>

#include <gtest/gtest.h>

#include "codec/json.h"
#include "support/signed_tokens.h"

namespace vallum::crypto {
namespace {

using testing::kRsa1024Jwk;
using testing::kRsaJwk;
using testing::kSignedTokens;

Result<Jwk> parse(std::string_view json) {
  TRY(const codec::Node node, codec::parse_json(json));
  return Jwk::parse(node);
}

// kRsaJwk or another with one more member in front.
std::string with(std::string_view jwk, std::string_view member) {
  std::string out(jwk);
  out.insert(1, std::string(member) + ",");
  return out;
}

std::string replaced(std::string_view jwk, std::string_view from, std::string_view to) {
  std::string out(jwk);
  const std::size_t at = out.find(from);
  EXPECT_NE(at, std::string::npos);
  return out.replace(at, from.size(), to);
}

TEST(JwkTest, ReadsTheKeyTypesWeVerifyWith) {
  for (const auto& token : kSignedTokens) {
    const auto key = parse(token.jwk);

    ASSERT_TRUE(key.has_value()) << key.error().message();
    EXPECT_TRUE(key->can_verify(token.algorithm));
    EXPECT_FALSE(key->can_verify(JwsAlgorithm::Hs256));
  }
}

TEST(JwkTest, AnAlgorithmInTheKeyIsTheOnlyOne) {
  const auto key = parse(with(kRsaJwk, R"("alg":"PS384","kid":"k1")"));

  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->key_id(), "k1");
  EXPECT_TRUE(key->can_verify(JwsAlgorithm::Ps384));
  EXPECT_FALSE(key->can_verify(JwsAlgorithm::Rs256));
}

TEST(JwkTest, RefusesWeakRsaKeys) {
  EXPECT_FALSE(parse(kRsa1024Jwk).has_value());
  EXPECT_FALSE(parse(replaced(kRsaJwk, "AQAB", "AQ")).has_value()) << "exponent 1";
  EXPECT_FALSE(parse(replaced(kRsaJwk, "AQAB", "AQAA")).has_value()) << "even exponent";
  EXPECT_FALSE(parse(replaced(kRsaJwk, "AQAB", "AAAAAAAAAAAAAQAB")).has_value()) << "too long";
  EXPECT_FALSE(
      parse(R"({"kty":"RSA","e":"AQAB","n":")" + std::string(3000, 'A') + "\"}").has_value());
  EXPECT_FALSE(parse(R"({"kty":"RSA","e":"AQAB"})").has_value());
  EXPECT_FALSE(parse(R"({"kty":"RSA","e":"AQAB","n":7})").has_value());
}

TEST(JwkTest, RefusesPointsThatAreNotOnTheirCurve) {
  const auto& es256 = kSignedTokens[6];
  ASSERT_EQ(es256.algorithm, JwsAlgorithm::Es256);
  const std::string zeros(43, 'A');

  EXPECT_FALSE(parse(R"({"kty":"EC","crv":"P-256","x":")" + zeros + R"(","y":")" + zeros + "\"}")
                   .has_value());
  EXPECT_FALSE(parse(replaced(es256.jwk, "P-256", "P-384")).has_value());
  EXPECT_FALSE(parse(replaced(es256.jwk, "P-256", "secp256k1")).has_value());
  EXPECT_FALSE(parse(replaced(es256.jwk, "\"y\"", "\"z\"")).has_value());
  EXPECT_FALSE(parse(R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})").has_value());
  EXPECT_FALSE(parse(R"({"kty":"OKP","crv":"X25519","x":")" + zeros + "\"}").has_value());
}

TEST(JwkTest, RefusesKeysThatAreNotForVerifying) {
  EXPECT_FALSE(parse(with(kRsaJwk, R"("use":"enc")")).has_value());
  EXPECT_FALSE(parse(with(kRsaJwk, R"("key_ops":["sign"])")).has_value());
  EXPECT_FALSE(parse(with(kRsaJwk, R"("key_ops":[])")).has_value());
  EXPECT_FALSE(parse(with(kRsaJwk, R"("alg":"RSA-OAEP")")).has_value());
  EXPECT_FALSE(parse(with(kRsaJwk, R"("alg":"ES256")")).has_value());
  EXPECT_FALSE(parse(with(kRsaJwk, R"("alg":"HS256")")).has_value());
  EXPECT_FALSE(parse(with(kRsaJwk, R"("d":"AQAB")")).has_value()) << "private";
  EXPECT_FALSE(parse(R"({"kty":"oct","k":"AAAA"})").has_value());
  EXPECT_FALSE(parse("[]").has_value());
  EXPECT_TRUE(parse(with(kRsaJwk, R"("use":"sig","key_ops":["verify"])")).has_value());
}

TEST(JwkSetTest, SkipsWhatItCannotUse) {
  const std::string text = R"({"keys":[{"kty":"oct","k":"AAAA"},)" +
                           with(kRsaJwk, R"("kid":"good")") + R"(,"rubbish",)" +
                           std::string(kRsa1024Jwk) + R"(],"extra":1})";

  const auto set = JwkSet::parse(text);

  ASSERT_TRUE(set.has_value());
  ASSERT_EQ(set->keys().size(), 1U);
  EXPECT_TRUE(set->contains("good"));
  EXPECT_FALSE(set->contains("bad"));
}

TEST(JwkSetTest, RefusesWhatIsNoKeySet) {
  EXPECT_FALSE(JwkSet::parse("").has_value());
  EXPECT_FALSE(JwkSet::parse("<html>").has_value());
  EXPECT_FALSE(JwkSet::parse("[]").has_value());
  EXPECT_FALSE(JwkSet::parse("{}").has_value());
  EXPECT_FALSE(JwkSet::parse(R"({"keys":{}})").has_value());
  EXPECT_FALSE(JwkSet::parse(R"({"keys":[],"keys":[]})").has_value());
}

// Covers OID-19.
TEST(JwkSetTest, RefusesTenThousandKeysAndMegabytes) {
  std::string many = R"({"keys":[{})";
  for (int i = 0; i < 10'000; ++i) {
    many += ",{}";
  }
  many += "]}";

  EXPECT_FALSE(JwkSet::parse(many).has_value());
  EXPECT_FALSE(
      JwkSet::parse(R"({"keys":[],"x":")" + std::string(std::size_t{10} << 20, 'x') + "\"}")
          .has_value());
}

}  // namespace
}  // namespace vallum::crypto
