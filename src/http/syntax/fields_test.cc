#include "http/syntax/fields.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace vallum::http {
namespace {

TEST(FieldIdTest, KnowsNamesInAnyCase) {
  EXPECT_EQ(field_id("host"), FieldId::Host);
  EXPECT_EQ(field_id("HOST"), FieldId::Host);
  EXPECT_EQ(field_id("Te"), FieldId::Te);
  EXPECT_EQ(field_id("Transfer-Encoding"), FieldId::TransferEncoding);
  EXPECT_EQ(field_id("HTTP2-Settings"), FieldId::Http2Settings);
  EXPECT_EQ(field_id("Access-Control-Request-Headers"), FieldId::AccessControlRequestHeaders);
  EXPECT_EQ(field_id("X-POMERIUM-AUTHORIZATION"), FieldId::XPomeriumAuthorization);
}

TEST(FieldIdTest, TakesNothingElseForThem) {
  for (const std::string_view name : {"",
                                      "h",
                                      "hos",
                                      "hosts",
                                      "hest",
                                      "Content_Length",
                                      "Content-Lengthh",
                                      "Transfer.Encoding",
                                      "x",
                                      "x-",
                                      "Accept-Encodinh",
                                      "XX-Request-Id",
                                      "x-pomeriu",
                                      "x-enovy-x",
                                      "xpomerium-a"}) {
    EXPECT_EQ(field_id(name), FieldId::Other) << name;
  }
}

// Covers HDR-02, HDR-03.
TEST(FieldIdTest, FoldsEverySpellingAnApplicationCouldTakeForOurs) {
  for (const std::string_view name : {"X-Pomerium-Jwt-Assertion",
                                      "x-pomerium-claim-email",
                                      "X_Pomerium_Claim_Email",
                                      "X.Pomerium.Claim.Email",
                                      "x-pomerium_claim-email",
                                      "x~pomerium!claim",
                                      "X-Pomerium",
                                      "x_pomerium_authorization",
                                      "x-pomerium-"}) {
    EXPECT_EQ(field_id(name), FieldId::XPomerium) << name;
  }
  EXPECT_EQ(field_id("X-Envoy-Original-Path"), FieldId::XEnvoy);
  EXPECT_EQ(field_id("x_envoy_internal"), FieldId::XEnvoy);
  EXPECT_EQ(field_id("Impersonate-User"), FieldId::Impersonate);
  EXPECT_EQ(field_id("IMPERSONATE_Extra.x"), FieldId::Impersonate);
  EXPECT_EQ(field_id("Impersonated"), FieldId::Other);
  EXPECT_EQ(field_id("x-pomeriumx"), FieldId::Other);
}

TEST(FieldsTest, FindsTheFirstOfEachKind) {
  Fields fields;
  fields.add("Cookie", "a=1");
  fields.add("X-Other", "o");
  fields.add("cookie", "b=2");

  ASSERT_TRUE(fields.has(FieldId::Cookie));
  EXPECT_EQ(fields.find(FieldId::Cookie)->value, "a=1");
  EXPECT_EQ(fields.count(FieldId::Cookie), 2U);
  EXPECT_EQ(fields.find("x-other")->value, "o");
  EXPECT_EQ(fields.find("x-othe"), nullptr);
  EXPECT_FALSE(fields.has(FieldId::Host));
  EXPECT_EQ(fields.find(FieldId::Host), nullptr);
  EXPECT_EQ(fields.value(FieldId::Host), "");
}

TEST(FieldsTest, ForgetEverythingWhenCleared) {
  Fields fields;
  fields.add("Cookie", "a=1");

  fields.clear();

  EXPECT_TRUE(fields.empty());
  EXPECT_FALSE(fields.has(FieldId::Cookie));
}

TEST(FieldValueTest, RefusesControlsAtEveryPlace) {
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string value(size, 'v');
      EXPECT_TRUE(is_field_value(value));
      for (const char bad : {'\0', '\r', '\n', '\x01', '\x1f', '\x7f'}) {
        value[at] = bad;
        EXPECT_FALSE(is_field_value(value)) << size << " " << at;
      }
      for (const char good : {'\t', ' ', '\x80', '\xff'}) {
        value[at] = good;
        EXPECT_TRUE(is_field_value(value)) << size << " " << at;
      }
    }
  }
}

TEST(TokenTest, IsNotEmptyAndHasNoSeparators) {
  EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
  for (const std::string_view text : {"", " ", "a b", "a:", "a,", "a;", "\"a\"", "a/", "\x80"}) {
    EXPECT_FALSE(is_token(text)) << text;
  }
}

}  // namespace
}  // namespace vallum::http
