#include <gtest/gtest.h>

#include "codec/base64.h"
#include "config/header_template.h"
#include "crypto/x509.h"
#include "policy/facts.h"
#include "policy/instructions.h"
#include "support/config_fixture.h"
#include "support/seeded_entropy.h"

namespace vallum::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// One route of these options, on top of a source, a destination and a rule.
std::string route(std::string_view options) {
  return "routes:\n  - {from: 'https://app.example.com', to: 'http://127.0.0.1:8080', "
         "allow_any_authenticated_user: true, " +
         std::string(options) + "}\n";
}
std::string bare_route(std::string_view options) {
  return "routes:\n  - {" + std::string(options) + ", allow_any_authenticated_user: true}\n";
}

class RouteConfigTest : public ConfigTest {
 protected:
  RouteSettings route_of(const std::string& text) const {
    Settings settings = accepted(text);
    EXPECT_EQ(settings.routes.size(), 1U);
    return settings.routes.empty() ? RouteSettings() : std::move(settings.routes[0]);
  }
};

TEST_F(RouteConfigTest, ReadsEveryBuiltOption) {
  const RouteSettings settings = route_of(
      route("name: n, description: d, prefix: /a, path: /b, preserve_host_header: true, "
            "pass_identity_headers: true, jwt_issuer_format: uri, jwt_assertion: per_request, "
            "remove_request_headers: [X-A], timeout: 5s, idle_timeout: 1m, tls_skip_verify: true, "
            "tls_server_name: internal.example"));

  EXPECT_EQ(settings.name, "n");
  EXPECT_EQ(settings.description, "d");
  EXPECT_EQ(settings.prefix, "/a");
  EXPECT_EQ(settings.path, "/b");
  EXPECT_TRUE(settings.preserve_host_header);
  EXPECT_TRUE(settings.pass_identity_headers);
  EXPECT_EQ(settings.assertion.issuer_format, IssuerFormat::Uri);
  EXPECT_EQ(settings.assertion_reuse, AssertionReuse::PerRequest);
  EXPECT_EQ(settings.remove_request_headers, (std::vector<std::string>{"X-A"}));
  EXPECT_EQ(settings.timeout, seconds(5));
  EXPECT_EQ(settings.idle_timeout, minutes(1));
  EXPECT_TRUE(settings.tls_skip_verify);
  EXPECT_EQ(settings.tls_server_name, "internal.example");
  EXPECT_EQ(settings.not_served_because, "");
}

TEST_F(RouteConfigTest, RoutesOfTheOlderListComeFirst) {
  const Settings settings = accepted(
      "routes: [{from: 'https://b.c', to: 'http://x', allow_any_authenticated_user: true}]\n"
      "policy: [{from: 'https://a.c', to: 'http://x', allow_any_authenticated_user: true}]\n");

  ASSERT_EQ(settings.routes.size(), 2U);
  EXPECT_EQ(settings.routes[0].from.host, "a.c");
  EXPECT_EQ(settings.where(settings.routes[1], "from"), "c.yaml:1:11");
  EXPECT_EQ(settings.where(settings.routes[1], "prefix"), "c.yaml:1:10");
}

TEST_F(RouteConfigTest, SourcesKeepWildcardsAndDropTheSchemesOwnPort) {
  const auto from = [&](const std::string& text) {
    return route_of(bare_route("from: '" + text + "', to: 'http://x'")).from;
  };
  EXPECT_EQ(from("https://App.Example.COM:443/").host, "app.example.com");
  EXPECT_FALSE(from("https://app.example.com:443").port.has_value());
  EXPECT_EQ(from("https://app.example.com:8443").port, 8443);
  EXPECT_EQ(from("http://app.example.com:443").port, 443);
  EXPECT_EQ(from("https://user@app.example.com").host, "app.example.com");
  EXPECT_EQ(from("https://*.Example.com:8443").host, "*.example.com");
  EXPECT_TRUE(from("https://a-*.example.com").is_wildcard());
  EXPECT_EQ(from("https://*").host, "*");
}

TEST_F(RouteConfigTest, BadSourcesAreRefusedWhereTheyStand) {
  for (const char* bad : {"a.example.com",
                          "https://",
                          "https:///x",
                          "://a",
                          "https://a b",
                          "https://a..b",
                          "https://a:0"}) {
    const Lines lines = refused(bare_route("from: '" + std::string(bad) + "', to: 'http://x'"));
    ASSERT_EQ(lines.size(), 1U) << bad;
    EXPECT_TRUE(lines[0].starts_with("c.yaml:2:12: routes[0].from: ")) << lines[0];
  }
  EXPECT_EQ(refused(bare_route("from: 'https://a.b/path', to: 'http://x'")).size(), 1U);
  EXPECT_EQ(refused(bare_route("to: 'http://x'")).size(), 1U);
}

TEST_F(RouteConfigTest, DestinationsAreFlattenedAndWeighted) {
  const RouteSettings settings =
      route_of(bare_route("from: 'https://a.b', to: [['http://U1:81,1'], {x: 'https://u2,3'}]"));

  ASSERT_EQ(settings.to.size(), 2U);
  EXPECT_EQ(settings.to[0].host_header, "u1:81");
  EXPECT_EQ(settings.to[0].port, 81);
  EXPECT_EQ(settings.to[0].weight, 1U);
  EXPECT_TRUE(settings.to[1].is_tls);
  EXPECT_EQ(settings.to[1].port, 443);
  EXPECT_EQ(settings.to[1].weight, 3U);
}

TEST_F(RouteConfigTest, LocalhostIsTheLoopbackAddressButKeepsItsNameForTls) {
  const RouteSettings settings =
      route_of(bare_route("from: 'https://a.b', to: 'https://localhost:8443'"));

  EXPECT_EQ(settings.to[0].authority.text(), "127.0.0.1:8443");
  EXPECT_EQ(settings.to[0].host_header, "127.0.0.1:8443");
  EXPECT_EQ(settings.to[0].server_name, "localhost");
}

TEST_F(RouteConfigTest, BadDestinationsAreRefused) {
  for (const char* bad : {"a:80",
                          "[]",
                          "~",
                          "'http://b,0'",
                          "'http://b,x'",
                          "'http://b,4294967296'",
                          "['http://b,1', 'http://c']",
                          "['tcp://b:1', 'http://c']",
                          "['unix:///s', 'http://c']",
                          "'http://u:p@b'",
                          "'ftp://b'",
                          "'http://b:99999'"}) {
    EXPECT_FALSE(refused(bare_route("from: 'https://a.b', to: " + std::string(bad))).empty())
        << bad;
  }
}

TEST_F(RouteConfigTest, WebSocketsLiftTheTimeouts) {
  EXPECT_EQ(route_of(route("name: x")).timeout, seconds(30));
  EXPECT_FALSE(route_of(route("name: x")).idle_timeout.has_value());
  const RouteSettings open = route_of(route("allow_websockets: true"));
  EXPECT_EQ(open.timeout, Duration::zero());
  EXPECT_EQ(open.idle_timeout, Duration::zero());
  EXPECT_EQ(route_of(route("allow_websockets: true, timeout: 1m")).timeout, minutes(1));
  EXPECT_EQ(route_of(route("idle_timeout: 10m")).timeout, seconds(30));
}

TEST_F(RouteConfigTest, AnOutageOfTheProviderMayBeTreatedMoreStrictlyThanElsewhere) {
  EXPECT_EQ(route_of(route("name: x")).outage_grace, hours(1));
  EXPECT_EQ(route_of(route("idp_outage_grace: 0s")).outage_grace, Duration::zero());
  EXPECT_EQ(refused(route("idp_outage_grace: 2h")).size(), 1U);
}

TEST_F(RouteConfigTest, AListOfUpgradesReplacesTheGlobalOne) {
  const std::string global = "allow_upgrades: [websocket]\n";
  EXPECT_TRUE(route_of(global + route("name: x")).allow_websockets);
  EXPECT_FALSE(route_of(global + route("allow_upgrades: ['']")).allow_websockets);
  EXPECT_FALSE(route_of(global + route("allow_upgrades: [raw]")).allow_websockets);
  EXPECT_TRUE(route_of(route("allow_upgrades: [WebSocket]")).allow_websockets);
}

TEST_F(RouteConfigTest, ResponseHeadersAreMergedWithoutRegardToCase) {
  using Headers = std::vector<HeaderLine>;
  const std::string global = "set_response_headers: {X-A: '1', X-B: '2'}\n";
  EXPECT_EQ(route_of(global + route("set_response_headers: {x-a: '3'}")).set_response_headers,
            (Headers{{"X-B", "2"}, {"x-a", "3"}}));
  EXPECT_TRUE(route_of(global + route("set_response_headers: {Disable: '', X-C: '1'}"))
                  .set_response_headers.empty());
  EXPECT_EQ(route_of(route("name: x")).set_response_headers,
            (Headers{{"X-Frame-Options", "SAMEORIGIN"}, {"X-XSS-Protection", "1; mode=block"}}));
}

TEST_F(RouteConfigTest, HeadersThatCouldSplitAMessageAreRefused) {
  for (const char* bad :
       {"{'X A': '1'}", "{X: \"a\\nb\"}", "{X-A: '1', x-a: '2'}", "{X: [1]}", "[X]"}) {
    EXPECT_EQ(refused(route("set_request_headers: " + std::string(bad))).size(), 1U) << bad;
    EXPECT_EQ(refused("set_response_headers: " + std::string(bad)).size(), 1U) << bad;
  }
  EXPECT_EQ(refused(route("remove_request_headers: ['a b']")).size(), 1U);
}

TEST_F(RouteConfigTest, ReferencesInRequestHeadersAreReadOnceAndUnknownOnesNamed) {
  const Loaded loaded = load(route(
      "set_request_headers: {Authorization: 'Bearer $pomerium.id_token', X-Cost: $$5, X-Typo: "
      "'${pomerium.idtoken}!', X-Jwt: $pomerium.jwt}"));

  const RouteSettings& settings = loaded.settings->routes[0];
  using Kind = HeaderPiece::Kind;
  EXPECT_EQ(settings.set_request_headers,
            (std::vector<RequestHeader>{
                {"Authorization", {{Kind::Literal, "Bearer "}, {Kind::IdToken, ""}}},
                {"X-Cost", {{Kind::Literal, "$5"}}},
                {"X-Typo", {{Kind::Literal, "!"}}},
                {"X-Jwt", {{Kind::Assertion, ""}}}}));
  EXPECT_TRUE(settings.needs_assertion);
  EXPECT_TRUE(loaded.settings->uses_session_tokens);
  ASSERT_EQ(warnings(loaded).size(), 1U);
  EXPECT_TRUE(warnings(loaded)[0].contains("${pomerium.idtoken}"));
}

TEST_F(RouteConfigTest, GroupsToldAreThoseOfBothFilters) {
  const Settings settings =
      accepted("jwt_groups_filter: [b, a]\n" + route("jwt_groups_filter: [c, a]"));

  EXPECT_EQ(settings.assertion.groups_filter, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(settings.routes[0].assertion.groups_filter, (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(RouteConfigTest, RemovingAnIdentityHeaderKeepsItFromTheApplication) {
  const Settings settings =
      accepted("pass_identity_headers: true\njwt_claims_headers: [email, name]\n" +
               route("remove_request_headers: [X-Pomerium-Claim-Email, x-pomerium-jwt-assertion]"));

  EXPECT_FALSE(settings.routes[0].sends_assertion);
  ASSERT_EQ(settings.routes[0].claim_headers.size(), 1U);
  EXPECT_EQ(settings.routes[0].claim_headers[0].claim, "name");
  EXPECT_EQ(settings.routes[0].assertion.extra_claims.size(), 2U);
}

TEST_F(RouteConfigTest, AKubernetesRouteUpgradesAndTakesItsTime) {
  files().put("token", " t0ken\n");
  const RouteSettings settings = route_of(route("kubernetes_service_account_token_file: token"));

  EXPECT_TRUE(settings.is_kubernetes);
  EXPECT_EQ(settings.kubernetes_token.expose_text(), "t0ken");
  EXPECT_TRUE(settings.allow_websockets && settings.allow_spdy);
  EXPECT_EQ(settings.timeout, Duration::zero());
  EXPECT_EQ(settings.idle_timeout, Duration::zero());
}

TEST_F(RouteConfigTest, ARenewedTokenFileIsNoticed) {
  files().put("token", "first");
  const Settings settings = accepted(route("kubernetes_service_account_token_file: token"));

  EXPECT_FALSE(settings.tokens_were_renewed(files()));
  files().put("token", "second\n");
  EXPECT_TRUE(settings.tokens_were_renewed(files()));
}

TEST_F(RouteConfigTest, AKubernetesTokenIsOneUsableText) {
  files().put("token", "t");
  files().put("empty", "\n");
  for (const char* bad : {"kubernetes_service_account_token: t, "
                          "kubernetes_service_account_token_file: token",
                          "kubernetes_service_account_token_file: empty",
                          "kubernetes_service_account_token_file: missing",
                          "kubernetes_service_account_token: \"a\\nb\""}) {
    EXPECT_EQ(refused(route(bad)).size(), 1U) << bad;
  }
}

TEST_F(RouteConfigTest, AnAuthorizationThatIsSetReplacesTheKubernetesToken) {
  const Loaded loaded =
      load(route("kubernetes_service_account_token: t, set_request_headers: "
                 "{Authorization: Basic x}"));

  EXPECT_TRUE(loaded.settings->routes[0].is_kubernetes);
  EXPECT_TRUE(loaded.settings->routes[0].kubernetes_token.empty());
  EXPECT_EQ(warnings(loaded).size(), 1U);
}

TEST_F(RouteConfigTest, HashBalancingSendsARoutingKey) {
  EXPECT_TRUE(route_of(route("load_balancing_policy: RING_HASH")).sends_routing_key);
  EXPECT_TRUE(route_of(route("load_balancing_policy: maglev")).sends_routing_key);
  EXPECT_FALSE(route_of(route("load_balancing_policy: round_robin")).sends_routing_key);
  EXPECT_EQ(warnings(load(route("load_balancing_policy: maglev"))).size(), 1U);
  EXPECT_EQ(refused(route("load_balancing_policy: best")).size(), 1U);
}

TEST_F(RouteConfigTest, TheChecksumChangesWithAnythingTheRouteSays) {
  const std::uint64_t one = route_of(route("timeout: 5s")).checksum;

  EXPECT_NE(one, 0U);
  EXPECT_EQ(route_of("log_level: warn\n" + route("timeout: 5s")).checksum, one);
  EXPECT_NE(route_of(route("timeout: 6s")).checksum, one);
}

TEST_F(RouteConfigTest, HostIsNotARequestHeaderToSet) {
  EXPECT_TRUE(route_of(route("set_request_headers: {Host: x}")).set_request_headers.empty());
}

TEST_F(RouteConfigTest, AnOptionThatIsNotBuiltNeverOpensARoute) {
  for (const char* option : {"regex: '/v.*'",
                             "prefix_rewrite: /x",
                             "host_rewrite: x",
                             "idp_client_id: x",
                             "mcp: {server: {}}",
                             "redirect: {https_redirect: true}",
                             "response: {status: 200}"}) {
    const RouteSettings settings = route_of(route(option));
    const std::string name(std::string_view(option).substr(0, std::string_view(option).find(':')));
    EXPECT_EQ(settings.not_served_because, name + ": is not built yet") << option;
  }
  EXPECT_EQ(route_of(route("bearer_token_format: default")).not_served_because, "");
  EXPECT_EQ(route_of(route("load_balancing_policy: random")).not_served_because, "");
}

TEST_F(RouteConfigTest, TunnelsAndPathsInDestinationsAreNotServed) {
  EXPECT_NE(route_of(bare_route("from: 'tcp+https://a.b:1', to: 'tcp://x:1'")).not_served_because,
            "");
  EXPECT_NE(route_of(bare_route("from: 'https://a.b', to: 'h2c://x'")).not_served_because, "");
  EXPECT_NE(route_of(bare_route("from: 'https://a.b', to: 'http://x/base'")).not_served_because,
            "");
  EXPECT_NE(
      route_of(bare_route("from: 'https://a.b', prefix: /app, to: 'http://x/'")).not_served_because,
      "");
  EXPECT_EQ(route_of(bare_route("from: 'https://a.b', to: 'http://x/'")).not_served_because, "");
}

TEST_F(RouteConfigTest, PoliciesAreCompiledAndTheirProblemsHaveAPlace) {
  EXPECT_EQ(
      refused("routes:\n"
              "  - from: https://a.b\n"
              "    to: http://x\n"
              "    policy:\n"
              "      - permit: {or: [{accept: true}]}\n"
              "      - allow:\n"
              "          or:\n"
              "            - emial: {is: x@y}\n"
              "            - email: {contains: 5}\n"
              "            - time_of_day: {timezone: Europe/Berlyn, after: '9:00'}\n"),
      (Lines{"c.yaml:5:9: routes[0]: 'permit' is not an action: write allow or deny "
             "(unsupported-action)",
             "c.yaml:8:15: routes[0]: 'emial' is not a criterion: did you mean 'email'? "
             "(unknown-criterion)",
             "c.yaml:9:33: routes[0]: 'contains' needs a string, not a number: put it in quotes if "
             "it was meant as text (substring-operator-needs-string)",
             "c.yaml:10:39: routes[0]: 'Europe/Berlyn' is not a time zone of this system: write a "
             "name of the IANA database, such as Europe/Berlin, and have the package tzdata "
             "installed (unknown-criterion)"}));
  EXPECT_NE(route_of(route("name: x")).program.instructions(), nullptr);
}

TEST_F(RouteConfigTest, SubPoliciesAreCheckedAtTheirPlaceToo) {
  EXPECT_EQ(refused("routes:\n"
                    "  - from: https://a.b\n"
                    "    to: http://x\n"
                    "    sub_policies:\n"
                    "      - allowed_users: [5]\n"
                    "      - rego: 'package x'\n"),
            (Lines{"c.yaml:5:25: routes[0]: allowed_users is a list of strings: put a number in "
                   "quotes (route-key-type)",
                   "c.yaml:6:15: routes[0]: policies written in Rego are not supported: write the "
                   "rules in 'policy' (custom-rego)"}));
}

TEST_F(RouteConfigTest, APolicyWhoseMeaningHungOnAFaultOfTheReferenceIsWarnedAbout) {
  EXPECT_EQ(warnings(load("routes:\n"
                          "  - from: https://a.b\n"
                          "    to: http://x\n"
                          "    policy: {allow: {or: [{http_path: {not: /admin}}]}}\n")),
            (Lines{"c.yaml:4:28: routes[0]: http_path is compared with that part of the request "
                   "alone: written like this it used to hold for every request "
                   "(http-field-overmatch)"}));
}

TEST_F(RouteConfigTest, QuirksAreTheReferencesOnlyWhereARouteAsksForThem) {
  EXPECT_FALSE(
      route_of(route("policy_quirks: required")).program.instructions()->san_conditions_apart);
  EXPECT_TRUE(
      route_of(route("policy_quirks: reference")).program.instructions()->san_conditions_apart);
  EXPECT_FALSE(route_of(route("name: x")).program.instructions()->san_conditions_apart);
  EXPECT_EQ(refused(route("policy_quirks: all")).size(), 1U);
}

TEST_F(RouteConfigTest, PolicyKeywordsAreFoldedAndClaimNamesAreNot) {
  EXPECT_NE(
      route_of("routes: [{from: 'https://a.b', to: 'http://x', Policy: {Allow: {Or: [{Claim/Fam: "
               "{Is: x}}]}}}]")
          .program.instructions(),
      nullptr);
}

TEST_F(RouteConfigTest, AllowlistsContradictOpenRoutes) {
  EXPECT_EQ(refused("routes: [{from: 'https://a.b', to: 'http://x', "
                    "allow_public_unauthenticated_access: true, allowed_users: []}]")
                .size(),
            1U);
  EXPECT_EQ(refused("routes: [{from: 'https://a.b', to: 'http://x', "
                    "allow_any_authenticated_user: 'true', allowed_domains: 'a,b'}]")
                .size(),
            1U);
  EXPECT_EQ(refused("routes: [{from: 'https://a.b', allowed_users: [a]}]").size(), 1U);
}

TEST_F(RouteConfigTest, ARouteWithoutARuleIsClosedAndSaysSo) {
  const Loaded loaded = load("routes: [{from: 'https://a.b', to: 'http://x'}]");

  EXPECT_EQ(
      warnings(loaded),
      (Lines{"c.yaml:1:10: routes[0]: has no rule, so nobody is allowed; write policy, or one "
             "of the allow options"}));
}

// Covers POL-67.
TEST_F(RouteConfigTest, TwoRoutesThatLeadToTheSameAreRefused) {
  const std::string one = "{from: 'https://a.b', to: 'http://x', allowed_users: [a]";
  EXPECT_TRUE(refused("routes:\n - " + one + "}\n - " + one + ", timeout: 1s}\n")[0].contains(
      "the same as the one at c.yaml:2:4"));
  EXPECT_EQ(accepted("routes:\n - " + one + "}\n - " + one + ", prefix: /y}\n").routes.size(), 2U);
}

TEST_F(RouteConfigTest, CustomAuthoritiesAreReadAndChecked) {
  testing::SeededEntropy entropy(1);
  const auto ca = crypto::generate_ca({.common_name = "ca",
                                       .dns_names = {},
                                       .ip_addresses = {},
                                       .not_before = kNow - std::chrono::hours(1),
                                       .not_after = kNow + std::chrono::hours(1)},
                                      entropy);
  files().put("ca.pem", ca->certificate_pem);
  const std::string inline_ca =
      codec::encode_base64(as_bytes(ca->certificate_pem), codec::Base64::Std);

  EXPECT_EQ(route_of(route("tls_custom_ca_file: ca.pem")).tls_custom_ca_pem, ca->certificate_pem);
  EXPECT_EQ(route_of(route("tls_custom_ca: " + inline_ca)).tls_custom_ca_pem, ca->certificate_pem);
  EXPECT_EQ(refused(route("tls_custom_ca_file: none.pem")).size(), 1U);
  EXPECT_EQ(refused(route("tls_custom_ca: '*'")).size(), 1U);
  EXPECT_EQ(refused(route("tls_custom_ca: bm90IGEgY2VydGlmaWNhdGU=")).size(), 1U);
}

struct IdVector {
  const char* route;
  const char* id;
};

class RouteIdTest : public ConfigTest, public ::testing::WithParamInterface<IdVector> {};

TEST_P(RouteIdTest, EqualsTheVectorsOfTheSpecification) {
  const Settings settings = accepted("routes: [{" + std::string(GetParam().route) + "}]");

  ASSERT_EQ(settings.routes.size(), 1U);
  EXPECT_EQ(settings.routes[0].id, GetParam().id);
}

INSTANTIATE_TEST_SUITE_P(
    AppendixB,
    RouteIdTest,
    ::testing::Values(
        IdVector{"from: 'https://example.com', to: 'https://to.example.com'", "bc16089b025e93dc"},
        IdVector{"from: 'https://example.com', to: 'https://to.example.com', path: /some/path",
                 "62efb723582dff6f"},
        IdVector{"from: 'https://example.com', to: 'https://to.example.com', prefix: /some/prefix/",
                 "9934ee6936a6388d"},
        IdVector{"from: 'https://example.com', to: 'https://to.example.com', regex: '^/[a]+$'",
                 "0923c9f3dc9e302a"},
        IdVector{"from: 'https://example.com', to: 'https://to.example.com', path: "
                 "/websocket-timeout",
                 "301084c3bd94c1ed"},
        IdVector{"from: 'https://*.example.com', to: 'https://www.example.com'",
                 "5fbd81d8f19363f4"},
        IdVector{"from: 'https://example.com', to: 'http://a:8080'", "a1a44823dc2333f5"},
        IdVector{"from: 'https://example.com', to: 'http://a:8080/base/'", "1fa898f90d20d973"},
        IdVector{"from: 'https://example.com', to: ['http://a:8080,10', 'http://b:8080,20']",
                 "86cf94324f001b0a"},
        IdVector{"from: 'https://example.com', to: 'unix:///run/app.sock'", "3bda1c334dec7e2d"},
        IdVector{"from: 'tcp+https://db.example.com:5432', to: 'tcp://10.0.0.5:5432'",
                 "4f3576fb84d6ec07"},
        IdVector{"from: 'https://example.com', redirect: {https_redirect: true}",
                 "1780d99665fcb5a9"},
        IdVector{"from: 'https://example.com', redirect: {host_redirect: www.example.com, "
                 "response_code: 308}",
                 "e6d6ddb36114a941"},
        IdVector{"from: 'https://example.com', response: {status: 200, body: OK}",
                 "4fff9cf909acf09b"},
        IdVector{"from: 'ssh://host1', to: 'ssh://10.0.0.6:22'", "43452fef2f8dd3da"}));

struct Template {
  const char* text;
  const char* literals;
  bool has_reference;
};

class HeaderTemplateTest : public ::testing::TestWithParam<Template> {};

TEST_P(HeaderTemplateTest, FollowsTheGrammar) {
  const HeaderTemplate value = parse_header_template(GetParam().text);

  std::string literals;
  for (const HeaderPiece& piece : value.pieces) {
    literals.append(piece.kind == HeaderPiece::Kind::Literal ? piece.text : "");
  }
  EXPECT_EQ(literals, GetParam().literals);
  EXPECT_EQ(!value.unknown.empty() || value.pieces.size() > (literals.empty() ? 0U : 1U),
            GetParam().has_reference);
}

INSTANTIATE_TEST_SUITE_P(AppendixE8,
                         HeaderTemplateTest,
                         ::testing::Values(Template{"${pomerium.id_token}", "", true},
                                           Template{"Bearer $pomerium.id_token", "Bearer ", true},
                                           Template{"$pomerium.id_token.x", "", true},
                                           Template{"${ pomerium . id_token }", "", true},
                                           Template{"${pomerium[\"id_token\"]}", "", true},
                                           Template{"${pomerium[\"a\\\"]b\"]}!", "!", true},
                                           Template{"$$x", "$x", false},
                                           Template{"a$", "a$", false},
                                           Template{
                                               "${pomerium.id_token", "${pomerium.id_token", false},
                                           Template{"${pomerium[\"x]}", "${pomerium[\"x]}", false},
                                           Template{"${.x}", "${.x}", false},
                                           Template{"$5.00", "", true},
                                           Template{"cost: $ 5", "cost: $ 5", false},
                                           Template{"$a-b", "", true},
                                           Template{"$a.", ".", true},
                                           Template{"$$$a", "$", true}));

struct Reference {
  const char* text;
  HeaderPiece piece;
};

class HeaderReferenceTest : public ::testing::TestWithParam<Reference> {};

TEST_P(HeaderReferenceTest, StandsForOneThing) {
  const HeaderTemplate value = parse_header_template(GetParam().text);

  EXPECT_EQ(value.pieces, (std::vector<HeaderPiece>{GetParam().piece}));
  EXPECT_TRUE(value.unknown.empty());
}

using Kind = HeaderPiece::Kind;
INSTANTIATE_TEST_SUITE_P(
    Known,
    HeaderReferenceTest,
    ::testing::Values(
        Reference{"$pomerium.access_token", {Kind::AccessToken, ""}},
        Reference{"${pomerium[\"id_token\"]}", {Kind::IdToken, ""}},
        Reference{"${ pomerium . jwt }", {Kind::Assertion, ""}},
        Reference{"$pomerium.client_cert_fingerprint", {Kind::CertificateFingerprint, ""}},
        Reference{"$pomerium.client_cert_san_dns", {Kind::CertificateDnsNames, ""}},
        Reference{"$pomerium.client_cert_san_email", {Kind::CertificateEmails, ""}},
        Reference{"${pomerium.request.headers[\"X-A\"]}", {Kind::RequestHeader, "X-A"}},
        Reference{"$pomerium.request.headers.X-A", {Kind::RequestHeader, "X-A"}}));

TEST(HeaderReferenceNamesTest, NamesNothingThatIsNotThere) {
  for (const char* text : {"$jwt",
                           "$pomerium",
                           "$pomerium.jwt.x",
                           "$pomerium.request.headers",
                           "${pomerium.request.headers[\"a b\"]}",
                           "$pomerium.JWT"}) {
    const HeaderTemplate value = parse_header_template(text);
    EXPECT_TRUE(value.pieces.empty()) << text;
    EXPECT_EQ(value.unknown, (std::vector<std::string>{text}));
  }
}

}  // namespace
}  // namespace vallum::config
