#include "crypto/jose/signing_key.h"

#include <string>

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "support/hex.h"
#include "support/signed_tokens.h"

namespace vallum::crypto {
namespace {

using testing::counting_bytes;
using testing::kEcPem;
using testing::kP384Pem;
using testing::kRsaPem;

Secret secret(std::string_view text) {
  return Secret(text);
}

// Identity specification 5.3, derivation 1.
TEST(SigningKeyTest, DerivesTheSpecifiedKey) {
  const SigningKey key = SigningKey::derive(Secret(counting_bytes(32)));

  EXPECT_EQ(key.algorithm(), JwsAlgorithm::Es256);
  EXPECT_EQ(key.key_id(), "dfdc30ede8204880a26e86348232fede98474153abe3975b99290fa48522c81b");
  const auto jwk = codec::parse_json(key.public_jwk());
  ASSERT_TRUE(jwk.has_value());
  EXPECT_EQ(jwk->find("x")->text(), "1uOUuU7VQuyIQZJTQQ85nB_uP8iBgYYDyiS8sUpYnH8");
  EXPECT_EQ(jwk->find("y")->text(), "GDkhzIWUOKSwHp2tisJy6FYSUc9tngjTFwNlBADz8JY");
  EXPECT_EQ(jwk->find("use")->text(), "sig");
  EXPECT_EQ(jwk->find("alg")->text(), "ES256");
  EXPECT_EQ(jwk->find("kid")->text(), key.key_id());
}

// Policy specification 5.3.
TEST(SigningKeyTest, DerivesTheSpecifiedKeyOfATextSecret) {
  const SigningKey key = SigningKey::derive(secret("ABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890+/AAAA="));

  EXPECT_EQ(key.key_id(), "8fe3586687bf08a811338e8fd503289e323d1417a1a4aaa368cfaeafe9ae6cc5");
  EXPECT_NE(key.public_jwk().find("2EUdBs4O1nfxBWQ2AIZRnFih9sBmSKp0vhRvcWljmqI"),
            std::string::npos);
}

TEST(SigningKeyTest, SignsWhatItsPublishedKeyVerifies) {
  for (const std::string_view pem : {kEcPem, kRsaPem}) {
    const auto keys = SigningKeys::parse(secret(pem));
    ASSERT_TRUE(keys.has_value()) << keys.error().message();
    const auto set = JwkSet::parse(keys->jwks());
    ASSERT_TRUE(set.has_value());

    const std::string token = keys->active().sign(R"({"sub":"u"})");
    const auto jws = UnverifiedJws::parse(token);
    ASSERT_TRUE(jws.has_value());
    const auto payload = verify_jws(*set, {keys->active().algorithm()}, *jws);

    ASSERT_TRUE(payload.has_value()) << payload.error().message();
    EXPECT_EQ(*payload, R"({"sub":"u"})");
    EXPECT_EQ(jws->key_id(), keys->active().key_id());
  }
}

TEST(SigningKeyTest, NamesItselfByTheThumbprintOfItsPublicKey) {
  const auto key = SigningKey::parse_pem(kRsaPem);
  ASSERT_TRUE(key.has_value());
  const auto jwk = codec::parse_json(key->public_jwk());
  ASSERT_TRUE(jwk.has_value());

  const std::string canonical = R"({"e":")" + jwk->find("e")->text() + R"(","kty":"RSA","n":")" +
                                jwk->find("n")->text() + "\"}";

  EXPECT_EQ(key->algorithm(), JwsAlgorithm::Rs256);
  EXPECT_EQ(key->key_id(), to_hex(sha256(as_bytes(canonical))));
}

TEST(SigningKeysTest, SignsWithTheFirstAndPublishesAll) {
  const auto keys = SigningKeys::parse(secret(std::string(kEcPem) + std::string(kRsaPem)));
  ASSERT_TRUE(keys.has_value());

  const auto set = JwkSet::parse(keys->jwks());

  ASSERT_TRUE(set.has_value());
  EXPECT_EQ(keys->active().algorithm(), JwsAlgorithm::Es256);
  ASSERT_EQ(set->keys().size(), 2U);
  EXPECT_EQ(set->keys()[0].key_id(), keys->active().key_id());
  EXPECT_TRUE(set->keys()[1].can_verify(JwsAlgorithm::Rs256));
}

TEST(SigningKeysTest, ReadsBase64OfPem) {
  std::string wrapped = codec::encode_base64(as_bytes(kEcPem), codec::Base64::Std);
  wrapped.insert(64, "\n");
  wrapped += "\n";

  const auto keys = SigningKeys::parse(secret(wrapped));
  const auto plain = SigningKeys::parse(secret(kEcPem));

  ASSERT_TRUE(keys.has_value() && plain.has_value());
  EXPECT_EQ(keys->active().key_id(), plain->active().key_id());
}

TEST(SigningKeysTest, SkipsTheParametersThatToolsWriteBeforeAKey) {
  const std::string text =
      "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" +
      std::string(kEcPem);

  EXPECT_TRUE(SigningKeys::parse(secret(text)).has_value());
}

TEST(SigningKeysTest, RefusesOtherKeysAndRubbish) {
  std::string torn(kEcPem);
  torn.erase(60, 4);
  std::string many;
  for (int i = 0; i < 17; ++i) {
    many += kEcPem;
  }

  EXPECT_FALSE(SigningKeys::parse(secret("")).has_value());
  EXPECT_FALSE(SigningKeys::parse(secret("not a key")).has_value());
  EXPECT_FALSE(SigningKeys::parse(secret(kP384Pem)).has_value());
  EXPECT_FALSE(SigningKeys::parse(secret(torn)).has_value());
  EXPECT_FALSE(SigningKeys::parse(secret(std::string(kEcPem) + std::string(kP384Pem))).has_value());
  EXPECT_FALSE(SigningKeys::parse(secret(many)).has_value());
  EXPECT_FALSE(SigningKeys::parse(secret("-----BEGIN CERTIFICATE-----\nAAAA\n"
                                         "-----END CERTIFICATE-----\n"))
                   .has_value());
}

}  // namespace
}  // namespace vallum::crypto
