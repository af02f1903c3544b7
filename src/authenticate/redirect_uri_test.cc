#include "authenticate/redirect_uri.h"

#include <vector>

#include <gtest/gtest.h>

namespace vallum::authenticate {
namespace {

// Covers RED-08.
TEST(ProgramUrlTest, AnEntryOfTheListIsOneHostAndNothingNearIt) {
  const std::vector<std::string> allowed{"example.com"};
  EXPECT_TRUE(parse_program_url("https://example.com/cb", allowed).has_value());
  for (const char* bad : {"https://badexample.com/",
                          "https://example.com.evil.t/",
                          "https://sub.example.com/",
                          "http://localhost/",
                          "https://example.com@evil.t/"}) {
    EXPECT_FALSE(parse_program_url(bad, allowed).has_value()) << bad;
  }
}

TEST(RouteUrlTest, LeadsOnlyToHostsThatAreServedOverHttps) {
  const std::vector<route::RouteSpec> specs{
      {.from = "https://app.example", .prefix = "", .path = ""}};
  const auto table = route::RouteTable::build(specs, {});
  ASSERT_TRUE(table.has_value());
  EXPECT_TRUE(parse_route_url("https://app.example/x", *table).has_value());
  EXPECT_FALSE(parse_route_url("http://app.example/x", *table).has_value());
  EXPECT_FALSE(parse_route_url("https://evil.example/", *table).has_value());
}

}  // namespace
}  // namespace vallum::authenticate
