#include "http/syntax/authority.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace vallum::http {
namespace {

std::string canonical(std::string_view text) {
  const auto authority = Authority::parse(text);
  return authority ? std::string(authority->text()) : "refused";
}

// Covers SIG-15.
TEST(AuthorityTest, HasOneFormForCaseAndATrailingDot) {
  EXPECT_EQ(canonical("APP.t"), "app.t");
  EXPECT_EQ(canonical("app.t."), "app.t");
  EXPECT_EQ(canonical("App.T.:8443"), "app.t:8443");
  EXPECT_EQ(canonical("[::0001]"), "[::1]");
  EXPECT_EQ(canonical("[2001:DB8:0:0:0:0:0:1]:443"), "[2001:db8::1]:443");
}

TEST(AuthorityTest, SeparatesHostAndPort) {
  const auto with_port = Authority::parse("app.t:8443");
  const auto without = Authority::parse("app.t");
  const auto v6 = Authority::parse("[::1]:80");

  ASSERT_TRUE(with_port.has_value() && without.has_value() && v6.has_value());
  EXPECT_EQ(with_port->host(), "app.t");
  EXPECT_EQ(with_port->port(), 8443);
  EXPECT_EQ(without->host(), "app.t");
  EXPECT_EQ(without->port(), std::nullopt);
  EXPECT_EQ(without->port_or(443), 443);
  EXPECT_EQ(v6->host(), "[::1]");
  EXPECT_EQ(v6->port(), 80);
}

TEST(AuthorityTest, AcceptsHostNamesThatPeopleUse) {
  for (const std::string_view text : {"a",
                                      "my_service.internal",
                                      "xn--bcher-kva.example",
                                      ".example.com",  // matches a wildcard's empty run
                                      "a-1.b-2.example",
                                      "10.0.0.7:8080",
                                      "1password.com",
                                      "a.0b"}) {
    EXPECT_EQ(canonical(text), text);
  }
}

// Covers HDR-17.
TEST(AuthorityTest, RefusesWhatTwoParsersCouldReadDifferently) {
  for (const std::string_view text : {
           "",
           ".",
           "..",
           "a..b",
           "a..",
           ":443",
           "a:",
           "a:0",
           "a:65536",
           "a:99999999999999999999",
           "a:+1",
           "a: 1",
           "a:0443",
           "a:44 ",
           "a:b",
           "a:1:2",
           "user@a",
           "user:x@a",
           "a@b:1",
           "a b",
           " a",
           "a\t",
           "a/b",
           "a\\b",
           "a?b",
           "a#b",
           "a%41",
           "a,b",
           "a;b",
           "*.example.com",
           "[::1",
           "::1",
           "[::1]x",
           "[]",
           "[127.0.0.1]",
           "[fe80::1%eth0]",
           "[::ffff:127.0.0.1]",
           "[::1]:",
           "[[::1]]",
       }) {
    EXPECT_EQ(canonical(text), "refused") << text;
  }
  EXPECT_EQ(canonical(std::string_view("a\0b", 3)), "refused");
}

// Covers RED-06.
TEST(AuthorityTest, RefusesNumbersThatAreNotCanonicalIpv4) {
  for (const std::string_view text : {"127.1",
                                      "0x7f000001",
                                      "2130706433",
                                      "0x7f.1",
                                      "127.0.0.01",
                                      "1.2.3.4.5",
                                      "a.1",
                                      "a.0x1",
                                      "0x",
                                      "256.1.1.1"}) {
    EXPECT_EQ(canonical(text), "refused") << text;
  }
}

// Covers RED-07.
TEST(AuthorityTest, RefusesUnicodeInsteadOfMappingIt) {
  EXPECT_EQ(canonical("\xef\xbd\x8c"
                      "ocalhost"),
            "refused");                                 // full-width l
  EXPECT_EQ(canonical("app\xe3\x80\x82t"), "refused");  // ideographic full stop
  EXPECT_EQ(canonical("b\xc3\xbc"
                      "cher.example"),
            "refused");
}

TEST(AuthorityTest, BoundsTheHostName) {
  const std::string longest(Authority::kHostBytesMax, 'a');

  EXPECT_EQ(canonical(longest), longest);
  EXPECT_EQ(canonical(longest + ".:65535"), longest + ":65535");
  EXPECT_EQ(canonical(longest + "a"), "refused");
}

TEST(AuthorityTest, KnowsLoopback) {
  for (const std::string_view text :
       {"localhost", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:80", "[::1]:80"}) {
    EXPECT_TRUE(Authority::parse(text)->is_loopback()) << text;
  }
  for (const std::string_view text :
       {"localhost.evil.t", "xlocalhost", "127.0.0.1.evil.t", "[::2]", "128.0.0.1"}) {
    EXPECT_FALSE(Authority::parse(text)->is_loopback()) << text;
  }
}

TEST(AuthorityTest, DropsOnlyTheDefaultPort) {
  EXPECT_EQ(Authority::parse("a:443")->without_port(443).text(), "a");
  EXPECT_EQ(Authority::parse("a:8443")->without_port(443).text(), "a:8443");
  EXPECT_EQ(Authority::parse("a:443")->without_port(443), *Authority::parse("a"));
}

}  // namespace
}  // namespace vallum::http
