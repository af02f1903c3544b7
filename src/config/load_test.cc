#include "config/load.h"

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "support/config_fixture.h"

namespace vallum::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_F(ConfigTest, AnEmptyFileGivesTheDefaults) {
  const Settings settings = accepted("");

  EXPECT_EQ(settings.address, (BindAddress{.host = {}, .port = 443}));
  EXPECT_EQ(settings.health_check_addr,
            (BindAddress{.host = IpAddress::loopback_v4(), .port = 28080}));
  EXPECT_FALSE(settings.metrics_address.has_value());
  EXPECT_FALSE(settings.shared_secret.has_value());
  EXPECT_EQ(settings.cookie.name, "_pomerium");
  EXPECT_EQ(settings.cookie.expire, hours(14));
  EXPECT_TRUE(settings.cookie.http_only);
  EXPECT_EQ(settings.timeout_read, seconds(30));
  EXPECT_EQ(settings.timeout_write, seconds(0));
  EXPECT_EQ(settings.timeout_idle, minutes(5));
  EXPECT_EQ(settings.default_upstream_timeout, seconds(30));
  EXPECT_EQ(settings.storage.type, StorageType::File);
  EXPECT_EQ(settings.programmatic_redirect_domain_whitelist,
            (std::vector<std::string>{"localhost"}));
  EXPECT_EQ(settings.limits.connections_max, 50'000U);
  EXPECT_EQ(settings.limits.cached_sessions_max, 20'000U);
  EXPECT_TRUE(settings.flags.match_any_incoming_port);
  EXPECT_TRUE(settings.routes.empty());
}

TEST_F(ConfigTest, ACacheHasASizeThatMemoryCanHave) {
  for (const char* const size : {"0", "16777217", "4294967295"}) {
    EXPECT_EQ(refused(std::string("limit_cached_sessions: ") + size),
              (Lines{"c.yaml:1:24: limit_cached_sessions: must be from 1 to 16777216"}))
        << size;
  }
}

TEST_F(ConfigTest, EveryProblemIsReportedAtOnceWithItsPlace) {
  EXPECT_EQ(
      refused("timeout_read: 30 seconds\n"
              "cookie_http_only: maybe\n"
              "no_such: 1\n"
              "routes:\n"
              "  - from: app.example.com\n"
              "    to: http://127.0.0.1:1\n"
              "    allow_any_authenticated_user: true\n"
              "    timeout: -1s\n"),
      (Lines{"c.yaml:1:15: timeout_read: \"30 seconds\" is not a duration; write a number "
             "with a unit, such as 30s or 1h30m",
             "c.yaml:2:19: cookie_http_only: \"maybe\" is not a boolean; write true or false",
             "c.yaml:3:1: unknown option \"no_such\"",
             "c.yaml:5:11: routes[0].from: \"app.example.com\" is not an absolute URL: it has "
             "no scheme; write scheme and host, such as https://app.example.com",
             "c.yaml:8:14: routes[0].timeout: must not be negative"}));
}

TEST_F(ConfigTest, SyntaxErrorsHaveAPlaceToo) {
  EXPECT_EQ(refused("routes: [\n  from: {\n"),
            (Lines{"c.yaml:3:1: not YAML: while parsing a flow node: did not find expected node "
                   "content"}));
  EXPECT_EQ(refused("- a\n"), (Lines{"c.yaml:1:1: the configuration is a list, not a mapping"}));
  EXPECT_EQ(refused("address: ':1'\naddress: ':2'\n"),
            (Lines{"c.yaml:2:1: key \"address\" is given twice"}));
}

TEST_F(ConfigTest, AnUnknownKeyNeverStopsALoadAndNamesTheNearest) {
  const Loaded loaded = load(
      "adress: ':1'\nroutes: [{from: 'https://a.b', to: 'http://c', "
      "alow_websockets: true, allow_any_authenticated_user: true}]\n");

  ASSERT_TRUE(loaded.settings.has_value());
  EXPECT_EQ(texts(loaded, Severity::UnknownKey),
            (Lines{"c.yaml:1:1: unknown option \"adress\"; did you mean address?",
                   "c.yaml:2:48: unknown option \"routes[0].alow_websockets\"; did you mean "
                   "allow_websockets?"}));
}

TEST_F(ConfigTest, OptionNamesAreFoldedAndUserKeysAreNot) {
  const Settings settings = accepted(
      "LOG_Level: debug\n"
      "idp_request_params: {Prompt: Login, 'a.b': x}\n"
      "Routes: [{From: 'https://a.b', TO: 'http://c', Allowed_Users: [Bob]}]\n");

  EXPECT_EQ(settings.log_level, telemetry::LogLevel::Debug);
  EXPECT_EQ(settings.provider.request_params,
            (std::map<std::string, std::string>{{"Prompt", "Login"}, {"a.b", "x"}}));
  EXPECT_EQ(settings.routes[0].from.host, "a.b");
}

TEST_F(ConfigTest, TheSameOptionInTwoSpellingsIsAnError) {
  EXPECT_EQ(refused("address: ':1'\nAddress: ':2'\n"),
            (Lines{"c.yaml:2:1: address: is given twice, in different case"}));
}

TEST_F(ConfigTest, NullIsTheSameAsAbsent) {
  EXPECT_EQ(accepted("timeout_read:\ncookie_name: ~\n").timeout_read, seconds(30));
}

TEST_F(ConfigTest, RemovedKeysAreErrorsEvenWhenEmpty) {
  EXPECT_EQ(refused("client_ca:\n"),
            (Lines{"c.yaml:1:1: client_ca: was removed and is no longer supported; use "
                   "downstream_mtls.ca"}));
  EXPECT_EQ(refused("tracing_provider: ''\n").size(), 1U);
}

TEST_F(ConfigTest, RemovedRouteKeysAreOnlyUnknownUnderTheOlderName) {
  const std::string route =
      "[{from: 'https://a.b', to: 'http://c', allowed_groups: [g], "
      "allow_any_authenticated_user: true}]\n";

  EXPECT_EQ(refused("routes: " + route).size(), 1U);
  EXPECT_EQ(texts(load("policy: " + route), Severity::UnknownKey).size(), 1U);
}

TEST_F(ConfigTest, TheEnvironmentWinsOverTheFile) {
  set_environment(
      {{"ADDRESS", "127.0.0.1:1"}, {"COOKIE_NAME", ""}, {"IDP_SCOPES", "openid,email"}});

  const Settings settings = accepted("address: ':2'\ncookie_name: mine\n");

  EXPECT_EQ(settings.address, (BindAddress{.host = IpAddress::loopback_v4(), .port = 1}));
  EXPECT_EQ(settings.where("address"), "$ADDRESS");
  EXPECT_EQ(settings.cookie.name, "mine");  // Empty counts as unset.
  EXPECT_EQ(settings.where("cookie_name"), "c.yaml:2:1");
  EXPECT_EQ(settings.where("log_level"), "");
  EXPECT_EQ(settings.provider.scopes, (std::vector<std::string>{"openid", "email"}));
}

TEST_F(ConfigTest, ErrorsInTheEnvironmentNameTheVariable) {
  set_environment({{"TIMEOUT_READ", "soon"}});

  EXPECT_EQ(refused(""),
            (Lines{"$TIMEOUT_READ: timeout_read: \"soon\" is not a duration; write a number with a "
                   "unit, such as 30s or 1h30m"}));
}

TEST_F(ConfigTest, RoutesMayComeFromTheEnvironmentAsBase64) {
  const std::string yaml = "- from: https://a.b\n  to: http://c\n  allowed_users: [x]\n";
  set_environment({{"ROUTES", codec::encode_base64(as_bytes(yaml), codec::Base64::Std)}});

  const Settings settings = accepted("routes: [{from: 'https://z.z', to: 'http://z'}]");

  ASSERT_EQ(settings.routes.size(), 1U);
  EXPECT_EQ(settings.routes[0].from.host, "a.b");
  EXPECT_EQ(settings.where(settings.routes[0], "to"), "$ROUTES:2:3");
}

TEST_F(ConfigTest, MistakesInRoutesOfTheEnvironmentHaveTheirPlace) {
  const std::string yaml = "- from: https://a.b\n  to: 5\n";
  set_environment({{"ROUTES", codec::encode_base64(as_bytes(yaml), codec::Base64::Std)}});
  EXPECT_TRUE(refused("")[0].starts_with("$ROUTES:2:7: routes[0].to: "));

  set_environment({{"ROUTES", "%%%"}});
  EXPECT_EQ(refused(""), (Lines{"$ROUTES: routes: is neither a list of routes nor base64 of one"}));
}

TEST_F(ConfigTest, HeadersOfTheEnvironmentHaveTwoForms) {
  const std::vector<HeaderLine> expected{{"X-A", "1"}, {"X-B", "http://h:1"}};
  set_environment({{"HEADERS", "X-A:1,X-B:http://h:1"}});
  EXPECT_EQ(accepted("").set_response_headers, expected);

  set_environment({{"HEADERS", R"({"X-A":"1","X-B":"http://h:1"})"}});
  EXPECT_EQ(accepted("").set_response_headers, expected);

  set_environment({{"HEADERS", "X-A"}});
  EXPECT_EQ(refused("").size(), 1U);
  set_environment({{"SET_RESPONSE_HEADERS", "X-A:1"}});
  EXPECT_EQ(accepted("").set_response_headers.size(), 2U);
}

TEST_F(ConfigTest, WeakTypesAreReadAsTheReferenceReadsThem) {
  const Settings settings = accepted(
      "cookie_http_only: 'F'\n"
      "pass_identity_headers: 1\n"
      "xff_num_trusted_hops: '0x10'\n"
      "cookie_name: 12\n"
      "set_response_headers: {X-A: true, X-B: 7}\n"
      "idp_scopes: one\n"
      "timeout_write: 0\n");

  EXPECT_FALSE(settings.cookie.http_only);
  EXPECT_TRUE(settings.pass_identity_headers);
  EXPECT_EQ(settings.xff_num_trusted_hops, 16U);
  EXPECT_EQ(settings.cookie.name, "12");
  EXPECT_EQ(settings.set_response_headers, (std::vector<HeaderLine>{{"X-A", "1"}, {"X-B", "7"}}));
  EXPECT_EQ(settings.provider.scopes, (std::vector<std::string>{"one"}));
}

TEST_F(ConfigTest, WordsOfYaml11AreNotBooleans) {
  EXPECT_EQ(refused("pass_identity_headers: yes\n").size(), 1U);
  EXPECT_EQ(refused("pass_identity_headers: on\n").size(), 1U);
  EXPECT_EQ(refused("xff_num_trusted_hops: -1\n").size(), 1U);
}

TEST_F(ConfigTest, ANumberForADurationIsNanosecondsAndAWarning) {
  const Loaded loaded = load("timeout_read: 30\n");

  EXPECT_EQ(loaded.settings->timeout_read, Duration(30));
  EXPECT_EQ(warnings(loaded)[0],
            "c.yaml:1:15: timeout_read: a number without a unit is nanoseconds; write 30s for "
            "seconds");
}

TEST_F(ConfigTest, ListsInOneStringKeepTheirSpacesAndWarn) {
  const Loaded loaded = load("idp_scopes: 'openid, email'\n");

  EXPECT_EQ(loaded.settings->provider.scopes, (std::vector<std::string>{"openid", " email"}));
  EXPECT_EQ(warnings(loaded).size(), 1U);
}

TEST_F(ConfigTest, TheIssuerIsKeptAsItWasWritten) {
  for (const char* issuer :
       {"https://idp.example/", "https://idp.example", "https://IDP.example/a/"}) {
    const Settings settings = accepted("idp_provider_url: " + std::string(issuer) + "\n");

    EXPECT_EQ(settings.provider.issuer, issuer);
    EXPECT_TRUE(settings.provider.url.has_value());
  }
  EXPECT_EQ(refused("idp_provider_url: idp.example\n").size(), 1U);
}

TEST_F(ConfigTest, AddressesAreLiteral) {
  EXPECT_EQ(accepted("address: 10.0.0.1\n").address.port, 443);
  EXPECT_EQ(accepted("address: '[::1]:8443'\n").address,
            (BindAddress{.host = IpAddress::parse("::1"), .port = 8443}));
  EXPECT_EQ(accepted("metrics_address: localhost:1\n").metrics_address,
            (BindAddress{.host = IpAddress::loopback_v4(), .port = 1}));
  EXPECT_EQ(accepted("http_redirect_addr: \"'127.0.0.1:80'\"\n").http_redirect_addr->port, 80);
  EXPECT_FALSE(accepted("metrics_address: ''\n").metrics_address.has_value());
  for (const char* bad : {"address: host:1",
                          "address: ':x'",
                          "address: ':65536'",
                          "address: '::1:443'",
                          "address: '[127.0.0.1]:1'",
                          "metrics_address: '9902'",
                          "metrics_address: ':0'",
                          "health_check_addr: ''",
                          "health_check_addr: [1]"}) {
    EXPECT_EQ(refused(bad).size(), 1U) << bad;
  }
}

TEST_F(ConfigTest, ChoicesMatchByFullShortAndSuffixNames) {
  EXPECT_EQ(accepted("jwt_issuer_format: uri").assertion.issuer_format, IssuerFormat::Uri);
  EXPECT_EQ(accepted("jwt_issuer_format: ISSUERURI").assertion.issuer_format, IssuerFormat::Uri);
  EXPECT_EQ(accepted("jwt_issuer_format: hostonly").assertion.issuer_format,
            IssuerFormat::HostOnly);
  EXPECT_EQ(accepted("headers_with_underscores_action: ALLOW").underscore_names,
            http::UnderscoreNames::Allow);
  EXPECT_EQ(accepted("path_with_escaped_slashes_action: unchanged").normalize.escaped_slashes,
            http::EscapedSlashes::Keep);
  EXPECT_EQ(accepted("cookie_same_site: StRiCt").cookie.same_site, codec::SameSite::Strict);
  EXPECT_EQ(refused("jwt_issuer_format: full").size(), 1U);
  EXPECT_EQ(refused("log_level: INFO").size(), 1U);  // Case counts here.
}

TEST_F(ConfigTest, KnownOptionsThatAreNotBuiltAreNamedAndCheckedForTheirForm) {
  EXPECT_EQ(warnings(load("autocert: true\n")),
            (Lines{"c.yaml:1:1: autocert: is not built yet and has no effect"}));
  EXPECT_EQ(refused("autocert: maybe\n").size(), 1U);
  EXPECT_EQ(refused("downstream_mtls: {enforcement: strict}\n").size(), 1U);
  EXPECT_EQ(texts(load("blob_storage: {bucket: x}"), Severity::UnknownKey),
            (Lines{"c.yaml:1:16: unknown option \"blob_storage.bucket\"; did you mean "
                   "blob_storage.bucket_uri?"}));
}

TEST_F(ConfigTest, ClaimHeadersHaveThreeForms) {
  using Headers = std::vector<ClaimHeader>;
  EXPECT_EQ(accepted("jwt_claims_headers: {X-Email: email}").claim_headers,
            (Headers{{"x-email", "email"}}));
  EXPECT_EQ(accepted("jwt_claims_headers: [email, given_name]").claim_headers,
            (Headers{{"x-pomerium-claim-email", "email"},
                     {"x-pomerium-claim-given_name", "given_name"}}));
  EXPECT_EQ(accepted("jwt_claims_headers: 'email groups,user'").claim_headers.size(), 3U);
  EXPECT_EQ(accepted("jwt_claims_headers: [1]").claim_headers,
            (Headers{{"x-pomerium-claim-1", "1"}}));
  for (const char* bad : {"[{a: b}]", "{'bad name': email}", "5", "[email, email]", "{X: [a]}"}) {
    EXPECT_EQ(refused("jwt_claims_headers: " + std::string(bad)).size(), 1U) << bad;
  }
  set_environment({{"JWT_CLAIMS_HEADERS", R"({"X-Email":"email"})"}});
  EXPECT_EQ(accepted("").claim_headers, (Headers{{"x-email", "email"}}));
}

TEST_F(ConfigTest, RuntimeFlagsAreMergedOverTheirDefaults) {
  const Loaded loaded = load(
      "runtime_flags: {allow_any_sign_out_redirect_uri: true, routes_portal: false, mcp: true, "
      "debug_admin_endpoints: true, nope: true}");

  EXPECT_TRUE(loaded.settings->flags.allow_any_sign_out_redirect_uri);
  EXPECT_TRUE(loaded.settings->flags.match_any_incoming_port);
  EXPECT_EQ(warnings(loaded),
            (Lines{"c.yaml:1:56: runtime flag routes_portal is not built yet and has no effect",
                   "c.yaml:1:89: runtime flag debug_admin_endpoints is not built yet and has no "
                   "effect"}));
  EXPECT_EQ(texts(loaded, Severity::UnknownKey).size(), 1U);
}

TEST_F(ConfigTest, JsonIsReadLikeYaml) {
  const Loaded loaded = load_text(
      R"({"address": ":1", "nope": 1, "timeout_read": "x"})", Format::Json, "c.json", context());

  EXPECT_EQ(texts(loaded, Severity::Error).size(), 1U);
  EXPECT_TRUE(texts(loaded, Severity::UnknownKey)[0].starts_with("c.json:1:19: "));
}

TEST_F(ConfigTest, TheExtensionTellsTheFormat) {
  files().put("a.YML", "address: ':1'");
  files().put("a.json", R"({"address": ":1"})");
  files().put("a.conf", "address: ':1'");

  EXPECT_TRUE(load_file("a.YML", context()).settings.has_value());
  EXPECT_TRUE(load_file("a.json", context()).settings.has_value());
  EXPECT_EQ(load_file("a.conf", context()).diagnostics[0].text(),
            "a.conf:1:1: the name must end in .yaml, .yml or .json to tell the format");
  EXPECT_EQ(load_file("a.toml", context()).diagnostics[0].text(),
            "a.toml:1:1: TOML is not built yet: write the configuration as YAML or JSON");
  EXPECT_EQ(load_file("none.yaml", context()).diagnostics[0].text(),
            "none.yaml:1:1: cannot be read: No such file or directory");
}

TEST_F(ConfigTest, WithoutAFileTheEnvironmentIsEnough) {
  set_environment({{"ADDRESS", ":1"}});

  EXPECT_EQ(load_file("", context()).settings->address.port, 1);
}

TEST_F(ConfigTest, ServicesAreAllOrSomeByName) {
  EXPECT_FALSE(accepted("services: all").is_split);
  EXPECT_FALSE(accepted("services: 'proxy, Authorize,authenticate,cache'").is_split);
  EXPECT_TRUE(refused("services: proxy,gateway")[0].contains("\"gateway\" is an invalid service"));
}

}  // namespace
}  // namespace vallum::config
