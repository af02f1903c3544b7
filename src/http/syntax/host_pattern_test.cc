#include "http/syntax/host_pattern.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace vallum::http {
namespace {

bool matches(std::string_view pattern, std::string_view host) {
  const auto parsed = HostPattern::parse(pattern);
  EXPECT_TRUE(parsed.has_value()) << pattern;
  return parsed && parsed->matches_host(host);
}

TEST(HostPatternTest, IsCanonicalWithoutAStar) {
  const auto pattern = HostPattern::parse("App.Example.com.:8443");

  ASSERT_TRUE(pattern.has_value());
  EXPECT_EQ(pattern->host(), "app.example.com");
  EXPECT_EQ(pattern->port(), 8443);
  EXPECT_FALSE(pattern->is_wildcard());
  EXPECT_EQ(HostPattern::parse("[::0:1]")->host(), "[::1]");
}

TEST(HostPatternTest, LetsAStarTakeAnyRun) {
  EXPECT_TRUE(matches("*.example.com", "x.example.com"));
  EXPECT_TRUE(matches("*.example.com", "x.y.example.com"));
  EXPECT_TRUE(matches("*.example.com", ".example.com"));
  EXPECT_FALSE(matches("*.example.com", "example.com"));
  EXPECT_FALSE(matches("*.example.com", "x.example.com.evil.t"));
  EXPECT_TRUE(matches("*example.com", "example.com"));
  EXPECT_TRUE(matches("*example.com", "notexample.com"));
  EXPECT_TRUE(matches("A-*.Example.com", "a-1.example.com"));
  EXPECT_TRUE(matches("a-*.example.com", "a-.example.com"));
  EXPECT_FALSE(matches("a-*.example.com", "b-1.example.com"));
  EXPECT_TRUE(matches("*", "anything.at.all"));
  EXPECT_TRUE(matches("a*b*c", "abc"));
  EXPECT_TRUE(matches("a*b*c", "axbxbxc"));
  EXPECT_FALSE(matches("a*b*c", "axcxb"));
  EXPECT_TRUE(matches("a.**.t", "a.x.t"));
}

TEST(HostPatternTest, MatchesManyStarsInBoundedTime) {
  std::string pattern;
  for (int i = 0; i < 40; ++i) {
    pattern += "*a";
  }
  EXPECT_FALSE(matches(pattern + "b", std::string(250, 'a')));
}

TEST(HostPatternTest, RefusesWhatNoHostCouldMatch) {
  for (const std::string_view text :
       {"", "a b", "*.exa mple.com", "*/x", "a@b", "*:0", "*:", "*.a..b", "[*]"}) {
    EXPECT_FALSE(HostPattern::parse(text).has_value()) << text;
  }
}

TEST(SourceUrlTest, NamesHostAndDefaultPort) {
  const auto https = SourceUrl::parse("https://User:pw@App.t/?x#y");
  const auto http = SourceUrl::parse("http://*.t:8080/");

  ASSERT_TRUE(https.has_value() && http.has_value());
  EXPECT_EQ(https->kind, SourceUrl::Kind::Http);
  EXPECT_EQ(https->default_port, 443);
  EXPECT_EQ(https->hosts.at(0).host(), "app.t");
  EXPECT_EQ(http->default_port, 80);
  EXPECT_TRUE(http->hosts.at(0).is_wildcard());
  EXPECT_EQ(http->hosts.at(0).port(), 8080);
}

TEST(SourceUrlTest, TakesTheAuthoritiesOfATunnelFromItsPath) {
  const auto bare = SourceUrl::parse("tcp+https://db.t:5432");
  const auto slash = SourceUrl::parse("udp+https://db.t:5432/");
  const auto several = SourceUrl::parse("tcp+https://proxy.t/a:1/b:2");

  ASSERT_TRUE(bare.has_value() && slash.has_value() && several.has_value());
  EXPECT_EQ(bare->kind, SourceUrl::Kind::Tunnel);
  EXPECT_EQ(bare->hosts.at(0).port(), 5432);
  EXPECT_EQ(slash->hosts.at(0).host(), "db.t");
  ASSERT_EQ(several->hosts.size(), 2U);
  EXPECT_EQ(several->hosts[1].host(), "b");
}

TEST(SourceUrlTest, RefusesWhatIsNoSource) {
  for (const std::string_view text : {"",
                                      "a.t",
                                      "https:a.t",
                                      "https://",
                                      "https:///x",
                                      "://a.t",
                                      "https://a.t/path",
                                      "https://a b",
                                      "https://a.t:x",
                                      "tcp+https://proxy.t/a b:1"}) {
    EXPECT_FALSE(SourceUrl::parse(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace vallum::http
