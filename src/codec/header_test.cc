#include <gtest/gtest.h>

#include "codec/accept.h"
#include "codec/cookie.h"

namespace vallum::codec {
namespace {

TEST(CookieTest, SplitsPairsWithoutDecodingThem) {
  const auto pairs = parse_cookies("a=1; b=\"x%20=y\";;c= 2 ;\t_pomerium=h.p.s; lone");

  ASSERT_EQ(pairs.size(), 5U);
  EXPECT_EQ(pairs[1].name, "b");
  EXPECT_EQ(pairs[1].value, "\"x%20=y\"");
  EXPECT_EQ(pairs[2].value, "2");
  EXPECT_EQ(pairs[3].piece, "_pomerium=h.p.s");
  EXPECT_EQ(pairs[4].name, "lone");
  EXPECT_EQ(pairs[4].value, "");
}

TEST(CookieTest, FindsTheFirstByExactName) {
  EXPECT_EQ(find_cookie("_pomerium_csrf=1; _pomerium=2; _pomerium=3", "_pomerium"), "2");
  EXPECT_FALSE(find_cookie("_Pomerium=2", "_pomerium").has_value());
  EXPECT_FALSE(find_cookie("", "a").has_value());
}

TEST(SetCookieTest, WritesEveryAttribute) {
  const SetCookie cookie{.name = "_pomerium",
                         .value = "a.b.c",
                         .domain = "example.com",
                         .expires = from_unix_seconds(784111777),
                         .max_age = std::chrono::hours(1),
                         .same_site = SameSite::None};

  EXPECT_EQ(build_set_cookie(cookie).value(),
            "_pomerium=a.b.c; Path=/; Domain=example.com; Expires=Sun, 06 Nov 1994 08:49:37 GMT; "
            "Max-Age=3600; HttpOnly; Secure; SameSite=None");
}

TEST(SetCookieTest, IsSafeByDefault) {
  EXPECT_EQ(build_set_cookie({.name = "a", .value = "1"}).value(),
            "a=1; Path=/; HttpOnly; Secure; SameSite=Lax");
}

TEST(SetCookieTest, ClearingKeepsNamePathAndDomain) {
  const SetCookie cookie{.name = "a", .value = "1", .path = "/x", .domain = "example.com"};

  EXPECT_EQ(build_set_cookie(cookie.cleared()).value(),
            "a=; Path=/x; Domain=example.com; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; "
            "HttpOnly; Secure; SameSite=Lax");
}

TEST(SetCookieTest, RefusesBytesThatWouldSplitTheHeader) {
  for (const SetCookie& bad : {SetCookie{.name = "", .value = "1"},
                               SetCookie{.name = "a b", .value = "1"},
                               SetCookie{.name = "a", .value = "1;x"},
                               SetCookie{.name = "a", .value = "1\r\nSet-Cookie: b=2"},
                               SetCookie{.name = "a", .value = "\""},
                               SetCookie{.name = "a", .value = "1", .path = "/;Domain=evil"},
                               SetCookie{.name = "a", .value = "1", .domain = "x\n"},
                               SetCookie{.name = "a", .value = "\xc3\xa9"}}) {
    EXPECT_FALSE(build_set_cookie(bad).has_value()) << bad.name << "=" << bad.value;
  }
}

TEST(SetCookieTest, HoldsPrefixedNamesToTheirPromise) {
  EXPECT_TRUE(build_set_cookie({.name = "__Host-a", .value = "1"}).has_value());
  EXPECT_FALSE(build_set_cookie({.name = "__Host-a", .value = "1", .domain = "x"}).has_value());
  EXPECT_FALSE(build_set_cookie({.name = "__Host-a", .value = "1", .path = "/x"}).has_value());
  EXPECT_FALSE(build_set_cookie({.name = "__Secure-a", .value = "1", .secure = false}).has_value());
  EXPECT_FALSE(
      build_set_cookie({.name = "a", .value = "1", .secure = false, .same_site = SameSite::None})
          .has_value());
}

TEST(AcceptTest, BrowsersAndWildcardsAreRedirected) {
  for (const char* accept : {"",
                             "  ",
                             "*/*",
                             "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                             "image/avif,image/webp,*/*",
                             "image/png",
                             "TEXT/HTML",
                             "text/html;q=0.5, application/json;q=0.4",
                             "text/*",
                             ",,text/html,"}) {
    EXPECT_TRUE(accepts_redirect(accept)) << accept;
  }
}

TEST(AcceptTest, ClientsThatPreferDataAreNotRedirected) {
  for (const char* accept : {"application/json",
                             "application/json, text/plain, */*",
                             "text/plain",
                             "application/*",
                             "text/html;q=0.4, application/json;q=0.5",
                             "application/grpc+proto",
                             "text/html;level=1, application/json"}) {
    EXPECT_FALSE(accepts_redirect(accept)) << accept;
  }
}

TEST(AcceptTest, AMalformedHeaderIsRedirected) {
  for (const char* accept : {"text",
                             "text/",
                             "/html",
                             "*/html",
                             "text/html;q=x",
                             "application/json;q=",
                             "application/json;=1",
                             "application/json \"",
                             "application/json;a=\"open",
                             "a b/c"}) {
    EXPECT_TRUE(accepts_redirect(accept)) << accept;
    EXPECT_EQ(negotiate(accept, {}).outcome, AcceptChoice::Outcome::Malformed) << accept;
  }
}

TEST(AcceptTest, QualityZeroMeansNotAcceptable) {
  EXPECT_FALSE(accepts_redirect("text/html;q=0, */*"));
  EXPECT_FALSE(accepts_redirect("text/html;q=0"));
  EXPECT_FALSE(accepts_redirect("*/*;q=0"));
  EXPECT_TRUE(accepts_redirect("*/*;q=0, text/html"));
  EXPECT_FALSE(prefers_json("application/json;q=0.000, */*"));
}

TEST(AcceptTest, ExactBeatsWildcardAtTheSameQuality) {
  EXPECT_TRUE(prefers_json("*/*, application/json"));
  EXPECT_FALSE(prefers_json("application/*, text/html"));
  // "*/*" takes the first of our offers, even one that is named with less.
  EXPECT_FALSE(prefers_json("text/html;q=0.9, */*"));
}

TEST(AcceptTest, JsonIsPreferredOnlyWhenTheHeaderSaysSo) {
  EXPECT_TRUE(prefers_json("application/json"));
  EXPECT_FALSE(prefers_json(""));
  EXPECT_FALSE(prefers_json("*/*"));
  EXPECT_FALSE(prefers_json("application/json;q=x"));
  EXPECT_FALSE(prefers_json("image/png"));
}

TEST(AcceptTest, QuotedParametersMayHoldSeparators) {
  EXPECT_FALSE(accepts_redirect(R"(text/html;x="a,b;c\"d", application/json)"));
}

}  // namespace
}  // namespace vallum::codec
