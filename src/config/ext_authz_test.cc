#include <string>

#include "crypto/x509.h"
#include "support/config_fixture.h"
#include "support/seeded_entropy.h"

namespace vallum::config {
namespace {

constexpr const char* kSecret = "shared_secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
constexpr const char* kPlain =
    "forward_auth_address: 127.0.0.1:9000\nforward_auth_insecure: true\n"
    "ext_authz_peers: [127.0.0.1, 10.0.0.0/24]\n";

using ExtAuthzConfigTest = ConfigTest;

TEST_F(ExtAuthzConfigTest, PeersAreAddressesAndPrefixes) {
  const Settings settings = accepted(kPlain);

  EXPECT_TRUE(settings.forwards);
  EXPECT_EQ(settings.ext_authz.forward_auth_address->port, 9000);
  ASSERT_EQ(settings.ext_authz.peers.size(), 2U);
  EXPECT_TRUE(settings.ext_authz.peers[1].contains(*IpAddress::parse("10.0.0.77")));
  EXPECT_EQ(settings.ext_authz.check_timeout, std::chrono::seconds(10));
  EXPECT_TRUE(refused("ext_authz_peers: [10.0.0.300]")[0].contains("is not an address or prefix"));
}

TEST_F(ExtAuthzConfigTest, AListenerNobodyMayAskIsRefused) {
  EXPECT_TRUE(
      refused("forward_auth_address: 127.0.0.1:9000\nforward_auth_insecure: true")[0].contains(
          "ext_authz_peers names no address"));
}

TEST_F(ExtAuthzConfigTest, ThePomeriumListenerIsNotOpenedUnlessSomebodyMayAsk) {
  const Loaded loaded = load("grpc_address: :5443\ngrpc_insecure: true");

  ASSERT_TRUE(loaded.settings.has_value());
  EXPECT_FALSE(loaded.settings->ext_authz.grpc_address.has_value());
  ASSERT_EQ(warnings(loaded).size(), 1U);
  EXPECT_TRUE(warnings(loaded)[0].contains("no listener is opened"));
}

TEST_F(ExtAuthzConfigTest, WithoutPeersTheListenerIsTheDatabrokers) {
  const Settings settings = accepted("grpc_address: 127.0.0.1:5443\ngrpc_insecure: true");

  EXPECT_FALSE(settings.ext_authz.grpc_address.has_value());
  ASSERT_TRUE(settings.record_service.address.has_value());
  EXPECT_EQ(settings.record_service.address->port, 5443);
  EXPECT_TRUE(settings.record_service.insecure);
  EXPECT_TRUE(settings.forwards);
  EXPECT_FALSE(accepted("").record_service.address.has_value());
  EXPECT_TRUE(refused("grpc_address: :5443")[0].contains("needs a certificate"));
}

TEST_F(ExtAuthzConfigTest, WithPeersTheListenerIsForBoth) {
  const std::string both =
      "grpc_address: 127.0.0.1:5443\ngrpc_insecure: true\next_authz_peers: [127.0.0.1]\n";
  const Settings settings = accepted(both);
  const Settings decisions = accepted(std::string("services: authorize\n") + kSecret +
                                      "databroker_service_url: http://127.0.0.1:5444\n" + both);

  EXPECT_EQ(settings.ext_authz.grpc_address->port, 5443);
  EXPECT_EQ(settings.record_service.address->port, 5443);
  EXPECT_TRUE(decisions.ext_authz.grpc_address.has_value());
  EXPECT_FALSE(decisions.record_service.address.has_value());
}

TEST_F(ExtAuthzConfigTest, DatabrokerAloneNeedsASecretAndNoClearText) {
  const std::string alone = std::string("services: databroker\n") + kSecret;
  const Settings settings = accepted(alone + "grpc_address: 127.0.0.1:5443\ngrpc_insecure: true");

  EXPECT_FALSE(settings.forwards);
  EXPECT_FALSE(settings.answers_people);
  EXPECT_TRUE(settings.record_service.address.has_value());
  EXPECT_TRUE(refused(alone)[0].contains("grpc_address: speaks TLS and needs a certificate"));
  EXPECT_TRUE(refused("services: databroker\ngrpc_address: 127.0.0.1:5443\n"
                      "grpc_insecure: true")[0]
                  .contains("shared_secret"));
  EXPECT_TRUE(refused(alone + "grpc_address: 10.0.0.1:5443\ngrpc_insecure: true")[0].contains(
      "is not a loopback address"));
  EXPECT_TRUE(refused(alone + "grpc_address: 10.0.0.1:5443")[0].contains("needs a certificate"));
}

TEST_F(ExtAuthzConfigTest, AuthoritiesForCallersOfNothingAreRefused) {
  testing::SeededEntropy entropy(1);
  const auto ca = crypto::generate_ca({.common_name = "ca",
                                       .dns_names = {},
                                       .ip_addresses = {},
                                       .not_before = kNow - std::chrono::hours(9),
                                       .not_after = kNow + std::chrono::hours(9)},
                                      entropy);
  files().put("ca.pem", ca->certificate_pem);
  const std::string callers = "databroker_client_ca_file: ca.pem\n";

  EXPECT_TRUE(refused(callers)[0].contains("served to nobody"));
  EXPECT_TRUE(refused(callers + "grpc_address: 127.0.0.1:5443\ngrpc_insecure: true")[0].contains(
      "nobody can show a certificate"));
}

TEST_F(ExtAuthzConfigTest, ClearTextStaysOnLoopback) {
  for (const std::string address : {"10.0.0.1:9000", ":9000", "0.0.0.0:9000"}) {
    EXPECT_TRUE(refused("forward_auth_address: '" + address +
                        "'\nforward_auth_insecure: true\next_authz_peers: [10.0.0.5]")[0]
                    .contains("is not a loopback address"))
        << address;
  }
  EXPECT_TRUE(refused("grpc_address: 10.0.0.1:9001\ngrpc_insecure: true\n"
                      "ext_authz_peers: [10.0.0.5]")[0]
                  .contains("is not a loopback address"));
}

TEST_F(ExtAuthzConfigTest, TlsNeedsACertificate) {
  EXPECT_TRUE(
      refused("forward_auth_address: 10.0.0.1:9000\next_authz_peers: [10.0.0.5]")[0].contains(
          "needs a certificate"));
}

TEST_F(ExtAuthzConfigTest, NobodyCanShowACertificateInClearText) {
  testing::SeededEntropy entropy(1);
  const auto ca = crypto::generate_ca({.common_name = "ca",
                                       .dns_names = {},
                                       .ip_addresses = {},
                                       .not_before = kNow - std::chrono::hours(9),
                                       .not_after = kNow + std::chrono::hours(9)},
                                      entropy);
  files().put("ca.pem", ca->certificate_pem);

  EXPECT_TRUE(refused(std::string(kPlain) + "ext_authz_client_ca_file: ca.pem")[0].contains(
      "nobody can show a certificate"));
  EXPECT_TRUE(
      refused(std::string(kPlain) + "ext_authz_client_ca: bm90IGEgY2VydGlmaWNhdGU=")[0].contains(
          "ext_authz_client_ca"));
}

TEST_F(ExtAuthzConfigTest, AuthorizeAloneForwardsNothingAndNeedsASecretAndAListener) {
  EXPECT_FALSE(accepted(std::string("services: authorize\n") + kSecret + kPlain).forwards);
  EXPECT_FALSE(
      accepted(std::string("services: [authorize, authenticate, databroker]\n") + kSecret + kPlain)
          .forwards);
  EXPECT_TRUE(refused(std::string("services: authorize\n") + kPlain)[0].contains("shared_secret"));
  EXPECT_TRUE(refused(std::string("services: authorize\n") + kSecret)[0].contains(
      "needs a listener for other proxies"));
}

TEST_F(ExtAuthzConfigTest, APrefixOfEverybodyIsWarnedAbout) {
  const Loaded loaded = load(
      "forward_auth_address: 127.0.0.1:9000\nforward_auth_insecure: true\n"
      "ext_authz_peers: [0.0.0.0/0]");

  ASSERT_EQ(warnings(loaded).size(), 1U);
  EXPECT_TRUE(warnings(loaded)[0].contains("lets everybody"));
}

}  // namespace
}  // namespace vallum::config
