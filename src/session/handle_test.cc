#include "session/handle.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "crypto/jose/jws.h"

namespace vallum::session {
namespace {

// The shared key of the specification's examples: bytes 00 to 1f.
Secret example_key() {
  Bytes key;
  for (int i = 0; i < 32; ++i) {
    key.push_back(static_cast<std::byte>(i));
  }
  return Secret(std::move(key));
}

constexpr std::string_view kExample =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJhdWQiOlsiYXV0aGVudGljYXRlLmV4YW1wbGUuY29tIiwiYXBwLmV4YW1wbGUuY29tIl0sImRhdGFicm9rZXJfcmVjb3"
    "JkX3ZlcnNpb24iOjcsImRhdGFicm9rZXJfc2VydmVyX3ZlcnNpb24iOjE0OTMzMDMwNDg3NTYyMjE1NDI1LCJpYXQiOjE3"
    "MDAwMDAwMDAsImlkcF9pZCI6ImlkcDEiLCJpc3MiOiJhdXRoZW50aWNhdGUuZXhhbXBsZS5jb20iLCJqdGkiOiIxMTExMT"
    "ExMS0yMjIyLTQzMzMtODQ0NC01NTU1NTU1NTU1NTUiLCJzdWIiOiJ1c2VyLTEifQ."
    "kKS16ZaAQ9ECwONGT-LAHBr5i4S69cwvRIAAbX_Sn7A";

Handle example() {
  Handle handle;
  handle.session_id = "11111111-2222-4333-8444-555555555555";
  handle.user_id = "user-1";
  handle.issuer = "authenticate.example.com";
  handle.audience = {"authenticate.example.com", "app.example.com"};
  handle.issued_at = from_unix_seconds(1700000000);
  handle.idp_id = "idp1";
  handle.server_version = 14933030487562215425U;
  handle.record_version = 7;
  return handle;
}

class HandleTest : public ::testing::Test {
 protected:
  std::string signed_claims(std::string_view claims) { return crypto::sign_hs256(hmac_, claims); }
  bool is_refused(std::string_view text) {
    const auto handle = codec_.verify(text);
    EXPECT_TRUE(handle || handle.error().kind() == ErrorKind::Unauthenticated);
    return !handle;
  }
  static std::string encode(std::string_view text) {
    return codec::encode_base64(as_bytes(text), codec::Base64::UrlRaw);
  }
  // Signed correctly by HMAC-SHA256 whatever the header says.
  std::string with_header(std::string_view header, std::string_view claims) {
    const std::string input = encode(header) + "." + encode(claims);
    return input + "." + codec::encode_base64(hmac_.mac(as_bytes(input)), codec::Base64::UrlRaw);
  }

  HandleCodec codec_{example_key()};
  crypto::Hmac hmac_{crypto::MacAlgorithm::HmacSha256, example_key().expose()};
};

TEST_F(HandleTest, ReproducesTheSpecificationsExampleByteForByte) {
  EXPECT_EQ(codec_.sign(example()), kExample);
}

TEST_F(HandleTest, ReadsTheSpecificationsExample) {
  const auto handle = codec_.verify(kExample);

  ASSERT_TRUE(handle.has_value());
  EXPECT_EQ(*handle, example());
}

TEST_F(HandleTest, ReadsTheSpecificationsServiceAccountToken) {
  const auto handle = codec_.verify(
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3MDAwMDAwMDAsImp0aSI6InNhLTEiLCJuYmYiOjE3MDA"
      "wMDAwMDAsInN1YiI6InVzZXItMSJ9.TpuMMPRDY5kd2HedTg3-8UsBm6f6s1o3HswQ87GxYdA");

  ASSERT_TRUE(handle.has_value());
  EXPECT_EQ(handle->session_id, "sa-1");
  EXPECT_EQ(handle->not_before, from_unix_seconds(1700000000));
  EXPECT_TRUE(handle->is_service_account());
  EXPECT_FALSE(example().is_service_account());
}

// Covers SES-01.
TEST_F(HandleTest, RefusesAnotherDeploymentsSignature) {
  HandleCodec foreign{Secret(std::string_view("another key of thirty-two bytes!"))};

  EXPECT_TRUE(is_refused(foreign.sign(example())));
}

// Covers SES-02.
TEST_F(HandleTest, RefusesEveryAlgorithmAndHeaderButTheOne) {
  const std::string_view claims = R"({"jti":"s","sub":"u"})";
  ASSERT_FALSE(is_refused(with_header(R"({"alg":"HS256","typ":"JWT"})", claims)));

  EXPECT_TRUE(is_refused(encode(R"({"alg":"none"})") + "." + encode(claims) + "."));
  EXPECT_TRUE(is_refused(with_header(R"({"alg":"none"})", claims)));
  EXPECT_TRUE(is_refused(with_header(R"({"alg":"HS384"})", claims)));
  EXPECT_TRUE(is_refused(with_header(R"({"alg":"HS512"})", claims)));
  EXPECT_TRUE(is_refused(with_header(R"({"alg":"RS256","jwk":{"kty":"RSA"}})", claims)));
  EXPECT_TRUE(is_refused(with_header(R"({"alg":"hs256"})", claims)));
  EXPECT_TRUE(is_refused(with_header(R"({"alg":"HS256","crit":["x"],"x":1})", claims)));
  EXPECT_TRUE(is_refused(with_header(R"({"alg":"HS256","b64":false})", claims)));
  EXPECT_TRUE(is_refused(with_header(R"({})", claims)));
  HandleCodec keyless{Secret()};
  EXPECT_TRUE(is_refused(keyless.sign(example())));
}

// Covers SES-03.
TEST_F(HandleTest, RefusesTokensOfOtherPurposesUnderTheSameKey) {
  EXPECT_TRUE(
      is_refused("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3MDAwMDM2MDB9."
                 "pVfpE00zqqze4QucIePUqmURVeFu8DaeUa6jSduY85Q"));
  EXPECT_TRUE(is_refused(signed_claims(R"({"exp":1900000000,"sub":"u"})")));
  EXPECT_TRUE(is_refused(signed_claims(R"({"jti":"","sub":"u"})")));
  EXPECT_TRUE(is_refused(signed_claims(R"({"jti":7,"sub":"u"})")));
}

// Covers SES-12.
TEST_F(HandleTest, RefusesBrokenTextsOfAnySize) {
  const std::string good(kExample);
  EXPECT_TRUE(is_refused(""));
  EXPECT_TRUE(is_refused("."));
  EXPECT_TRUE(is_refused(".."));
  EXPECT_TRUE(is_refused(good.substr(1)));
  EXPECT_TRUE(is_refused(good.substr(0, good.size() - 1)));
  EXPECT_TRUE(is_refused(good + "."));
  EXPECT_TRUE(is_refused(good + "." + good));
  EXPECT_TRUE(is_refused(good + "="));
  EXPECT_TRUE(is_refused(" " + good));
  EXPECT_TRUE(is_refused("\"" + good + "\""));
  EXPECT_TRUE(is_refused(good.substr(0, 60) + std::string(1, '\0') + good.substr(60)));
  EXPECT_TRUE(is_refused(std::string(8 * 1024, 'A')));
  EXPECT_TRUE(is_refused(std::string(100 * 1024, '.')));
  EXPECT_TRUE(is_refused(signed_claims("[]")));
  EXPECT_TRUE(is_refused(signed_claims(R"({"jti":"a","jti":"b"})")));
  EXPECT_TRUE(is_refused(signed_claims(R"({"jti":"a\u0000b"})")));
}

// Covers SES-08, SES-26.
TEST_F(HandleTest, IsCurrentOnlyWithinTheTimesItNames) {
  const auto handle =
      codec_.verify(signed_claims(R"({"jti":"s","nbf":1000000100,"exp":1000000200})"));

  ASSERT_TRUE(handle.has_value());
  EXPECT_FALSE(handle->is_current(from_unix_seconds(1000000099)));
  EXPECT_TRUE(handle->is_current(from_unix_seconds(1000000100)));
  EXPECT_TRUE(handle->is_current(from_unix_seconds(1000000199)));
  EXPECT_FALSE(handle->is_current(from_unix_seconds(1000000200)));
  EXPECT_TRUE(example().is_current(from_unix_seconds(4000000000)));
}

TEST_F(HandleTest, RefusesTimesThatAreNoTimes) {
  EXPECT_TRUE(is_refused(signed_claims(R"({"jti":"s","exp":"1900000000"})")));
  EXPECT_TRUE(is_refused(signed_claims(R"({"jti":"s","exp":null})")));
  EXPECT_TRUE(is_refused(signed_claims(R"({"jti":"s","nbf":1e400})")));
}

// Covers SES-09.
TEST_F(HandleTest, CoversItsHostsWhateverPortAndCase) {
  Handle handle = example();
  handle.audience = {"App.example.com", "other.example.com:8443", "[2001:db8::1]:443"};

  EXPECT_TRUE(handle.covers_host("app.example.com"));
  EXPECT_TRUE(handle.covers_host("APP.example.com:8443"));
  EXPECT_TRUE(handle.covers_host("other.example.com"));
  EXPECT_TRUE(handle.covers_host("[2001:db8::1]"));
  EXPECT_FALSE(handle.covers_host("example.com"));
  EXPECT_FALSE(handle.covers_host("evil-app.example.com"));
  EXPECT_FALSE(handle.covers_host("app.example.com.evil.test"));
  EXPECT_FALSE(handle.covers_host(""));
}

TEST_F(HandleTest, TakesASingleAudienceText) {
  const auto one = codec_.verify(signed_claims(R"({"jti":"s","aud":"app.t"})"));

  ASSERT_TRUE(one.has_value());
  EXPECT_TRUE(one->covers_host("app.t"));
  EXPECT_TRUE(is_refused(signed_claims(R"({"jti":"s","aud":[1]})")));
  EXPECT_TRUE(is_refused(signed_claims(R"({"jti":"s","aud":{"app.t":1}})")));
}

// Covers SES-28.
TEST_F(HandleTest, KeepsVersionsExactlyAndIgnoresOnesThatAreNone) {
  const auto version_of = [&](std::string_view number) {
    const auto handle = codec_.verify(
        signed_claims(R"({"jti":"s","databroker_record_version":)" + std::string(number) + "}"));
    EXPECT_TRUE(handle.has_value()) << number;
    return handle ? handle->record_version : std::nullopt;
  };

  EXPECT_EQ(version_of("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(version_of("9007199254740993"), 9007199254740993U);
  EXPECT_EQ(version_of("-1"), std::nullopt);
  EXPECT_EQ(version_of("1e30"), std::nullopt);
  EXPECT_EQ(version_of("18446744073709551616"), std::nullopt);
  EXPECT_EQ(version_of("\"7\""), std::nullopt);
}

TEST_F(HandleTest, TakesTheUserFromTheObjectIdWhenThereIsOne) {
  const auto both = codec_.verify(signed_claims(R"({"jti":"s","sub":"u","oid":"o"})"));
  const auto empty = codec_.verify(signed_claims(R"({"jti":"s","sub":"u","oid":""})"));

  ASSERT_TRUE(both && empty);
  EXPECT_EQ(both->user_id, "o");
  EXPECT_EQ(empty->user_id, "u");
}

TEST_F(HandleTest, KeepsTextsThatNeedEscapesInJson) {
  Handle handle = example();
  handle.user_id = "a\"b\\c\xc3\xa9";
  handle.not_before = from_unix_seconds(1700000000);
  handle.expires_at = from_unix_seconds(1800000000);

  EXPECT_EQ(codec_.verify(codec_.sign(handle)).value(), handle);
}

}  // namespace
}  // namespace vallum::session
