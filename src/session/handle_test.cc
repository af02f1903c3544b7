#include "session/handle.h"

#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "crypto/jose/jws.h"
#include "session/handle_reader.h"

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

// But for the "kid" of the header, which readers that do not know it pass over.
TEST_F(HandleTest, ReproducesTheClaimsOfTheSpecificationsExampleByteForByte) {
  const auto claims_of = [](std::string_view handle) {
    const std::size_t first = handle.find('.') + 1;
    return handle.substr(first, handle.rfind('.') - first);
  };
  const std::string made = codec_.sign(example());

  EXPECT_EQ(claims_of(made), claims_of(kExample));
  EXPECT_EQ(*codec_.verify(made), example());
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

SecretList list_of(std::initializer_list<std::string_view> texts) {
  std::vector<Secret> secrets;
  for (const std::string_view text : texts) {
    secrets.emplace_back(text);
  }
  return SecretList(std::move(secrets));
}

constexpr std::string_view kOld = "an old secret of thirty-two byte";
constexpr std::string_view kNew = "a newer secret of thirty-two byt";

Handle some_handle() {
  Handle handle;
  handle.session_id = "s1";
  handle.audience = {"app.example"};
  return handle;
}

TEST(HandleRotationTest, TheFirstSecretSignsAndAllVerify) {
  HandleCodec before(list_of({kOld}));
  HandleCodec both(list_of({kNew, kOld}));
  HandleCodec after(list_of({kNew}));
  const std::string old_handle = before.sign(some_handle());
  const std::string new_handle = both.sign(some_handle());

  EXPECT_TRUE(both.verify(old_handle).has_value());
  EXPECT_TRUE(both.verify(new_handle).has_value());
  EXPECT_TRUE(after.verify(new_handle).has_value());
  EXPECT_FALSE(after.verify(old_handle).has_value());
  EXPECT_FALSE(before.verify(new_handle).has_value());
}

TEST(HandleRotationTest, TheHeaderNamesItsKeyAndSaysNothingOfIt) {
  HandleCodec codec(list_of({kNew, kOld}));
  const std::string handle = codec.sign(some_handle());

  const auto jws = crypto::UnverifiedJws::parse(handle);

  ASSERT_TRUE(jws.has_value());
  ASSERT_TRUE(jws->key_id().has_value());
  EXPECT_EQ(jws->key_id()->size(), 16U);
  EXPECT_NE(HandleCodec(list_of({kOld})).sign(some_handle()).substr(0, handle.find('.')),
            handle.substr(0, handle.find('.')));
  EXPECT_EQ(codec.sign(some_handle()), handle);
}

// As the reference makes them, and as another program with another idea of ids would.
TEST(HandleRotationTest, AHandleWithoutOurKeyIdIsVerifiedByAnyOfTheSecrets) {
  crypto::Hmac old_key(crypto::MacAlgorithm::HmacSha256, as_bytes(kOld));
  const std::string payload = R"({"aud":["app.example"],"jti":"s1","sub":"u"})";
  HandleCodec both(list_of({kNew, kOld}));

  EXPECT_TRUE(both.verify(crypto::sign_hs256(old_key, payload)).has_value());
  EXPECT_TRUE(both.verify(crypto::sign_hs256(old_key, payload, "0011223344556677")).has_value());
  EXPECT_FALSE(
      HandleCodec(list_of({kNew})).verify(crypto::sign_hs256(old_key, payload)).has_value());
}

// A key id is no way to have a handle judged by another key than the one that made it.
TEST(HandleRotationTest, AHandleThatNamesAnotherOfOurKeysIsRefused) {
  crypto::Hmac old_key(crypto::MacAlgorithm::HmacSha256, as_bytes(kOld));
  const std::string named = HandleCodec(list_of({kNew})).sign(some_handle());
  const std::string new_id = *crypto::UnverifiedJws::parse(named)->key_id();
  HandleCodec both(list_of({kNew, kOld}));

  EXPECT_FALSE(both.verify(crypto::sign_hs256(old_key, R"({"jti":"s1"})", new_id)).has_value());
}

TEST(HandleRotationTest, AReaderForgetsHandlesOfASecretThatIsGone) {
  HandleReader reader(list_of({kOld}), {.handles_max = 100});
  const std::string handle = HandleCodec(list_of({kOld})).sign(some_handle());
  const std::string cookie = "_pomerium=" + handle;
  const std::string_view cookies[] = {cookie};
  const auto count = [&] {
    const auto credentials = find_credentials({.cookie = cookies}, "_pomerium");
    return reader.read(*credentials, {.host = "app.example", .idp_id = "", .now = {}})->count;
  };
  EXPECT_EQ(count(), 1U);

  reader.use(list_of({kNew, kOld}));
  EXPECT_EQ(count(), 1U);
  reader.use(list_of({kNew}));
  EXPECT_EQ(count(), 0U);
}

}  // namespace
}  // namespace vallum::session
