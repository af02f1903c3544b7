#include "route/route_table.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "http/syntax/normalize.h"

namespace vallum::route {
namespace {

using http::Authority;
using http::Method;

RouteSpec from(std::string_view url, std::string_view prefix = "", std::string_view path = "") {
  return {.from = std::string(url), .prefix = std::string(prefix), .path = std::string(path)};
}

TableOptions exact_ports() {
  TableOptions options;
  options.match_any_incoming_port = false;
  return options;
}

TableOptions with_authenticate() {
  TableOptions options;
  options.authenticate_urls = {"https://auth.t"};
  return options;
}

RouteTable table_of(const std::vector<RouteSpec>& specs, const TableOptions& options = {}) {
  auto table = RouteTable::build(specs, options);
  EXPECT_TRUE(table.has_value());
  return std::move(table).value_or(RouteTable());
}

std::optional<RouteIndex> get(const RouteTable& table,
                              std::string_view host,
                              std::string_view path = "/") {
  return table.find(Authority::parse(host).value(), path, Method::Get).route;
}

std::optional<RouteIndex> connect(const RouteTable& table, std::string_view authority) {
  return table.find(Authority::parse(authority).value(), "", Method::Connect).route;
}

bool matches(std::string_view url, std::string_view host, const TableOptions& options = {}) {
  return get(table_of({from(url)}, options), host).has_value();
}

// The vectors of the configuration specification, appendix E.1, but for the trailing dot.
TEST(RouteTableTest, MatchesHostsAsTheReferenceDoes) {
  EXPECT_TRUE(matches("https://a.example.com", "a.example.com"));
  EXPECT_TRUE(matches("https://a.example.com", "A.EXAMPLE.COM"));
  EXPECT_TRUE(matches("https://a.example.com", "a.example.com:8443"));
  EXPECT_TRUE(matches("https://a.example.com:443", "a.example.com"));
  EXPECT_FALSE(matches("https://a.example.com:8443", "a.example.com"));
  EXPECT_TRUE(matches("https://a.example.com:8443", "a.example.com:8443"));
  EXPECT_TRUE(matches("http://a.example.com", "a.example.com:80"));
  EXPECT_FALSE(matches("http://a.example.com:443", "a.example.com"));
  for (const std::string_view host :
       {"x.example.com", "x.y.example.com", ".example.com", "x.example.com:99"}) {
    EXPECT_TRUE(matches("https://*.example.com", host)) << host;
  }
  EXPECT_FALSE(matches("https://*.example.com", "example.com"));
  EXPECT_TRUE(matches("https://*example.com", "example.com"));
  EXPECT_TRUE(matches("https://*example.com", "notexample.com"));
  EXPECT_TRUE(matches("https://a-*.example.com", "a-1.example.com"));
  EXPECT_TRUE(matches("https://a-*.example.com", "a-.example.com"));
  EXPECT_FALSE(matches("https://*.example.com:8443", "x.example.com"));
  EXPECT_TRUE(matches("https://*.example.com:8443", "x.example.com:8443"));
}

// Covers SIG-15. The reference keeps the dot, and then finds no route.
TEST(RouteTableTest, TakesATrailingDotForTheSameHost) {
  EXPECT_TRUE(matches("https://a.example.com", "a.example.com."));
  EXPECT_TRUE(matches("https://a.example.com.", "a.example.com"));
}

TEST(RouteTableTest, CountsPortsOnlyWhenTold) {
  const TableOptions exact = exact_ports();

  EXPECT_TRUE(matches("https://a.example.com", "a.example.com", exact));
  EXPECT_TRUE(matches("https://a.example.com", "a.example.com:443", exact));
  EXPECT_FALSE(matches("https://a.example.com", "a.example.com:8443", exact));
  EXPECT_FALSE(matches("http://a.example.com", "a.example.com:443", exact));
  EXPECT_TRUE(matches("https://*.example.com", "x.example.com:443", exact));
  EXPECT_FALSE(matches("https://*.example.com", "x.example.com:99", exact));
}

TEST(RouteTableTest, ConnectsToTunnelsOnly) {
  const auto tunnel = [](std::string_view url, std::string_view authority) {
    return connect(table_of({from(url)}), authority).has_value();
  };

  EXPECT_TRUE(tunnel("tcp+https://db.example.com:5432", "db.example.com:5432"));
  EXPECT_FALSE(tunnel("tcp+https://db.example.com:5432", "db.example.com:5433"));
  EXPECT_TRUE(tunnel("tcp+https://db.example.com", "db.example.com:5432"));
  EXPECT_TRUE(tunnel("tcp+https://proxy.example.com/db:5432", "db:5432"));
  EXPECT_FALSE(tunnel("tcp+https://proxy.example.com/db:5432", "proxy.example.com:5432"));
  EXPECT_TRUE(tunnel("tcp+https://proxy.example.com/a:1/b:2", "b:2"));
  EXPECT_FALSE(tunnel("https://a.example.com", "a.example.com:443"));
  EXPECT_FALSE(matches("tcp+https://db.example.com:443", "db.example.com:443"));
  EXPECT_FALSE(matches("ssh://host1", "host1"));
}

TEST(RouteTableTest, NeverFallsThroughFromAnExactHostToAWildcard) {
  const RouteTable table =
      table_of({from("https://*.example.com"), from("https://a.example.com", "/x")});

  EXPECT_EQ(get(table, "a.example.com", "/y"), std::nullopt);
  EXPECT_EQ(get(table, "a.example.com", "/x1"), 1U);
  EXPECT_EQ(get(table, "b.example.com", "/"), 0U);
  EXPECT_EQ(get(table, "a.example.com:8443", "/y"), std::nullopt);
}

TEST(RouteTableTest, LetsAnExactPortGoBeforeAnyPort) {
  const RouteTable table = table_of({from("https://a.t"), from("https://a.t:8443", "/x")});

  EXPECT_EQ(get(table, "a.t:8443", "/x"), 1U);
  EXPECT_EQ(get(table, "a.t:8443", "/y"), std::nullopt);
  EXPECT_EQ(get(table, "a.t:9999", "/y"), 0U);
}

TEST(RouteTableTest, TakesTheFirstOfSeveralWildcardsInFileOrder) {
  const RouteTable table = table_of({from("https://*.b.t", "/one"),
                                     from("https://*.t", "/two"),
                                     from("https://x-*"),
                                     from("https://*.b.t")});

  EXPECT_EQ(get(table, "a.b.t", "/one"), 0U);
  EXPECT_EQ(get(table, "a.b.t", "/two"), 1U);
  EXPECT_EQ(get(table, "x-a.b.t", "/other"), 2U);
  EXPECT_EQ(get(table, "a.b.t", "/other"), 3U);
  EXPECT_EQ(get(table, "a.c.t", "/other"), std::nullopt);
}

TEST(RouteTableTest, PutsPathBeforePrefixAndIgnoresPrefixesWithoutSlash) {
  const RouteTable table = table_of({from("https://a.t", "/p", "/exact"),
                                     from("https://a.t", "nope"),
                                     from("https://a.t", "/p")});

  EXPECT_EQ(get(table, "a.t", "/exact"), 0U);
  EXPECT_EQ(get(table, "a.t", "/p"), 2U);
  EXPECT_EQ(get(table, "a.t", "/nope"), std::nullopt);
}

// Covers HDR-15, HDR-20.
TEST(RouteTableTest, SendsEverySpellingOfAPathToOneRoute) {
  const RouteTable table = table_of({from("https://app.t", "/a/secret"),
                                     from("https://app.t", "/a"),
                                     from("https://app.t", "", "/one")});
  std::string scratch;
  const auto route = [&](std::string_view target) {
    const auto normalized = http::normalize_target(target, {}, scratch);
    return normalized ? get(table, "app.t", normalized->path) : std::nullopt;
  };

  for (const std::string_view target : {"/a/secret",
                                        "/a//secret",
                                        "/a/./secret",
                                        "/a/b/../secret",
                                        "/a/%73ecret",
                                        "/%61/secret",
                                        "/a/%2e/secret",
                                        "/a\\secret",
                                        "/x/%2e%2e/a/secret?/../a",
                                        "//a/secret"}) {
    EXPECT_EQ(route(target), 0U) << target;
  }
  EXPECT_EQ(route("/a/public"), 1U);
  for (const std::string_view target : {"/one", "//one", "/./one", "/b/../one", "/%6fne"}) {
    EXPECT_EQ(route(target), 2U) << target;
  }
  EXPECT_EQ(route("/a/..;/secret"), std::nullopt);
  EXPECT_EQ(route("/a%2fsecret"), std::nullopt);
}

// Covers HDR-19.
TEST(RouteTableTest, NeverLooksAtTheQuery) {
  const RouteTable table = table_of({from("https://app.t", "", "/admin"), from("https://app.t")});
  std::string scratch;
  for (const std::string_view target :
       {"/x?/admin", "/x?a=/admin&b", "/?/../admin", "/x?a?/admin", "/x?%2fadmin"}) {
    const auto normalized = http::normalize_target(target, {}, scratch);

    ASSERT_TRUE(normalized.has_value());
    EXPECT_EQ(get(table, "app.t", normalized->path), 1U) << target;
  }
}

class OwnEndpointTest : public testing::Test {
 protected:
  OwnEndpoint own(std::string_view host, std::string_view path) const {
    return table_.find(Authority::parse(host).value(), path, Method::Post).own;
  }

  const RouteTable table_ =
      table_of({from("https://app.t"), from("https://*.t")}, with_authenticate());
};

TEST_F(OwnEndpointTest, IsThereOnEveryHostAndBeforeEveryRoute) {
  for (const std::string_view host : {"app.t", "unknown.example", "auth.t", "10.0.0.1"}) {
    EXPECT_EQ(own(host, "/ping"), OwnEndpoint::Ping) << host;
    EXPECT_EQ(own(host, "/healthz"), OwnEndpoint::Healthz) << host;
    EXPECT_EQ(own(host, "/.pomerium"), OwnEndpoint::Pomerium) << host;
    EXPECT_EQ(own(host, "/.pomerium/"), OwnEndpoint::Pomerium) << host;
    EXPECT_EQ(own(host, "/.pomerium/api/v1/login"), OwnEndpoint::Pomerium) << host;
    EXPECT_EQ(own(host, "/.well-known/pomerium"), OwnEndpoint::WellKnown) << host;
    EXPECT_EQ(own(host, "/.well-known/pomerium/jwks.json"), OwnEndpoint::WellKnown) << host;
  }
  EXPECT_EQ(get(table_, "app.t", "/ping"), std::nullopt);
}

TEST_F(OwnEndpointTest, IsNotWhatOnlyLooksLikeIt) {
  for (const std::string_view path : {"/.pomeriumx",
                                      "/.POMERIUM/",
                                      "/ping/",
                                      "/pings",
                                      "/a/.pomerium/",
                                      "/.well-known/pomeriumx",
                                      "/.well-known/acme-challenge/x",
                                      "/robots.txt",
                                      "/",
                                      "/oauth2/callback"}) {
    EXPECT_EQ(own("app.t", path), OwnEndpoint::None) << path;
    EXPECT_EQ(get(table_, "app.t", path), 0U) << path;
  }
}

TEST_F(OwnEndpointTest, ServesSignInOnTheAuthenticateHostOnly) {
  EXPECT_EQ(own("auth.t", "/"), OwnEndpoint::AuthenticateRoot);
  EXPECT_EQ(own("AUTH.t:8443", "/oauth2/callback"), OwnEndpoint::Callback);
  EXPECT_EQ(own("auth.t", "/robots.txt"), OwnEndpoint::RobotsTxt);
  EXPECT_EQ(own("auth.t", "/oauth2/callback/"), OwnEndpoint::None);
  EXPECT_EQ(own("x.t", "/oauth2/callback"), OwnEndpoint::None);
}

TEST_F(OwnEndpointTest, KeepsWildcardRoutesOffTheAuthenticateHost) {
  EXPECT_EQ(get(table_, "auth.t", "/x"), std::nullopt);
  EXPECT_EQ(get(table_, "other.t", "/x"), 1U);
}

// Covers HDR-22.
TEST_F(OwnEndpointTest, IsReachedByEverySpellingOfItsPath) {
  std::string scratch;
  for (const std::string_view target : {"/%2epomerium/jwt",
                                        "//.pomerium/jwt",
                                        "/x/../.pomerium/jwt",
                                        "/.pomeriu%6D/jwt",
                                        "\\.pomerium\\jwt"}) {
    const auto normalized = http::normalize_target(target, {}, scratch);

    ASSERT_TRUE(normalized.has_value());
    EXPECT_EQ(own("app.t", normalized->path), OwnEndpoint::Pomerium) << target;
  }
}

TEST_F(OwnEndpointTest, IsNeverReachedByConnect) {
  EXPECT_EQ(table_.find(Authority::parse("app.t:443").value(), "/ping", Method::Connect).own,
            OwnEndpoint::None);
}

TEST(RouteTableTest, KnowsWhichHostsItServes) {
  const RouteTable table =
      table_of({from("https://app.t", "", "/x"), from("https://*.w.t")}, with_authenticate());

  for (const std::string_view host : {"app.t", "app.t:8443", "a.w.t", "auth.t"}) {
    EXPECT_TRUE(table.serves(Authority::parse(host).value())) << host;
  }
  for (const std::string_view host : {"evil.t", "w.t", "xapp.t", "app.t.evil.t"}) {
    EXPECT_FALSE(table.serves(Authority::parse(host).value())) << host;
  }
}

TEST(RouteTableTest, NamesTheRouteWhoseSourceIsWrong) {
  const std::vector<RouteSpec> specs{from("https://a.t"), from("https://b.t/path")};

  const auto table = RouteTable::build(specs, {});

  ASSERT_FALSE(table.has_value());
  EXPECT_TRUE(table.error().message().starts_with("route 2: source url: contains a path"));
}

TEST(RouteTableTest, HasNoRouteForATargetThatIsNoPath) {
  EXPECT_EQ(get(table_of({from("https://a.t")}), "a.t", "*"), std::nullopt);
}

}  // namespace
}  // namespace vallum::route
