#include "http/syntax/uri.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace vallum::http {
namespace {

std::string canonical(std::string_view text) {
  const auto uri = Uri::parse(text);
  return uri ? uri->text() : "refused";
}

TEST(UriTest, HasOneCanonicalForm) {
  EXPECT_EQ(canonical("HTTPS://App.T"), "https://app.t/");
  EXPECT_EQ(canonical("https://app.t:443/A%2fb?Q=1#F"), "https://app.t/A%2fb?Q=1#F");
  EXPECT_EQ(canonical("http://app.t.:80"), "http://app.t/");
  EXPECT_EQ(canonical("http://app.t:443/"), "http://app.t:443/");
  EXPECT_EQ(canonical("https://app.t?x"), "https://app.t/?x");
  EXPECT_EQ(canonical("https://[::0:1]:8443/"), "https://[::1]:8443/");
}

TEST(UriTest, GivesItsParts) {
  const auto uri = Uri::parse("https://App.t:8443/a/b?x=1&y#frag");

  ASSERT_TRUE(uri.has_value());
  EXPECT_TRUE(uri->is_https());
  EXPECT_EQ(uri->origin(), "https://app.t:8443");
  EXPECT_EQ(uri->host(), "app.t");
  EXPECT_EQ(uri->port(), 8443);
  EXPECT_EQ(uri->path(), "/a/b");
  EXPECT_EQ(uri->query(), "x=1&y");
  EXPECT_EQ(uri->path_and_query(), "/a/b?x=1&y");
  EXPECT_EQ(uri->fragment(), "frag");
}

TEST(UriTest, TellsAnEmptyQueryFromNone) {
  EXPECT_EQ(Uri::parse("https://a/")->query(), std::nullopt);
  EXPECT_EQ(Uri::parse("https://a/?")->query(), "");
  EXPECT_EQ(Uri::parse("https://a/")->fragment(), std::nullopt);
  EXPECT_EQ(Uri::parse("http://a")->port(), 80);
  EXPECT_EQ(Uri::parse("https://a")->port(), 443);
}

// Covers RED-20.
TEST(UriTest, KeepsTheFragmentOutOfThePath) {
  const auto uri = Uri::parse("http://evil.t#localhost");

  ASSERT_TRUE(uri.has_value());
  EXPECT_EQ(uri->host(), "evil.t");
  EXPECT_EQ(uri->path(), "/");
  EXPECT_EQ(uri->fragment(), "localhost");
}

// Covers RED-02.
TEST(UriTest, RefusesUserinfoAndBackslashes) {
  for (const std::string_view text : {"http://localhost@evil.t/",
                                      "http://localhost:1@evil.t",
                                      "http://evil.t\\@localhost/",
                                      "https://a\\b/",
                                      "https://a/\\b",
                                      "https://a/?\\"}) {
    EXPECT_EQ(canonical(text), "refused") << text;
  }
}

// Covers RED-03.
TEST(UriTest, ReadsLookAlikesOfLocalhostAsOtherHosts) {
  for (const std::string_view text :
       {"http://localhost.evil.t/", "http://evil-localhost/", "http://xlocalhost/"}) {
    const auto uri = Uri::parse(text);

    ASSERT_TRUE(uri.has_value());
    EXPECT_FALSE(uri->authority().is_loopback());
  }
}

// Covers RED-04.
TEST(UriTest, RefusesWhatIsNotAbsolute) {
  for (const std::string_view text : {"",
                                      "/",
                                      "//evil.t",
                                      "/\\evil.t",
                                      "/\t/evil.t",
                                      "/./../\\evil.t",
                                      "https:evil.t",
                                      "https:/evil.t",
                                      "https:///evil.t",
                                      "https://",
                                      "https://?x",
                                      "https:",
                                      "evil.t",
                                      "://evil.t",
                                      "https://a//evil.t"}) {
    EXPECT_EQ(canonical(text), "refused") << text;
  }
}

// Covers RED-05.
TEST(UriTest, RefusesOtherSchemes) {
  for (const std::string_view text : {"javascript:alert(1)",
                                      "javascript://a/%0aalert(1)",
                                      "data:text/html,x",
                                      "file:///etc",
                                      "vbscript:x",
                                      "ftp://a/",
                                      "ws://a/",
                                      "httpss://a/",
                                      " https://a/"}) {
    EXPECT_EQ(canonical(text), "refused") << text;
  }
}

// Covers RED-06.
TEST(UriTest, AcceptsLoopbackInItsCanonicalFormOnly) {
  EXPECT_TRUE(Uri::parse("http://127.0.0.1/")->authority().is_loopback());
  EXPECT_TRUE(Uri::parse("http://[::1]:80/")->authority().is_loopback());
  for (const std::string_view text :
       {"http://127.1/", "http://0x7f000001/", "http://[::ffff:127.0.0.1]/"}) {
    EXPECT_EQ(canonical(text), "refused") << text;
  }
}

// Covers RED-07.
TEST(UriTest, RefusesUnicodeHosts) {
  EXPECT_EQ(canonical("http://\xef\xbd\x8c"
                      "ocalhost/"),
            "refused");
  EXPECT_EQ(canonical("https://app\xe3\x80\x82t/"), "refused");
}

// Covers RED-13.
TEST(UriTest, RefusesControlsRawAndEscaped) {
  for (const std::string_view text : {"https://a/\r\nSet-Cookie:x",
                                      "https://a/%0d%0aSet-Cookie:x",
                                      "https://a/%00",
                                      "https://a/?%00",
                                      "https://a/#%00",
                                      "https://a/ b",
                                      "https://a/\x7f",
                                      "https://a/%7F",
                                      "https://a/\xc3\xbc"}) {
    EXPECT_EQ(canonical(text), "refused") << text;
  }
}

TEST(UriTest, RefusesBrokenEscapesAndDoubledParts) {
  for (const std::string_view text : {"https://a/%",
                                      "https://a/%2",
                                      "https://a/%zz",
                                      "https://a/?%2",
                                      "https://a/#a#b",
                                      "https://a/#%",
                                      "https://.a/",
                                      "https://a:0/",
                                      "https://a:x/"}) {
    EXPECT_EQ(canonical(text), "refused") << text;
  }
}

TEST(UriTest, BoundsItsLength) {
  const std::string base = "https://a/";
  const std::string longest = base + std::string(Uri::kBytesMax - base.size(), 'x');

  EXPECT_TRUE(Uri::parse(longest).has_value());
  EXPECT_FALSE(Uri::parse(longest + "x").has_value());
}

TEST(UriTest, EscapesWhatARequestMayCarryAndAUrlMayNot) {
  const auto authority = Authority::parse("app.t:443");

  const auto uri = Uri::of_request(Scheme::Https, *authority, "/a?q=100%&b=\\<\"&c=%41");

  ASSERT_TRUE(uri.has_value());
  EXPECT_EQ(uri->text(), "https://app.t/a?q=100%25&b=%5C%3C%22&c=%41");
  EXPECT_FALSE(Uri::of_request(Scheme::Https, *authority, "/a?q=%00").has_value());
}

TEST(UriTest, IsStableWhenParsedAgain) {
  for (const std::string_view text :
       {"HTTPS://A.T:443?x", "http://[::0:1]#f", "https://a.:1/%2F"}) {
    const std::string once = canonical(text);

    EXPECT_EQ(canonical(once), once);
  }
}

}  // namespace
}  // namespace vallum::http
