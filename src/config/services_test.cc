#include <string>

#include "support/config_fixture.h"

namespace vallum::config {
namespace {

const std::string kSecret = "shared_secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
const std::string kCookieSecret = "cookie_secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
const std::string kProxy = "services: proxy\n" + kSecret;

using ServicesConfigTest = ConfigTest;

TEST_F(ServicesConfigTest, AProxyAsksTheDatabrokersItNames) {
  const Settings settings =
      accepted(kProxy +
               "databroker_service_urls: ['https://a.internal:5443', 'https://b.internal']\n"
               "override_certificate_name: svc.internal\n");

  EXPECT_TRUE(settings.is_split);
  EXPECT_TRUE(settings.forwards);
  EXPECT_TRUE(settings.answers_people);
  EXPECT_FALSE(settings.signs_in);
  EXPECT_FALSE(settings.keeps_records);
  EXPECT_EQ(settings.databroker.addresses,
            (std::vector<RemoteDatabrokerSettings::Address>{{"a.internal:5443", false},
                                                            {"b.internal:443", false}}));
  EXPECT_EQ(settings.databroker.server_name, "svc.internal");
  EXPECT_EQ(settings.max_staleness, std::chrono::minutes(5));
}

TEST_F(ServicesConfigTest, WithoutAUrlTheDatabrokerIsOnTheSameMachine) {
  const Settings settings = accepted(kProxy);

  EXPECT_EQ(settings.databroker.addresses,
            (std::vector<RemoteDatabrokerSettings::Address>{{"127.0.0.1:5443", true}}));
}

TEST_F(ServicesConfigTest, TheInternalUrlWins) {
  const Settings settings = accepted(kProxy +
                                     "databroker_service_url: https://out.example\n"
                                     "databroker_internal_service_url: https://in.internal\n");

  EXPECT_EQ(settings.databroker.addresses,
            (std::vector<RemoteDatabrokerSettings::Address>{{"in.internal:443", false}}));
}

TEST_F(ServicesConfigTest, ClearTextIsRefusedBeyondLoopback) {
  EXPECT_TRUE(refused(kProxy + "databroker_service_url: http://10.0.0.1:5443")[0].contains(
      "is not a loopback address"));
  EXPECT_TRUE(accepted(kProxy + "databroker_service_url: http://127.0.0.1:7443")
                  .databroker.addresses.front()
                  .clear_text);
}

TEST_F(ServicesConfigTest, SomeOfTheServicesNeedTheSecretsOfTheOthers) {
  EXPECT_TRUE(refused("services: proxy")[0].contains("need the shared_secret"));
  EXPECT_TRUE(refused("services: authenticate\n" + kSecret)[0].contains("needs a cookie_secret"));
  EXPECT_FALSE(accepted("services: authenticate\n" + kSecret + kCookieSecret).forwards);
}

TEST_F(ServicesConfigTest, WhoeverKeepsRecordsHasAListenerForThem) {
  const std::string tls = kSecret + "tls_derive: databroker.internal\n";
  const Settings alone = accepted("services: databroker\n" + tls);
  const Settings beside = accepted("services: [databroker, proxy]\n" + tls);
  const Settings same_port = accepted("services: [databroker, proxy]\naddress: :5443\n" + tls);

  EXPECT_EQ(alone.record_service.address->port, 443);
  EXPECT_EQ(beside.record_service.address->port, 5443);
  EXPECT_EQ(same_port.record_service.address->port, 5444);
  EXPECT_TRUE(beside.databroker.addresses.empty());
  EXPECT_EQ(alone.tls_derive, "databroker.internal");
  EXPECT_TRUE(
      refused("services: [databroker, proxy]\n" + kSecret)[0].contains("needs a certificate"));
}

TEST_F(ServicesConfigTest, ACertificateForTheDatabrokerComesWithItsKey) {
  EXPECT_TRUE(
      refused(kProxy + "databroker_certificate_file: a.pem")[0].contains("need each other"));
}

TEST_F(ServicesConfigTest, AProxyAloneTakesNoTokensThatBecomeSessions) {
  const std::string route =
      "routes: [{from: 'https://a.example', to: 'http://10.0.0.1', allow_any_authenticated_user: "
      "true, bearer_token_format: idp_access_token}]\n";
  const std::string provider =
      "authenticate_service_url: https://login.example\nidp_provider: oidc\n"
      "idp_provider_url: https://idp.example\nidp_client_id: a\n";

  EXPECT_TRUE(refused(kProxy + provider + route)[0].contains("a token becomes a session"));
  EXPECT_EQ(
      accepted("services: [proxy, authenticate]\n" + kSecret + kCookieSecret + provider + route)
          .routes.size(),
      1U);
}

TEST_F(ServicesConfigTest, AProxyNeedsNoProviderAndHasNoRouteToTheSignInHost) {
  const Loaded loaded = load(kProxy +
                             "authenticate_service_url: https://login.example\n"
                             "routes: [{from: 'https://login.example', to: 'http://10.0.0.1', "
                             "allow_public_unauthenticated_access: true}]\n");

  ASSERT_TRUE(loaded.settings.has_value());
  ASSERT_EQ(warnings(loaded).size(), 1U);
  EXPECT_TRUE(warnings(loaded)[0].contains("nobody signs in through a route"));
}

}  // namespace
}  // namespace vallum::config
