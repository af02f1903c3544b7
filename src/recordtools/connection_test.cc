#include "recordtools/connection.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "config/load.h"
#include "support/memory_files.h"
#include "support/seeded_entropy.h"
#include "support/virtual_clock.h"

namespace vallum::recordtools {
namespace {

constexpr std::string_view kSecret =
    "shared_secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";

class ConnectionTest : public ::testing::Test {
 protected:
  Result<databroker::RecordClientOptions> find(const WrittenConnection& written,
                                               const std::string& text = "") {
    std::optional<config::Settings> settings;
    if (!written.config.empty()) {
      config::Loaded loaded = config::load_text(
          text,
          config::Format::Yaml,
          written.config,
          {.environment = nothing_, .files = files_, .now = testing::VirtualClock().wall()});
      CHECK(loaded.settings.has_value());
      settings = *std::move(loaded.settings);
    }
    return find_databroker(
        written,
        settings ? &*settings : nullptr,
        {.environment = nothing_, .files = files_, .clock = clock_, .entropy = entropy_});
  }
  std::string refusal(const WrittenConnection& written, const std::string& text = "") {
    const auto found = find(written, text);
    return found ? "" : std::string(found.error().message());
  }

  testing::VirtualClock clock_;
  testing::SeededEntropy entropy_{1};
  config::Environment nothing_;
  testing::MemoryFiles files_;
};

TEST_F(ConnectionTest, TakesEverythingFromTheConfigurationOfTheServer) {
  const auto found = find({.config = "c.yaml"},
                          std::string(kSecret) +
                              "grpc_address: 127.0.0.1:5443\n"
                              "grpc_insecure: true\n");

  ASSERT_TRUE(found.has_value()) << found.error().message();
  EXPECT_EQ(found->address, "127.0.0.1:5443");
  EXPECT_TRUE(found->clear_text);
  EXPECT_EQ(found->shared_secret.size(), 32U);
}

TEST_F(ConnectionTest, SpeaksTlsToAnotherAddressUnlessTold) {
  const std::string text =
      std::string(kSecret) + "grpc_address: 127.0.0.1:5443\ngrpc_insecure: true\n";

  const auto tls = find({.config = "c.yaml", .address = "db.example:443"}, text);
  const auto clear = find({.config = "c.yaml", .address = "[::1]:444", .insecure = true}, text);

  ASSERT_TRUE(tls.has_value() && clear.has_value());
  EXPECT_EQ(tls->address, "db.example:443");
  EXPECT_FALSE(tls->clear_text);
  EXPECT_TRUE(clear->clear_text);
}

TEST_F(ConnectionTest, AsksTheDatabrokerThatTheConfigurationOfANodeNames) {
  const auto found = find({.config = "c.yaml"},
                          std::string(kSecret) +
                              "services: proxy\n"
                              "databroker_service_url: https://records.internal:5443\n"
                              "override_certificate_name: svc.internal\n"
                              "tls_derive: svc.internal\n");

  ASSERT_TRUE(found.has_value()) << found.error().message();
  EXPECT_EQ(found->address, "records.internal:5443");
  EXPECT_FALSE(found->clear_text);
  EXPECT_EQ(found->server_name, "svc.internal");
  EXPECT_EQ(found->service, "identity-manager");
  EXPECT_TRUE(found->authorities_pem.contains("BEGIN CERTIFICATE"));
  EXPECT_TRUE(found->certificate_pem.contains("BEGIN CERTIFICATE"));
}

TEST_F(ConnectionTest, KnowsTheDerivedNameOfTheServersOwnListener) {
  const auto found = find({.config = "c.yaml"},
                          std::string(kSecret) +
                              "services: databroker\n"
                              "grpc_address: 10.0.0.1:5443\n"
                              "tls_derive: svc.internal\n");

  ASSERT_TRUE(found.has_value()) << found.error().message();
  EXPECT_EQ(found->address, "10.0.0.1:5443");
  EXPECT_EQ(found->server_name, "svc.internal");
}

TEST_F(ConnectionTest, SaysWhatToAddToAConfigurationThatServesNoRecords) {
  const std::string why = refusal({.config = "c.yaml"}, std::string(kSecret));

  EXPECT_TRUE(why.starts_with("c.yaml: ")) << why;
  EXPECT_TRUE(why.ends_with("\ngrpc_address: 127.0.0.1:5443\ngrpc_insecure: true")) << why;
}

TEST_F(ConnectionTest, NamesTheOptionThatIsMissingOrWrong) {
  files_.put("key", "c2hvcnQ=\n");
  files_.put("secret", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");

  EXPECT_TRUE(refusal({}).contains("--config FILE"));
  EXPECT_TRUE(refusal({.address = "127.0.0.1:1"}).contains("--shared-secret-file"));
  EXPECT_TRUE(refusal({.address = "127.0.0.1"}).starts_with("--address: "));
  EXPECT_TRUE(refusal({.address = "127.0.0.1:70000"}).starts_with("--address: "));
  EXPECT_TRUE(refusal({.address = "127.0.0.1:1", .shared_secret_file = "key"})
                  .starts_with("--shared-secret-file: key does not hold 32 bytes"));
  EXPECT_TRUE(refusal({.address = "127.0.0.1:1", .shared_secret_file = "none"})
                  .starts_with("--shared-secret-file: none: "));
  EXPECT_TRUE(
      refusal(
          {.address = "127.0.0.1:1", .shared_secret_file = "secret", .certificate_file = "secret"})
          .contains("come together"));
  EXPECT_EQ(refusal({.address = "127.0.0.1:1", .shared_secret_file = "secret"}), "");
}

TEST_F(ConnectionTest, TheFirstSecretOfAListIsTheOneThatCounts) {
  files_.put("secrets",
             "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
             "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=\n");

  const auto found = find({.address = "127.0.0.1:1", .shared_secret_file = "secrets"});

  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->shared_secret.expose_text().substr(0, 3), std::string("\0\1\2", 3));
}

TEST_F(ConnectionTest, SaysWhereASecretOfTheStateDirectoryIsLookedFor) {
  const std::string why =
      refusal({.config = "c.yaml"}, "grpc_address: 127.0.0.1:5443\ngrpc_insecure: true\n");

  EXPECT_TRUE(why.contains("STATE_DIRECTORY")) << why;
}

}  // namespace
}  // namespace vallum::recordtools
