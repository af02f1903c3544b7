#include "config/check.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "config/choice.h"
#include "config/documentation.h"
#include "config/option.h"
#include "crypto/x509.h"
#include "support/certificates/test_authority.h"
#include "support/config_fixture.h"
#include "support/seeded_entropy.h"

namespace vallum::config {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class CheckTest : public ConfigTest {
 protected:
  CheckAnswer check_file(const std::string& path, bool strict) const {
    return answer_check(path, load_file(path, context()).diagnostics, strict);
  }
};

TEST_F(CheckTest, PrintsEveryProblemAndAnswersByTheWorst) {
  files().put("bad.yaml", "timeout_read: x\nlog_level: LOUD\nnope: 1\n");

  const CheckAnswer answer = check_file("bad.yaml", false);

  EXPECT_EQ(answer.exit_code, 1);
  EXPECT_TRUE(answer.text.contains("bad.yaml:1:15: timeout_read: "));
  EXPECT_TRUE(answer.text.contains("bad.yaml:2:12: log_level: "));
  EXPECT_TRUE(answer.text.ends_with("bad.yaml: 2 errors, 1 unknown option, 0 warnings\n"));
}

TEST_F(CheckTest, WarningsAloneAreNoFailure) {
  files().put("c.yaml", "autocert: true\n");

  const CheckAnswer answer = check_file("c.yaml", true);

  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_TRUE(answer.text.contains("c.yaml:1:1: warning: autocert: is not built yet"));
}

TEST_F(CheckTest, OnlyStrictMakesUnknownKeysErrors) {
  files().put("c.yaml", "nope: 1\n");

  EXPECT_EQ(check_file("c.yaml", false).exit_code, 0);
  EXPECT_EQ(check_file("c.yaml", true).exit_code, 1);
}

TEST(OptionTableTest, NamesAreUniqueLowerCaseAndDocumented) {
  for (const OptionScope scope : {OptionScope::Global, OptionScope::Route}) {
    std::set<std::string_view> names;
    for (const Option& option : scope == OptionScope::Global ? global_options() : route_options()) {
      EXPECT_TRUE(names.insert(option.name).second) << option.name;
      EXPECT_EQ(option.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_."),
                std::string_view::npos)
          << option.name;
      EXPECT_FALSE(option.documentation.empty()) << option.name;
      EXPECT_EQ(find_option(scope, option.name), &option);
      const bool is_read = option.read_global != nullptr || option.read_route != nullptr;
      EXPECT_EQ(is_read, option.status == OptionStatus::Built) << option.name;
    }
  }
}

TEST(OptionTableTest, OptionsOfABlockHaveTheirBlock) {
  for (const OptionScope scope : {OptionScope::Global, OptionScope::Route}) {
    for (const Option& option : scope == OptionScope::Global ? global_options() : route_options()) {
      const std::size_t dot = option.name.find('.');
      if (dot == std::string_view::npos) {
        continue;
      }
      const Option* const block = find_option(scope, option.name.substr(0, dot));
      ASSERT_NE(block, nullptr) << option.name;
      EXPECT_EQ(block->type, OptionType::Block) << option.name;
    }
  }
}

TEST(OptionTableTest, EnvironmentNamesFollowTheOptions) {
  EXPECT_EQ(environment_name(*find_option(OptionScope::Global, "address")), "ADDRESS");
  EXPECT_EQ(environment_name(*find_option(OptionScope::Global, "downstream_mtls.ca_file")),
            "DOWNSTREAM_MTLS_CA_FILE");
  EXPECT_EQ(environment_name(*find_option(OptionScope::Global, "set_response_headers")), "HEADERS");
}

TEST(ChoiceTest, MatchesByTheFourRules) {
  static constexpr std::array<std::string_view, 3> kNames = {
      "KIND_UNKNOWN", "KIND_RING_HASH", "KIND_RANDOM"};
  EXPECT_EQ(match_choice("kind_ring_hash", kNames), 1U);
  EXPECT_EQ(match_choice("Ring_Hash", kNames), 1U);
  EXPECT_EQ(match_choice("hash", kNames), 1U);
  EXPECT_EQ(match_choice("", kNames), 0U);
  EXPECT_FALSE(match_choice("ash", kNames).has_value());
  EXPECT_EQ(usual_spelling("KIND_RANDOM", kNames), "random");
}

TEST(DocumentationTest, TheCheckedInPageIsFresh) {
  const std::string path = "docs/configuration.md";
  if (std::getenv("VALLUM_UPDATE_DOCS") != nullptr) {
    std::ofstream(path, std::ios::binary) << render_documentation();
  }

  EXPECT_EQ(text_of(path), render_documentation())
      << "run config_test once with VALLUM_UPDATE_DOCS=1 in the environment";
}

// An example configuration, and what must be said about it: the beginnings of its error lines.
struct Example {
  const char* file;
  std::vector<std::string> errors;
};

class ExampleTest : public ConfigTest, public ::testing::WithParamInterface<Example> {
 protected:
  // The keys and certificates that the examples name.
  void SetUp() override {
    testing::SeededEntropy entropy(3);
    const auto request = [](const std::string& name) {
      return crypto::CertificateRequest{.common_name = name,
                                        .dns_names = {name},
                                        .ip_addresses = {},
                                        .not_before = kNow - std::chrono::hours(1),
                                        .not_after = kNow + std::chrono::hours(1)};
    };
    const auto ca = crypto::generate_ca(request("ca"), entropy);
    files().put("fixtures/ca.crt", ca->certificate_pem);
    for (const char* name : {"wildcard", "api"}) {
      const auto leaf = crypto::generate_leaf(*ca, request(name), entropy);
      files().put("fixtures/" + std::string(name) + ".crt", leaf->certificate_pem);
      files().put("fixtures/" + std::string(name) + ".key",
                  std::string(leaf->private_key_pem.expose_text()));
    }
    const testing::TestAuthority clients("clients", kNow);
    files().put("fixtures/client-ca.crt", clients.pem());
    files().put("fixtures/client.crl", clients.list_pem());
    files().put("fixtures/kube.token", "token\n");
    const std::string secret = "qPCSFAjnq3qr+rr0vEDxyWNsiF9zfEypRgykuze1oK8=";
    files().put("fixtures/shared_secret.b64", secret);
    files().put("fixtures/shared_secret_newline.b64", secret + "\n");
  }
};

TEST_P(ExampleTest, IsAnsweredAsExpected) {
  const std::string text = text_of("tests/corpus/config/" + std::string(GetParam().file));
  ASSERT_FALSE(text.empty());

  const Loaded loaded = load(text);

  const Lines errors = texts(loaded, Severity::Error);
  EXPECT_EQ(loaded.settings.has_value(), GetParam().errors.empty());
  ASSERT_EQ(errors.size(), GetParam().errors.size()) << (errors.empty() ? "" : errors.front());
  for (std::size_t i = 0; i < errors.size(); ++i) {
    EXPECT_TRUE(errors[i].starts_with(GetParam().errors[i])) << errors[i];
  }
}

INSTANTIATE_TEST_SUITE_P(
    Invalid,
    ExampleTest,
    ::testing::Values(
        Example{"invalid-01-services.yaml", {"c.yaml:2:1: services: \"gateway\""}},
        Example{"invalid-02-split-without-secret.yaml", {"c.yaml:2:1: services: "}},
        Example{"invalid-04-secret-not-base64.yaml", {"c.yaml:2:1: shared_secret: "}},
        Example{"invalid-05-authenticate-url.yaml", {"c.yaml:2:27: authenticate_service_url: "}},
        Example{"invalid-06-policy-file.yaml", {"c.yaml:2:1: policy_file: "}},
        Example{"invalid-07-removed-global-key.yaml", {"c.yaml:2:1: client_ca: "}},
        Example{"invalid-08-removed-route-key.yaml", {"c.yaml:3:66: routes[0].allowed_groups: "}},
        Example{"invalid-09-from-no-scheme.yaml", {"c.yaml:3:12: routes[0].from: "}},
        Example{"invalid-11-no-destination.yaml", {"c.yaml:3:5: routes[0]: a route needs one of"}},
        Example{"invalid-12-mixed-weights.yaml", {"c.yaml:3:59: routes[0].to: either no URL"}},
        Example{"invalid-14-mixed-tcp.yaml", {"c.yaml:3:62: routes[0].to: cannot mix tcp"}},
        Example{"invalid-16-public-with-users.yaml", {"c.yaml:3:111: routes[0]: a public route"}},
        Example{"invalid-19-custom-ca-missing-file.yaml",
                {"c.yaml:3:54: routes[0].tls_custom_ca_file: cannot read"}},
        Example{"invalid-24-ppl-error.yaml", {"c.yaml:3:63: routes[0]: 'permit' is not an action"}},
        Example{"invalid-26-bad-certificate-pair.yaml",
                {"c.yaml:2:1: certificate_file: fixtures/"}},
        Example{"invalid-27-mtls-two-cas.yaml", {"c.yaml:4:3: downstream_mtls: cannot set both"}},
        Example{"invalid-28-mtls-crl-not-pem.yaml",
                {"c.yaml:4:3: downstream_mtls.crl: something that is not PEM"}},
        Example{"invalid-30-mtls-enforcement.yaml", {"c.yaml:2:32: downstream_mtls.enforcement: "}},
        Example{"invalid-31-metrics-address.yaml", {"c.yaml:2:18: metrics_address: "}},
        Example{"invalid-35-databroker-type.yaml", {"c.yaml:2:1: databroker_storage_type: "}},
        Example{"invalid-36-postgres-without-dsn.yaml",
                {"c.yaml:2:1: databroker_storage_type: postgres needs databroker_storage_conn"}},
        Example{"invalid-21-k8s-two-tokens.yaml",
                {"c.yaml:3:91: routes[0].kubernetes_service_account_token_file: stands beside"}},
        Example{"invalid-38-cookie-same-site.yaml", {"c.yaml:2:19: cookie_same_site: "}},
        Example{"invalid-39-log-level-case.yaml", {"c.yaml:2:12: log_level: "}},
        Example{"invalid-40-jwt-without-provider.yaml",
                {"c.yaml:2:1: routes[0].bearer_token_format: jwt needs"}},
        Example{"invalid-42-idp-on-non-jwt-route.yaml",
                {"c.yaml:3:53: routes[0].identity_providers: "}},
        Example{"invalid-43-duration-syntax.yaml", {"c.yaml:2:27: default_upstream_timeout: "}},
        Example{"invalid-45-not-yaml.yaml", {"c.yaml:4:1: not YAML: "}}));

// Mistakes in options that are not built: accepted, for they have no effect or close their route.
INSTANTIATE_TEST_SUITE_P(NotBuilt,
                         ExampleTest,
                         ::testing::Values(Example{"invalid-15-redirect-code.yaml", {}},
                                           Example{"invalid-18-client-cert-without-key.yaml", {}},
                                           Example{"invalid-22-depends-on-too-many.yaml", {}},
                                           Example{"invalid-32-metrics-basic-auth.yaml", {}},
                                           Example{"invalid-34-autocert-eab-half.yaml", {}},
                                           Example{"invalid-48-mcp-domain-empty.yaml", {}}));

INSTANTIATE_TEST_SUITE_P(Valid,
                         ExampleTest,
                         ::testing::Values(Example{"invalid-03-secret-whitespace.yaml",
                                                   {}},  // Files are trimmed.
                                           Example{"valid-01-minimal-all-in-one.yaml", {}},
                                           Example{"valid-02-self-hosted-secrets-cookies.yaml", {}},
                                           Example{"valid-03-certificates-sni.yaml", {}},
                                           Example{"valid-04-path-matching-order.yaml", {}},
                                           Example{"valid-06-no-any-port.yaml", {}},
                                           Example{"valid-08-redirect-and-response.yaml", {}},
                                           Example{"valid-09-weights-lb-health-outlier.yaml", {}},
                                           Example{"valid-10-timeouts-upgrades.yaml", {}},
                                           Example{"valid-11-tcp-udp-tunnels.yaml", {}},
                                           Example{"valid-13-mtls-default-deny.yaml", {}},
                                           Example{"valid-14-mtls-policy-mode.yaml", {}},
                                           Example{"valid-15-mtls-reject-connection.yaml", {}},
                                           Example{"valid-18-observability.yaml", {}},
                                           Example{"valid-21-kubernetes-mcp-gcp.yaml", {}},
                                           Example{"valid-23-ssh-and-dns.yaml", {}},
                                           Example{"valid-24-autocert-http3.yaml", {}},
                                           Example{"valid-25-tolerated-mistakes.yaml", {}},
                                           Example{"valid-26-unix-and-mixed.yaml", {}}));

INSTANTIATE_TEST_SUITE_P(SplitModes,
                         ExampleTest,
                         ::testing::Values(Example{"valid-19-split-proxy.yaml", {}},
                                           Example{"valid-20-split-databroker-postgres.yaml", {}}));

}  // namespace
}  // namespace vallum::config
