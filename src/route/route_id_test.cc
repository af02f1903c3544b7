#include "route/route_id.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace vallum::route {
namespace {

RouteIdentity example(std::string to = "https://to.example.com") {
  RouteIdentity route;
  route.from = "https://example.com";
  route.to.push_back({.url = std::move(to)});
  return route;
}

std::string id(const RouteIdentity& route) {
  return route_id(route).value_or("failed");
}

// The vectors of the configuration specification, appendix B.
TEST(RouteIdTest, EqualsTheReference) {
  EXPECT_EQ(id(example()), "bc16089b025e93dc");

  RouteIdentity path = example();
  path.path = "/some/path";
  EXPECT_EQ(id(path), "62efb723582dff6f");
  path.path = "/websocket-timeout";
  EXPECT_EQ(id(path), "301084c3bd94c1ed");

  RouteIdentity prefix = example();
  prefix.prefix = "/some/prefix/";
  EXPECT_EQ(id(prefix), "9934ee6936a6388d");

  RouteIdentity regex = example();
  regex.regex = "^/[a]+$";
  EXPECT_EQ(id(regex), "0923c9f3dc9e302a");

  RouteIdentity wildcard = example("https://www.example.com");
  wildcard.from = "https://*.example.com";
  EXPECT_EQ(id(wildcard), "5fbd81d8f19363f4");
}

TEST(RouteIdTest, CoversEveryFormOfTarget) {
  EXPECT_EQ(id(example("http://a:8080")), "a1a44823dc2333f5");
  EXPECT_EQ(id(example("http://a:8080/base/")), "1fa898f90d20d973");
  EXPECT_EQ(id(example("unix:///run/app.sock")), "3bda1c334dec7e2d");

  RouteIdentity weighted = example();
  weighted.to = {{.url = "http://a:8080", .weight = 10}, {.url = "http://b:8080", .weight = 20}};
  EXPECT_EQ(id(weighted), "86cf94324f001b0a");

  RouteIdentity tunnel = example("tcp://10.0.0.5:5432");
  tunnel.from = "tcp+https://db.example.com:5432";
  EXPECT_EQ(id(tunnel), "4f3576fb84d6ec07");

  RouteIdentity ssh = example("ssh://10.0.0.6:22");
  ssh.from = "ssh://host1";
  EXPECT_EQ(id(ssh), "43452fef2f8dd3da");
}

TEST(RouteIdTest, CoversRedirectsAndResponses) {
  RouteIdentity redirect = example();
  redirect.to.clear();
  redirect.redirect = RouteRedirect{};
  redirect.redirect->https_redirect = true;
  EXPECT_EQ(id(redirect), "1780d99665fcb5a9");

  redirect.redirect = RouteRedirect{};
  redirect.redirect->host_redirect = "www.example.com";
  redirect.redirect->response_code = 308;
  EXPECT_EQ(id(redirect), "e6d6ddb36114a941");

  RouteIdentity response = example();
  response.to.clear();
  response.response = RouteResponse{.status = 200, .body = "OK"};
  EXPECT_EQ(id(response), "4fff9cf909acf09b");
}

TEST(RouteIdTest, LeavesOutTheQueryOfATarget) {
  EXPECT_EQ(id(example("https://to.example.com?x=1")), id(example()));
  EXPECT_NE(id(example("https://to.example.com?")), id(example()));
}

TEST(RouteIdTest, TellsSpellingsOfAPathApart) {
  const std::vector<std::string> spellings{id(example("http://a/b%2fc")),
                                           id(example("http://a/b/c")),
                                           id(example("http://a/b!c")),
                                           id(example("http://a/b%21c"))};

  for (std::size_t i = 0; i < spellings.size(); ++i) {
    EXPECT_NE(spellings[i], "failed");
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_NE(spellings[i], spellings[j]) << i << " " << j;
    }
  }
  EXPECT_EQ(id(example("HTTP://a/")), id(example("http://a/")));
  EXPECT_EQ(id(example("http://a/%zz")), "failed");
}

}  // namespace
}  // namespace vallum::route
