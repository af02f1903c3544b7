#include <gtest/gtest.h>

#include "codec/base64.h"
#include "codec/form.h"
#include "codec/go_duration.h"
#include "codec/http_date.h"
#include "codec/pem.h"
#include "codec/percent.h"

namespace vallum::codec {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

std::optional<std::string> decoded(std::string_view text, Base64 form) {
  const auto bytes = decode_base64(text, form);
  return bytes ? std::optional(std::string(as_text(*bytes))) : std::nullopt;
}

TEST(Base64Test, EncodesTheVectorsOfRfc4648) {
  EXPECT_EQ(encode_base64(as_bytes(""), Base64::Std), "");
  EXPECT_EQ(encode_base64(as_bytes("f"), Base64::Std), "Zg==");
  EXPECT_EQ(encode_base64(as_bytes("fo"), Base64::Std), "Zm8=");
  EXPECT_EQ(encode_base64(as_bytes("foobar"), Base64::Std), "Zm9vYmFy");
  EXPECT_EQ(encode_base64(as_bytes("\xfb\xff\xfe"), Base64::Std), "+//+");
  EXPECT_EQ(encode_base64(as_bytes("\xfb\xff"), Base64::Url), "-_8=");
  EXPECT_EQ(encode_base64(as_bytes("\xfb\xff"), Base64::UrlRaw), "-_8");
}

TEST(Base64Test, DecodesWhatItEncodesInEveryForm) {
  std::string bytes;
  for (int length = 0; length < 70; ++length) {
    for (const Base64 form : {Base64::Std, Base64::StdRaw, Base64::Url, Base64::UrlRaw}) {
      EXPECT_EQ(decoded(encode_base64(as_bytes(bytes), form), form), bytes);
    }
    bytes.push_back(static_cast<char>(length * 37));
  }
}

TEST(Base64Test, AcceptsOneTextPerByteSequence) {
  for (const char* bad : {"Zg",
                          "Zg=",
                          "Zg===",
                          "Zh==",
                          "Zm9=",
                          "Zm8=\n",
                          " Zm8=",
                          "Zm\n8=",
                          "Z",
                          "=",
                          "====",
                          "Zg==Zg==",
                          "-_8="}) {
    EXPECT_FALSE(decoded(bad, Base64::Std).has_value()) << bad;
  }
  for (const char* bad : {"Zg==", "Zh", "Z", "+/8", "Zm8\n"}) {
    EXPECT_FALSE(decoded(bad, Base64::UrlRaw).has_value()) << bad;
  }
}

TEST(Base64Test, DecodesOnlyWhatFits) {
  std::array<std::byte, 2> two{};
  EXPECT_EQ(decode_base64_into("Zm8=", Base64::Std, two), 2U);
  EXPECT_FALSE(decode_base64_into("Zm9v", Base64::Std, two).has_value());
}

TEST(PercentTest, KeepsOnlyUnreservedBytes) {
  EXPECT_EQ(form_encode("aZ09-_.~ /?&=+%:@\xc3\xa9"), "aZ09-_.~+%2F%3F%26%3D%2B%25%3A%40%C3%A9");
  EXPECT_EQ(percent_encode("a b"), "a%20b");
}

TEST(PercentTest, OnlyFormsReadPlusAsSpace) {
  EXPECT_EQ(form_decode("a+b%2B%2b"), "a b++");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(percent_decode("%00").value().size(), 1U);
}

TEST(PercentTest, RefusesMalformedEscapes) {
  for (const char* bad : {"%", "%4", "a%4", "%g0", "%0g", "%%41", "% 41", "%u0041"}) {
    EXPECT_FALSE(form_decode(bad).has_value()) << bad;
  }
}

TEST(QueryTest, KeepsOrderAndRepeatedNames) {
  const auto query = Query::parse("b=2&a=1&b=%31&&flag&=v&a=");

  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(*query->find("b"), "2");
  EXPECT_EQ(query->all("b"), (std::vector<std::string_view>{"2", "1"}));
  EXPECT_EQ(*query->find("flag"), "");
  EXPECT_EQ(*query->find(""), "v");
  EXPECT_EQ(query->find("c"), nullptr);
}

TEST(QueryTest, EncodesSortedByNameWithValuesInTheirOrder) {
  Query query;
  query.add("b", "2");
  query.add("a", "x y");
  query.add("b", "1");
  query.add("B", "&");

  EXPECT_EQ(query.encode(), "B=%26&a=x+y&b=2&b=1");
}

TEST(QueryTest, SettingReplacesEveryValue) {
  auto query = Query::parse("a=1&b=2&a=3").value();

  query.set("a", *query.find("b"));
  query.remove("b");

  EXPECT_EQ(query.encode(), "a=2");
}

TEST(QueryTest, RefusesWhatOthersWouldReadDifferently) {
  EXPECT_FALSE(Query::parse("a=1;b=2").has_value());
  EXPECT_FALSE(Query::parse("a=%zz").has_value());
  EXPECT_FALSE(Query::parse("%=1").has_value());
  EXPECT_TRUE(Query::parse("a=1%3Bb=2").has_value());
}

TEST(QueryTest, RefusesTooManyParameters) {
  std::string text;
  for (std::size_t i = 0; i <= Query::kPairsMax; ++i) {
    text.append("a=1&");
  }
  EXPECT_FALSE(Query::parse(text).has_value());
}

TEST(GoDurationTest, ReadsGoSyntax) {
  EXPECT_EQ(parse_go_duration("1h30m"), hours(1) + minutes(30));
  EXPECT_EQ(parse_go_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_go_duration("-5s"), -seconds(5));
  EXPECT_EQ(parse_go_duration("+1.5h"), minutes(90));
  EXPECT_EQ(parse_go_duration(".5s"), milliseconds(500));
  EXPECT_EQ(parse_go_duration("1.s"), seconds(1));
  EXPECT_EQ(parse_go_duration("0"), Duration::zero());
  EXPECT_EQ(parse_go_duration("1us2\xc2\xb5s"), nanoseconds(3000));
  EXPECT_EQ(parse_go_duration("1s1s"), seconds(2));
  EXPECT_EQ(parse_go_duration("0.333333333333333333333h"), nanoseconds(1199999999999));
  EXPECT_EQ(parse_go_duration("9223372036854775807ns")->count(), 9223372036854775807);
}

TEST(GoDurationTest, RefusesEverythingElse) {
  for (const char* bad : {"",
                          "5",
                          "-",
                          "s",
                          ".s",
                          "1",
                          "5 s",
                          "5S",
                          "1d",
                          "1h 30m",
                          "1e3s",
                          "--1s",
                          "00x",
                          "9223372036854775808ns",
                          "2562048h",
                          "10s "}) {
    EXPECT_FALSE(parse_go_duration(bad).has_value()) << bad;
  }
}

TEST(GoDurationTest, PrintsAsGoDoes) {
  EXPECT_EQ(go_duration(Duration::zero()), "0s");
  EXPECT_EQ(go_duration(hours(14)), "14h0m0s");
  EXPECT_EQ(go_duration(minutes(1) + milliseconds(1500)), "1m1.5s");
  EXPECT_EQ(go_duration(milliseconds(250)), "250ms");
  EXPECT_EQ(go_duration(nanoseconds(1050)), "1.05\xc2\xb5s");
  EXPECT_EQ(go_duration(nanoseconds(999)), "999ns");
  EXPECT_EQ(go_duration(-seconds(10)), "-10s");
  EXPECT_EQ(go_duration(Duration::min()), "-2562047h47m16.854775808s");
}

TEST(HttpDateTest, WritesAndReadsTheExampleOfRfc9110) {
  const WallTime time = from_unix_seconds(784111777);

  EXPECT_EQ(http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), time);
}

TEST(HttpDateTest, KnowsLeapDaysAndTheEpoch) {
  EXPECT_EQ(http_date(from_unix_seconds(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(http_date(from_unix_seconds(1709164800)), "Thu, 29 Feb 2024 00:00:00 GMT");
  EXPECT_TRUE(parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT").has_value());
}

TEST(HttpDateTest, RefusesWrongDatesAndOtherForms) {
  for (const char* bad : {"",
                          "Mon, 06 Nov 1994 08:49:37 GMT",
                          "Sun, 06 Nov 1994 08:49:37 UTC",
                          "Sun, 06 nov 1994 08:49:37 GMT",
                          "Sun, 6 Nov 1994 08:49:37 GMT",
                          "Thu, 29 Feb 2023 00:00:00 GMT",
                          "Sun, 06 Nov 1994 24:00:00 GMT",
                          "Sunday, 06-Nov-94 08:49:37 GMT",
                          "Sun Nov  6 08:49:37 1994",
                          "Sun, 06 unN 1994 08:49:37 GMT",
                          "Sun, 06 Nov 9999 08:49:37 GMT",
                          "Sun, 06 Nov 1994 08-49-37 GMT"}) {
    EXPECT_FALSE(parse_http_date(bad).has_value()) << bad;
  }
}

TEST(PemTest, FindsBlocksBetweenExplanations) {
  const std::string_view text =
      "subject: x\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\nnote\n"
      "-----BEGIN EC PRIVATE KEY-----\r\nBBBB\r\n-----END EC PRIVATE KEY-----";

  const auto blocks = split_pem(text);

  ASSERT_TRUE(blocks.has_value());
  ASSERT_EQ(blocks->size(), 2U);
  EXPECT_EQ((*blocks)[0].label, "CERTIFICATE");
  EXPECT_EQ((*blocks)[0].text, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----");
  EXPECT_EQ((*blocks)[1].label, "EC PRIVATE KEY");
  EXPECT_TRUE((*blocks)[1].text.ends_with("-----END EC PRIVATE KEY-----"));
}

TEST(PemTest, RefusesBlocksThatDoNotEnd) {
  for (const char* bad : {"-----BEGIN A-----\nAAAA\n",
                          "-----BEGIN A-----\nAAAA\n-----END B-----\n",
                          "-----BEGIN A-----\nAAAA\n-----BEGIN A-----\nAAAA\n-----END A-----\n",
                          "-----BEGIN A\n-----\n",
                          "-----BEGIN -----\n-----END -----\n"}) {
    EXPECT_FALSE(split_pem(bad).has_value()) << bad;
  }
  EXPECT_EQ(split_pem("no block at all -----BEGIN A-----")->size(), 0U);
}

}  // namespace
}  // namespace vallum::codec
