#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "codec/yaml.h"
#include "crypto/jose/signing_key.h"
#include "crypto/x509.h"
#include "dev/configuration.h"
#include "dev/demo_application.h"
#include "dev/files.h"
#include "dev/identity_provider.h"
#include "dev/local_authority.h"
#include "support/seeded_entropy.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace vallum::dev {
namespace {

using std::chrono::hours;

DevelopmentMode mode() {
  constexpr std::array<const char*, 2> kArguments = {"vallum", "dev"};
  return *DevelopmentMode::enter(kArguments);
}

class DemoApplicationTest : public ::testing::Test {
 protected:
  std::string assertion(std::string_view audience, std::int64_t expires) const {
    return key_.sign(R"({"aud":")" + std::string(audience) +
                     R"(","email":"alice@example.com","groups":["a","b"],"exp":)" +
                     std::to_string(expires) + "}");
  }

  std::int64_t in_a_minute() const { return unix_seconds(clock_.wall()) + 60; }

  http::Request request_with(std::string_view assertion, std::string_view accept) {
    http::Request request{.authority = *http::Authority::parse("app.localhost:8443"),
                          .path = "/reports",
                          .query = {},
                          .headers = {},
                          .body = {},
                          .peer = IpAddress::loopback_v4(),
                          .request_id = {}};
    request.headers.add("Accept", accept);
    request.headers.add("X-Pomerium-Jwt-Assertion", assertion);
    return request;
  }

  testing::VirtualClock clock_;
  testing::SeededEntropy entropy_{1};
  crypto::SigningKey key_ = crypto::SigningKey::derive(Secret(std::string_view("shared key")));
  DemoApplication application_{
      mode(), *crypto::JwkSet::parse("{\"keys\":[" + key_.public_jwk() + "]}"), clock_, entropy_};
};

TEST_F(DemoApplicationTest, GreetsWhoTheAssertionNamesAndShowsWhatItReceived) {
  const http::Response page =
      application_.handle(request_with(assertion("app.localhost", in_a_minute()), "text/html"));

  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(page.body.contains("<h1>Hello, alice@example.com</h1>"));
  EXPECT_TRUE(page.body.contains("<dt>groups</dt><dd>a, b</dd>"));
  EXPECT_TRUE(page.body.contains("/reports"));
}

TEST_F(DemoApplicationTest, TrustsNoAssertionThatIsForOthersOldForgedOrAbsent) {
  const std::string good = assertion("app.localhost", in_a_minute());
  const std::string old = assertion("app.localhost", unix_seconds(clock_.wall()));
  const crypto::SigningKey other = crypto::SigningKey::derive(Secret(std::string_view("other")));

  EXPECT_TRUE(application_.verify_assertion(good, "app.localhost").has_value());
  EXPECT_FALSE(application_.verify_assertion(good, "admin.localhost").has_value());
  EXPECT_FALSE(application_.verify_assertion(old, "app.localhost").has_value());
  EXPECT_FALSE(application_.verify_assertion(good.substr(0, good.size() - 4), "app.localhost"));
  EXPECT_FALSE(application_.verify_assertion(other.sign("{}"), "app.localhost").has_value());
  EXPECT_FALSE(application_.verify_assertion("", "app.localhost").has_value());
}

TEST_F(DemoApplicationTest, AnswersProgramsInJson) {
  const http::Response answer = application_.handle(
      request_with(assertion("app.localhost", in_a_minute()), "application/json"));

  EXPECT_TRUE(answer.body.contains(R"("email":"alice@example.com","assertion":"verified")"));
}

class LocalAuthorityTest : public ::testing::Test {
 protected:
  Result<LocalCertificates> ensure(const std::vector<std::string>& names) {
    return ensure_local_certificates(mode(), folder_.file("pki"), names, clock_, entropy_);
  }

  testing::TempDirectory folder_;
  testing::VirtualClock clock_;
  testing::SeededEntropy entropy_{1};
};

TEST_F(LocalAuthorityTest, IssuesACertificateForEveryNameBehindAnAuthority) {
  const auto files = ensure({"app.localhost", "admin.localhost"});

  ASSERT_TRUE(files.has_value()) << files.error().message();
  const auto chain = crypto::read_certificates(*read_file(files->certificate));
  ASSERT_EQ(chain->size(), 2U);
  EXPECT_TRUE(chain->front().covers("app.localhost"));
  EXPECT_TRUE(chain->front().covers("admin.localhost"));
  EXPECT_TRUE(chain->back().is_ca);
}

TEST_F(LocalAuthorityTest, KeepsWhatItMade) {
  const auto first = ensure({"app.localhost"});
  const std::string before = *read_file(first->certificate);

  const auto second = ensure({"app.localhost"});

  EXPECT_EQ(*read_file(second->certificate), before);
}

TEST_F(LocalAuthorityTest, RenewsTheCertificateButNotTheAuthority) {
  const auto first = ensure({"app.localhost"});
  const std::string authority = *read_file(first->authority);
  const std::string certificate = *read_file(first->certificate);

  ASSERT_TRUE(ensure({"app.localhost", "new.localhost"}).has_value());
  const std::string for_new_name = *read_file(first->certificate);
  clock_.advance(hours(24 * 380));
  ASSERT_TRUE(ensure({"app.localhost", "new.localhost"}).has_value());

  EXPECT_EQ(*read_file(first->authority), authority);
  EXPECT_NE(for_new_name, certificate);
  EXPECT_NE(*read_file(first->certificate), for_new_name);
}

TEST_F(LocalAuthorityTest, KeysAreForTheOwnerOnly) {
  const auto files = ensure({"app.localhost"});

  struct stat status{};
  ASSERT_EQ(::stat(files->private_key.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(LocalAuthorityTest, ADamagedAuthorityIsNotReplacedSilently) {
  ASSERT_TRUE(ensure({"app.localhost"}).has_value());
  ASSERT_TRUE(write_private_file(folder_.file("pki/ca.pem"), "not a certificate").has_value());

  EXPECT_FALSE(ensure({"app.localhost"}).has_value());
}

TEST(ConfigurationTest, IsValidYamlWithTheProvidersClient) {
  const Secret seed{std::string_view("seed")};
  const ConfigurationPlan plan{.port = 8443,
                               .provider_port = 9000,
                               .application_port = 9001,
                               .health_address = "127.0.0.1:28080",
                               .store_folder = "/state/\"quoted\"",
                               .certificates = {.authority = "/ca.pem",
                                                .certificate = "/server.pem",
                                                .private_key = "/server.key"},
                               .provider_seed = &seed};

  const auto tree = codec::parse_yaml(configuration_yaml(mode(), plan));

  ASSERT_TRUE(tree.has_value()) << tree.error().text;
  EXPECT_EQ(tree->find("idp_provider_url")->text(), "http://127.0.0.1:9000");
  EXPECT_EQ(tree->find("idp_client_secret")->text(), IdentityProvider::client_secret(seed));
  EXPECT_EQ(tree->find("databroker_storage_connection_string")->text(), "file:///state/\"quoted\"");
  ASSERT_EQ(tree->find("routes")->items().size(), 2U);
  EXPECT_EQ(tree->find("routes")->items()[0].find("from")->text(), "https://app.localhost:8443");
}

TEST(ConfigurationTest, TheWelcomeNamesUrlPeopleAndAuthority) {
  ConfigurationPlan plan;
  plan.port = 443;
  plan.certificates.authority = "/state/ca.pem";

  const std::string text = welcome(plan);

  EXPECT_TRUE(text.contains("  https://app.localhost "));
  EXPECT_TRUE(text.contains("alice@example.com   groups: engineering, admins\n"));
  EXPECT_TRUE(text.contains("carol@partner.example   no groups\n"));
  EXPECT_TRUE(text.contains("/state/ca.pem"));
}

}  // namespace
}  // namespace vallum::dev
