#include "crypto/jose/jws.h"

#include <string>

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/jose/claims.h"
#include "crypto/jose/jwk.h"
#include "support/hex.h"
#include "support/signed_tokens.h"

namespace vallum::crypto {
namespace {

using testing::counting_bytes;
using testing::kRsaJwk;
using testing::kSignedTokens;

std::string encoded(std::string_view text) {
  return codec::encode_base64(as_bytes(text), codec::Base64::UrlRaw);
}

// A token with any header, correctly MACed: what a holder of the key, or of a wrong one, can make.
std::string forged(Hmac& key, std::string_view header, std::string_view payload) {
  const std::string input = encoded(header) + "." + encoded(payload);
  const Mac mac = key.mac(as_bytes(input));
  return input + "." + codec::encode_base64(mac, codec::Base64::UrlRaw);
}

JwkSet key_set(std::string_view jwk) {
  auto set = JwkSet::parse("{\"keys\":[" + std::string(jwk) + "]}");
  EXPECT_TRUE(set.has_value());
  return *std::move(set);
}

Result<std::string> verify(const JwkSet& keys, JwsAlgorithmSet allowed, std::string_view compact) {
  TRY(const UnverifiedJws jws, UnverifiedJws::parse(compact));
  return verify_jws(keys, allowed, jws);
}

class SharedKeyTest : public ::testing::Test {
 protected:
  Hmac key_{MacAlgorithm::HmacSha256, counting_bytes(32)};
};

// RFC 7515 A.1, whose header has a line break inside.
TEST(Hs256Test, VerifiesThePublishedExample) {
  const auto secret = codec::decode_base64(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
      codec::Base64::UrlRaw);
  ASSERT_TRUE(secret.has_value());
  Hmac key(MacAlgorithm::HmacSha256, *secret);

  const auto payload = verify_hs256(
      key,
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");

  ASSERT_TRUE(payload.has_value());
  EXPECT_EQ(*payload,
            "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}");
}

// Identity specification 1.8, 3.6 and 4.2.
TEST_F(SharedKeyTest, SignsTheSpecifiedTokensByteForByte) {
  EXPECT_EQ(
      sign_hs256(
          key_,
          R"({"aud":["authenticate.example.com","app.example.com"],)"
          R"("databroker_record_version":7,"databroker_server_version":14933030487562215425,)"
          R"("iat":1700000000,"idp_id":"idp1","iss":"authenticate.example.com",)"
          R"("jti":"11111111-2222-4333-8444-555555555555","sub":"user-1"})"),
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOlsiYXV0aGVudGljYXRlLmV4YW1wbGUuY29tIiwiYXBwLm"
      "V4YW1wbGUuY29tIl0sImRhdGFicm9rZXJfcmVjb3JkX3ZlcnNpb24iOjcsImRhdGFicm9rZXJfc2VydmVyX3ZlcnNpb2"
      "4iOjE0OTMzMDMwNDg3NTYyMjE1NDI1LCJpYXQiOjE3MDAwMDAwMDAsImlkcF9pZCI6ImlkcDEiLCJpc3MiOiJhdXRoZW"
      "50aWNhdGUuZXhhbXBsZS5jb20iLCJqdGkiOiIxMTExMTExMS0yMjIyLTQzMzMtODQ0NC01NTU1NTU1NTU1NTUiLCJzdW"
      "IiOiJ1c2VyLTEifQ.kKS16ZaAQ9ECwONGT-LAHBr5i4S69cwvRIAAbX_Sn7A");
  EXPECT_EQ(sign_hs256(key_, R"({"iat":1700000000,"jti":"sa-1","nbf":1700000000,"sub":"user-1"})"),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
            "eyJpYXQiOjE3MDAwMDAwMDAsImp0aSI6InNhLTEiLCJuYmYiOjE3MDAwMDAwMDAsInN1YiI6InVzZXItMSJ9."
            "TpuMMPRDY5kd2HedTg3-8UsBm6f6s1o3HswQ87GxYdA");
  EXPECT_EQ(sign_hs256(key_, R"({"exp":1700003600})"),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3MDAwMDM2MDB9."
            "pVfpE00zqqze4QucIePUqmURVeFu8DaeUa6jSduY85Q");
}

TEST_F(SharedKeyTest, VerifiesWhatItSigned) {
  const std::string token = sign_hs256(key_, R"({"sub":"u"})");

  const auto payload = verify_hs256(key_, token);

  ASSERT_TRUE(payload.has_value());
  EXPECT_EQ(*payload, R"({"sub":"u"})");
}

TEST_F(SharedKeyTest, RefusesAnotherKey) {
  Hmac other(MacAlgorithm::HmacSha256, counting_bytes(32, 1));

  const auto payload = verify_hs256(key_, sign_hs256(other, "{}"));

  ASSERT_FALSE(payload.has_value());
  EXPECT_EQ(payload.error().kind(), ErrorKind::Unauthenticated);
}

// Covers SES-02.
TEST_F(SharedKeyTest, RefusesEveryHeaderButHs256) {
  Hmac empty(MacAlgorithm::HmacSha256, {});
  const std::string rsa_header =
      R"({"alg":"RS256","jwk":)" + std::string(kRsaJwk) + R"(,"typ":"JWT"})";

  EXPECT_FALSE(verify_hs256(key_, encoded(R"({"alg":"none"})") + "." + encoded("{}") + "."));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, R"({"alg":"none"})", "{}")));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, rsa_header, "{}")));
  EXPECT_FALSE(verify_hs256(key_, sign_hs256(empty, "{}")));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, R"({"alg":"HS256","crit":["exp"]})", "{}")));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, R"({"alg":"HS256","b64":false})", "{}")));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, R"({"alg":"HS256","b64":true})", "{}")));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, R"({"alg":"HS384"})", "{}")));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, R"({"alg":"hs256"})", "{}")));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, R"({"alg":["HS256"]})", "{}")));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, R"({"alg":"HS256","alg":"HS256"})", "{}")));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, R"({"typ":"JWT"})", "{}")));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, R"({"alg":"HS256","kid":7})", "{}")));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, R"(["HS256"])", "{}")));
  EXPECT_TRUE(verify_hs256(key_, forged(key_, R"({"alg":"HS256","kid":"k"})", "{}")));
}

TEST_F(SharedKeyTest, RefusesWhatIsNotExactlyThreeStrictParts) {
  const std::string good = sign_hs256(key_, R"({"sub":"u"})");
  const std::size_t last_dot = good.rfind('.');

  EXPECT_FALSE(verify_hs256(key_, ""));
  EXPECT_FALSE(verify_hs256(key_, "."));
  EXPECT_FALSE(verify_hs256(key_, ".."));
  EXPECT_FALSE(verify_hs256(key_, good.substr(0, last_dot)));
  EXPECT_FALSE(verify_hs256(key_, good + "."));
  EXPECT_FALSE(verify_hs256(key_, good + "=")) << "padding";
  EXPECT_FALSE(verify_hs256(key_, " " + good));
  EXPECT_FALSE(verify_hs256(key_, good + "\n"));
  EXPECT_FALSE(verify_hs256(key_, std::string(good).insert(last_dot + 3, "\n")));
  EXPECT_FALSE(verify_hs256(key_, good + std::string(1, '\0')));
  EXPECT_FALSE(verify_hs256(key_, R"({"payload":"e30","signatures":[]})"));
}

TEST_F(SharedKeyTest, RefusesTheOtherSpellingOfTheLastCharacter) {
  const std::string good = sign_hs256(key_, "{}");
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const std::size_t value = kAlphabet.find(good.back());
  std::string other = good;
  other.back() = kAlphabet[value ^ 1U];

  EXPECT_TRUE(verify_hs256(key_, good));
  EXPECT_FALSE(verify_hs256(key_, other)) << "32 bytes leave two unused bits; they must be zero";
}

TEST_F(SharedKeyTest, BoundsWhatItReads) {
  const std::string payload(12'000, 'x');
  const std::string deep =
      R"({"alg":"HS256","x":)" + std::string(500, '[') + std::string(500, ']') + "}";
  const std::string wide = R"({"alg":"HS256","x":")" + std::string(5'000, 'x') + "\"}";

  EXPECT_TRUE(verify_hs256(key_, sign_hs256(key_, payload), {.bytes_max = 17'000}));
  EXPECT_FALSE(verify_hs256(key_, sign_hs256(key_, payload), {.bytes_max = 8'000}));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, deep, "{}")));
  EXPECT_FALSE(verify_hs256(key_, forged(key_, wide, "{}")));
  EXPECT_FALSE(verify_hs256(key_, "e30.e30." + std::string(8'000, 'A')));
}

TEST(JwsTest, VerifiesEveryAlgorithmWithItsKeyOnly) {
  for (const auto& token : kSignedTokens) {
    const JwkSet keys = key_set(token.jwk);

    const auto payload = verify(keys, JwsAlgorithmSet::asymmetric(), token.compact);

    ASSERT_TRUE(payload.has_value()) << to_string(token.algorithm) << payload.error().message();
    EXPECT_EQ(*payload, "payload of " + std::string(to_string(token.algorithm)));
    for (const auto& other : kSignedTokens) {
      if (other.jwk != token.jwk) {
        EXPECT_FALSE(
            verify(key_set(other.jwk), JwsAlgorithmSet::asymmetric(), token.compact).has_value());
      }
    }
  }
}

TEST(JwsTest, RefusesAlteredSignaturesAndMessages) {
  for (const auto& token : kSignedTokens) {
    const JwkSet keys = key_set(token.jwk);
    const std::string good(token.compact);
    const std::size_t signature_at = good.rfind('.') + 1;
    std::string other_signature = good;
    other_signature[signature_at + 8] = good[signature_at + 8] == 'A' ? 'B' : 'A';
    std::string other_payload = good;
    other_payload[signature_at - 3] = good[signature_at - 3] == 'A' ? 'B' : 'A';
    const std::string shorter = good.substr(0, good.size() - 4);

    EXPECT_FALSE(verify(keys, JwsAlgorithmSet::asymmetric(), other_signature).has_value());
    EXPECT_FALSE(verify(keys, JwsAlgorithmSet::asymmetric(), other_payload).has_value());
    EXPECT_FALSE(verify(keys, JwsAlgorithmSet::asymmetric(), shorter).has_value());
    EXPECT_FALSE(verify(keys, JwsAlgorithmSet::asymmetric(), good + "AAAA").has_value());
  }
}

TEST(JwsTest, WantsThePssSaltOfItsHash) {
  EXPECT_FALSE(verify(key_set(kRsaJwk), JwsAlgorithmSet::asymmetric(), testing::kPs256WithShortSalt)
                   .has_value());
}

TEST(JwsTest, RefusesZerosAsAnEcdsaSignature) {
  const auto& es256 = kSignedTokens[6];
  ASSERT_EQ(es256.algorithm, JwsAlgorithm::Es256);
  const std::string input(es256.compact.substr(0, es256.compact.rfind('.') + 1));

  const std::string zeros =
      input + codec::encode_base64(Bytes(64, std::byte{0}), codec::Base64::UrlRaw);

  EXPECT_FALSE(verify(key_set(es256.jwk), JwsAlgorithmSet::asymmetric(), zeros).has_value());
}

TEST(JwsTest, RefusesAnAlgorithmThatIsNotAllowedHere) {
  const auto& rs256 = kSignedTokens[0];
  ASSERT_EQ(rs256.algorithm, JwsAlgorithm::Rs256);

  const auto payload = verify(key_set(rs256.jwk), {JwsAlgorithm::Es256}, rs256.compact);

  ASSERT_FALSE(payload.has_value());
  EXPECT_EQ(payload.error().kind(), ErrorKind::Unauthenticated);
}

// Covers OID-08, OID-09.
TEST(JwsTest, APublicKeyNeverBecomesASharedSecret) {
  const JwkSet keys = key_set(kRsaJwk);
  const auto node = codec::parse_json(kRsaJwk);
  ASSERT_TRUE(node.has_value());
  const std::string modulus = node->find("n")->text();
  Hmac with_text(MacAlgorithm::HmacSha256, as_bytes(kRsaJwk));
  Hmac with_modulus(MacAlgorithm::HmacSha256, as_bytes(modulus));
  JwsAlgorithmSet everything = JwsAlgorithmSet::asymmetric();
  everything.insert(JwsAlgorithm::Hs256);

  EXPECT_FALSE(verify(keys, everything, sign_hs256(with_text, "{}")).has_value());
  EXPECT_FALSE(verify(keys, everything, sign_hs256(with_modulus, "{}")).has_value());
  EXPECT_FALSE(verify(keys, everything, encoded(R"({"alg":"none"})") + "." + encoded("{}") + ".")
                   .has_value());
}

TEST(JwsTest, TellsAnUnknownKeyIdFromAWrongSignature) {
  const auto& es256 = kSignedTokens[6];
  std::string jwk(es256.jwk);
  jwk.insert(1, R"("kid":"new",)");
  const std::string payload_and_signature(es256.compact.substr(es256.compact.find('.')));
  const std::string with_old_id = encoded(R"({"alg":"ES256","kid":"old"})") + payload_and_signature;
  const std::string with_new_id = encoded(R"({"alg":"ES256","kid":"new"})") + payload_and_signature;

  const auto unknown = verify(key_set(jwk), JwsAlgorithmSet::asymmetric(), with_old_id);
  const auto wrong = verify(key_set(jwk), JwsAlgorithmSet::asymmetric(), with_new_id);

  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().kind(), ErrorKind::NotFound);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().kind(), ErrorKind::Unauthenticated);
}

// RFC 7515 A.3 and RFC 8037 A.4.
TEST(JwsTest, VerifiesPublishedExamples) {
  const auto ecdsa = verify(
      key_set(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
              R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})"),
      {JwsAlgorithm::Es256},
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm"
      "NvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApm"
      "WQxfKTUJqPP3-Kg6NU1Q");
  const auto eddsa = verify(
      key_set(R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})"),
      {JwsAlgorithm::EdDsa},
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcv"
      "Mg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");

  EXPECT_TRUE(ecdsa.has_value());
  ASSERT_TRUE(eddsa.has_value());
  EXPECT_EQ(*eddsa, "Example of Ed25519 signing");
}

// Covers SES-28.
TEST(ClaimsTest, KeepsIntegersThatADoubleCannotHold) {
  const auto claims = parse_claims(
      R"({"a":18446744073709551615,"b":14933030487562215425,"c":-1,"d":1e30,"e":"7"})");

  ASSERT_TRUE(claims.has_value());
  EXPECT_EQ(claims->find("a")->as_u64(), 18446744073709551615ULL);
  EXPECT_EQ(claims->find("b")->as_u64(), 14933030487562215425ULL);
  EXPECT_EQ(claims->find("c")->as_u64(), std::nullopt);
  EXPECT_EQ(claims->find("d")->as_u64(), std::nullopt);
  EXPECT_EQ(claims->find("e")->as_u64(), std::nullopt);
}

TEST(ClaimsTest, RefusesWhatIsNotOnePlainObject) {
  EXPECT_FALSE(parse_claims("").has_value());
  EXPECT_FALSE(parse_claims("[]").has_value());
  EXPECT_FALSE(parse_claims(R"({"sub":"a","sub":"b"})").has_value());
  EXPECT_FALSE(parse_claims(R"({"sub":"a"} x)").has_value());
  EXPECT_FALSE(parse_claims(std::string(1000, '[')).has_value());
  EXPECT_FALSE(parse_claims(R"({"a":")" + std::string(70'000, 'x') + "\"}").has_value());
}

TEST(ClaimsTest, ReadsDatesWithFractionsAndRefusesTheRest) {
  const auto claims = parse_claims(
      R"({"whole":1700000000,"fraction":1700000000.25,"exponent":1.7e9,"text":"1700000000",)"
      R"("negative":-5,"huge":1e300,"late":99999999999})");
  ASSERT_TRUE(claims.has_value());

  EXPECT_EQ(numeric_date(*claims->find("whole")), from_unix_seconds(1700000000));
  EXPECT_EQ(numeric_date(*claims->find("fraction")),
            from_unix_seconds(1700000000) + std::chrono::milliseconds(250));
  EXPECT_EQ(numeric_date(*claims->find("exponent")), from_unix_seconds(1700000000));
  EXPECT_EQ(numeric_date(*claims->find("text")), std::nullopt);
  EXPECT_EQ(numeric_date(*claims->find("negative")), std::nullopt);
  EXPECT_EQ(numeric_date(*claims->find("huge")), std::nullopt);
  EXPECT_EQ(numeric_date(*claims->find("late")), std::nullopt);
}

}  // namespace
}  // namespace vallum::crypto
