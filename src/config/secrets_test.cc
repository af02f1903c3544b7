#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/base64.h"
#include "config/state_directory.h"
#include "crypto/x509.h"
#include "support/config_fixture.h"
#include "support/seeded_entropy.h"
#include "support/temp_directory.h"

namespace vallum::config {
namespace {

constexpr std::string_view kSecret = "qPCSFAjnq3qr+rr0vEDxyWNsiF9zfEypRgykuze1oK8=";

std::string base64(std::string_view text) {
  return codec::encode_base64(as_bytes(text), codec::Base64::Std);
}

class SecretsConfigTest : public ConfigTest {
 protected:
  crypto::CertifiedKey make_pair(const std::string& name,
                                 WallTime not_after = kNow + std::chrono::hours(9)) {
    const crypto::CertificateRequest request{.common_name = name,
                                             .dns_names = {name},
                                             .ip_addresses = {},
                                             .not_before = kNow - std::chrono::hours(9),
                                             .not_after = not_after};
    const auto ca = crypto::generate_ca(request, entropy_);
    return *crypto::generate_leaf(*ca, request, entropy_);
  }
  crypto::CertifiedKey make_self_signed(const std::string& name) {
    return *crypto::generate_self_signed({.common_name = name,
                                          .dns_names = {name},
                                          .ip_addresses = {},
                                          .not_before = kNow - std::chrono::hours(9),
                                          .not_after = kNow + std::chrono::hours(9)},
                                         entropy_);
  }
  void put(const std::string& name, const crypto::CertifiedKey& pair) {
    files().put(name + ".crt", pair.certificate_pem);
    files().put(name + ".key", std::string(pair.private_key_pem.expose_text()));
  }
  static bool has_hsts(const Settings& settings) {
    for (const HeaderLine& header : settings.set_response_headers) {
      if (header.name == "Strict-Transport-Security") {
        return true;
      }
    }
    return false;
  }

  testing::SeededEntropy entropy_{1};
};

TEST_F(SecretsConfigTest, TheSharedSecretIsBase64Of32Bytes) {
  EXPECT_EQ(accepted("shared_secret: " + std::string(kSecret)).shared_secret->size(), 32U);
  for (const char* bad :
       {"not*base64", "c2hvcnQ=", "' qPCSFAjnq3qr+rr0vEDxyWNsiF9zfEypRgykuze1oK8='"}) {
    const Lines lines = refused("shared_secret: " + std::string(bad));
    ASSERT_EQ(lines.size(), 1U) << bad;
    EXPECT_TRUE(lines[0].starts_with("c.yaml:1:1: shared_secret: ")) << lines[0];
    EXPECT_FALSE(lines[0].contains("qPCS"));  // Never shown.
  }
}

TEST_F(SecretsConfigTest, SecretsAreOneOrAListOfWhichTheFirstIsActive) {
  const std::string other = base64(std::string(32, 'o'));
  const std::string list = "[" + other + ", " + std::string(kSecret) + "]";
  files().put("s", other + "\n\n  " + std::string(kSecret) + "\n");

  for (const std::string& text :
       {"shared_secret: " + list + "\ncookie_secret: " + list,
        std::string("shared_secret_file: s\ncookie_secret_file: s"),
        "shared_secret: " + other + "," + std::string(kSecret) + "\ncookie_secret_file: s"}) {
    const Settings settings = accepted(text);
    ASSERT_EQ(settings.shared_secret.size(), 2U) << text;
    EXPECT_EQ(settings.shared_secret->expose_text(), std::string(32, 'o'));
    ASSERT_EQ(settings.cookie.secret.size(), 2U) << text;
    EXPECT_EQ(settings.cookie.secret->expose_text(), std::string(32, 'o'));
  }
}

TEST_F(SecretsConfigTest, AnEntryOfAListThatCannotBeUsedIsNamedByItsPlace) {
  const std::string good(kSecret);

  EXPECT_TRUE(refused("shared_secret: [" + good + ", c2hvcnQ=]")[0].starts_with(
      "c.yaml:1:1: shared_secret, entry 2: must be 32 bytes"));
  const Lines twice = refused("cookie_secret: [" + good + ", " + good + "]");
  EXPECT_TRUE(twice[0].starts_with("c.yaml:1:1: cookie_secret, entry 2: is in the list twice"));
  EXPECT_FALSE(twice[0].contains("qPCS"));
  std::string many = "shared_secret: [";
  for (char c = 'a'; c < 'j'; ++c) {
    many += base64(std::string(32, c)) + ", ";
  }
  EXPECT_TRUE(refused(many + "]")[0].contains("has 9 entries, and 8 are the most"));
}

TEST_F(SecretsConfigTest, EncryptionKeysStandThereOrInAFileOrInTheEnvironment) {
  files().put("k", base64(std::string(32, 'f')) + "\n");
  set_environment({{"KEK", base64(std::string(32, 'e'))}});

  const Settings settings =
      accepted("databroker_encryption_keys: [" + std::string(kSecret) + ", 'file:k', 'env:KEK']");

  const std::vector<Secret>& keys = settings.storage.encryption_keys;
  ASSERT_EQ(keys.size(), 3U);
  EXPECT_EQ(keys[1].expose_text(), std::string(32, 'f'));
  EXPECT_EQ(keys[2].expose_text(), std::string(32, 'e'));
  EXPECT_EQ(settings.referenced_files, (std::vector<std::string>{"k"}));
  EXPECT_TRUE(accepted("").storage.encryption_keys.empty());
}

TEST_F(SecretsConfigTest, EncryptionKeysThatCannotBeReadAreNamed) {
  EXPECT_EQ(refused("databroker_encryption_keys: ['file:none']")[0],
            "c.yaml:1:1: databroker_encryption_keys: cannot read none: No such file or directory");
  EXPECT_TRUE(
      refused("databroker_encryption_keys: ['env:NONE']")[0].contains("has no variable \"NONE\""));
  const Lines lines = refused("databroker_encryption_keys: [" + std::string(kSecret) + ", bad]");
  EXPECT_TRUE(lines[0].contains("databroker_encryption_keys, entry 2: ")) << lines[0];
  EXPECT_FALSE(lines[0].contains("qPCS"));
}

TEST_F(SecretsConfigTest, AFileWinsAndIsTrimmed) {
  files().put("s", std::string(kSecret) + "\n");
  files().put("id", " client-secret\r\n");

  const Settings settings = accepted(
      "shared_secret: ignored\nshared_secret_file: s\n"
      "cookie_secret_file: s\nidp_client_secret_file: id\n");

  EXPECT_EQ(settings.shared_secret->size(), 32U);
  EXPECT_EQ(settings.cookie.secret->size(), 32U);
  EXPECT_EQ(settings.provider.client_secret.expose_text(), "client-secret");
  EXPECT_EQ(settings.referenced_files, (std::vector<std::string>{"s", "s", "id"}));
}

TEST_F(SecretsConfigTest, AFileThatCannotBeUsedIsNamed) {
  files().put("empty", "\n");
  files().put("short", "c2hvcnQ=");

  EXPECT_EQ(refused("shared_secret_file: none"),
            (Lines{"c.yaml:1:1: shared_secret_file: cannot read none: No such file or directory"}));
  EXPECT_EQ(refused("shared_secret_file: empty").size(), 1U);
  EXPECT_TRUE(refused("shared_secret_file: short")[0].starts_with(
      "c.yaml:1:1: shared_secret_file: must be 32 bytes"));
}

TEST_F(SecretsConfigTest, SigningKeysArePemOrBase64OfIt) {
  const crypto::CertifiedKey pair = make_pair("x");
  const std::string pem(pair.private_key_pem.expose_text());
  files().put("k", pem);

  EXPECT_TRUE(accepted("signing_key_file: k").signing_key.has_value());
  EXPECT_TRUE(accepted("signing_key: " + base64(pem)).signing_key.has_value());
  const Lines lines = refused("signing_key: nonsense-key");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].starts_with("c.yaml:1:1: signing_key: "));
  EXPECT_FALSE(lines[0].contains("nonsense"));
}

TEST_F(SecretsConfigTest, CertificatesKeepTheirOrder) {
  put("a", make_pair("a.example.com"));
  put("b", make_pair("b.example.com"));
  const crypto::CertifiedKey c = make_pair("c.example.com");

  const Settings settings = accepted(
      "certificate_file: b.crt\ncertificate_key_file: b.key\n"
      "certificates: [{cert: a.crt, key: a.key}]\n"
      "certificate: " +
      base64(c.certificate_pem) +
      "\n"
      "certificate_key: " +
      base64(c.private_key_pem.expose_text()) + "\n");

  ASSERT_EQ(settings.certificates.size(), 3U);
  EXPECT_EQ(settings.certificates[0].certificate_pem, c.certificate_pem);
  EXPECT_EQ(settings.certificates[1].name, "a.crt");
  EXPECT_EQ(settings.certificates[2].name, "b.crt");
}

TEST_F(SecretsConfigTest, HalfPairsAndMixedPairsAreRefused) {
  put("a", make_pair("a.example.com"));
  put("b", make_pair("b.example.com"));

  EXPECT_TRUE(refused("certificate_file: a.crt\ncertificate_key_file: b.key")[0].starts_with(
      "c.yaml:1:1: certificate_file: a.crt: "));
  EXPECT_EQ(refused("certificate_file: a.crt"),
            (Lines{"c.yaml:1:1: certificate_file and certificate_key_file need each other"}));
  EXPECT_EQ(refused("certificate_key: eA==").size(), 1U);
  EXPECT_EQ(refused("certificate: '*'\ncertificate_key: eA==").size(), 1U);
  EXPECT_EQ(refused("certificates: [{cert: a.crt}]").size(), 1U);
  EXPECT_EQ(refused("certificates: [{cert: a.crt, key: none}]").size(), 1U);
}

TEST_F(SecretsConfigTest, AFileThatCannotBeReadIsReportedWhereItIsNamed) {
  put("a", make_pair("a.example.com"));

  EXPECT_TRUE(refused("certificate_file: a.crt\ncertificate_key_file: none.key")[0].starts_with(
      "c.yaml:2:1: certificate_key_file: cannot read none.key: "));
  EXPECT_TRUE(refused("certificate_file: none.crt\ncertificate_key_file: a.key")[0].starts_with(
      "c.yaml:1:1: certificate_file: cannot read none.crt: "));
}

TEST_F(SecretsConfigTest, AnExpiredCertificateIsUsedWithAWarning) {
  put("old", make_pair("old.example.com", kNow - std::chrono::hours(1)));

  const Loaded loaded = load("certificate_file: old.crt\ncertificate_key_file: old.key\n");

  EXPECT_EQ(loaded.settings->certificates.size(), 1U);
  EXPECT_EQ(warnings(loaded),
            (Lines{"c.yaml:1:1: certificate_file: old.crt: the certificate has expired"}));
}

TEST_F(SecretsConfigTest, StrictTransportSecurityNeedsACertificateSomebodyVouchesFor) {
  put("good", make_pair("a.example.com"));
  put("self", make_self_signed("a.example.com"));
  const std::string good = "certificate_file: good.crt\ncertificate_key_file: good.key\n";

  EXPECT_FALSE(has_hsts(accepted("")));
  EXPECT_TRUE(has_hsts(accepted(good)));
  EXPECT_FALSE(has_hsts(accepted("certificate_file: self.crt\ncertificate_key_file: self.key\n")));
  EXPECT_FALSE(has_hsts(accepted(good + "certificates: [{cert: self.crt, key: self.key}]\n")));
  EXPECT_FALSE(has_hsts(accepted(good + "set_response_headers: {}\n")));
  EXPECT_TRUE(
      accepted("set_response_headers: {disable: '', X-A: '1'}").set_response_headers.empty());
}

TEST_F(SecretsConfigTest, SelfHostedSignInNeedsAProvider) {
  const std::string url = "authenticate_service_url: https://login.example.com\n";
  const std::string provider =
      "idp_provider: oidc\nidp_provider_url: https://idp.example.com\n"
      "idp_client_id: c\n";

  EXPECT_EQ(accepted(url + provider).authenticate_service_url->host(), "login.example.com");
  EXPECT_EQ(refused(url).size(), 1U);
  EXPECT_EQ(refused(url + "idp_provider: oidc\n").size(), 2U);
  EXPECT_EQ(refused(url + "idp_provider: gogle\nidp_client_id: c\n"),
            (Lines{"c.yaml:2:1: idp_provider: \"gogle\" is not a provider; write oidc"}));
  EXPECT_EQ(warnings(load(url + "idp_provider: okta\nidp_client_id: c\n")).size(), 1U);
  EXPECT_EQ(refused("authenticate_service_url: login.example.com").size(), 1U);
}

TEST_F(SecretsConfigTest, TheHostedServiceCountsAsNoSignIn) {
  const Loaded loaded = load("authenticate_service_url: https://authenticate.pomerium.app\n");

  ASSERT_TRUE(loaded.settings.has_value());
  EXPECT_FALSE(loaded.settings->authenticate_service_url.has_value());
  EXPECT_TRUE(loaded.diagnostics[0].text().contains("nobody can sign in"));
}

// Covers SES-22.
TEST_F(SecretsConfigTest, ACookieDomainThatBrowsersWouldRefuseIsAnError) {
  const std::string routes =
      "routes: [{from: 'https://app.example.com', to: 'http://x', "
      "allow_any_authenticated_user: true}]\n";
  EXPECT_EQ(accepted("cookie_domain: example.com\n" + routes).cookie.domain, "example.com");
  EXPECT_EQ(accepted("cookie_domain: .Example.com\n" + routes).cookie.domain, ".Example.com");
  for (const char* bad : {"com",
                          "co.uk",
                          "github.io",
                          "127.0.0.1",
                          "a b",
                          "example.com:443",
                          "xample.com",
                          "other.example.com"}) {
    EXPECT_EQ(refused("cookie_domain: '" + std::string(bad) + "'\n" + routes).size(), 1U) << bad;
  }
}

TEST_F(SecretsConfigTest, StorageIsAFileUnlessSaidOtherwise) {
  EXPECT_EQ(accepted("").storage.directory, "");
  EXPECT_EQ(accepted("databroker_storage_type: memory").storage.type, StorageType::Memory);
  EXPECT_EQ(accepted("databroker_storage_connection_string: file:///var/x").storage.directory,
            "/var/x");
  EXPECT_EQ(accepted("databroker_storage_connection_string: data").storage.directory, "data");
  EXPECT_EQ(refused("databroker_storage_connection_string: postgres://u:hunter2@h/d").size(), 1U);
  EXPECT_EQ(refused("databroker_storage_type: redis").size(), 1U);
}

TEST_F(SecretsConfigTest, ADatabaseNeedsItsAddressAndASecretThatAllNodesShare) {
  const std::string postgres = "databroker_storage_type: postgres\n";
  const std::string address = "databroker_storage_connection_string: postgres://u:hunter2@h/d\n";
  const std::string secret = "shared_secret: " + std::string(kSecret) + "\n";

  const auto settings = accepted(postgres + address + secret);

  EXPECT_EQ(settings.storage.type, StorageType::Postgres);
  EXPECT_EQ(settings.storage.database.expose_text(), "postgres://u:hunter2@h/d");
  EXPECT_EQ(refused(postgres + secret).size(), 1U);
  EXPECT_EQ(refused(postgres + address).size(), 1U);
}

TEST_F(SecretsConfigTest, NoDiagnosticShowsASecret) {
  const Loaded loaded = load(
      "shared_secret: hunter2\ncookie_secret: hunter2\nsigning_key: hunter2\n"
      "idp_client_secret: [hunter2]\n"
      "databroker_storage_connection_string: x://hunter2\n"
      "certificate_key: hunter2\ncertificate: aGk=\n"
      "metrics_basic_auth: hunter2\nautocert_eab_mac_key: hunter2\n");

  ASSERT_FALSE(loaded.diagnostics.empty());
  for (const Diagnostic& diagnostic : loaded.diagnostics) {
    EXPECT_FALSE(diagnostic.text().contains("hunter2")) << diagnostic.text();
  }
}

class StateDirectoryTest : public ::testing::Test {
 protected:
  static mode_t mode_of(const std::string& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  }

  testing::TempDirectory directory_;
  testing::SeededEntropy entropy_{7};
};

TEST_F(StateDirectoryTest, IsFoundInTheOrderOfTheSpecification) {
  using Variables = std::map<std::string, std::string, std::less<>>;
  const auto found = [](Variables variables) {
    return find_state_directory(Environment(std::move(variables))).value_or("none");
  };
  EXPECT_EQ(found({{"STATE_DIRECTORY", "/a:/b"}, {"XDG_STATE_HOME", "/x"}, {"HOME", "/h"}}), "/a");
  EXPECT_EQ(found({{"XDG_STATE_HOME", "/x"}, {"HOME", "/h"}}), "/x/vallum");
  EXPECT_EQ(found({{"XDG_STATE_HOME", "relative"}, {"HOME", "/h"}}), "/h/.local/state/vallum");
  EXPECT_EQ(found({}), "none");
}

TEST_F(StateDirectoryTest, KeepsASecretForTheOwnerAlone) {
  const std::string folder = directory_.file("a/b");

  const auto made = load_or_create_secret(folder, "shared_secret", entropy_);
  const auto read = load_or_create_secret(folder, "shared_secret", entropy_);

  ASSERT_TRUE(made.has_value() && read.has_value());
  EXPECT_EQ(made->size(), 32U);
  EXPECT_TRUE(made->equals(read->expose()));
  EXPECT_EQ(mode_of(folder + "/shared_secret"), 0600U);
  EXPECT_EQ(mode_of(folder), 0700U);
}

TEST_F(StateDirectoryTest, AToolBesideTheProcessMakesNoSecret) {
  const auto missing = load_secret(directory_.path(), "shared_secret");
  const auto made = load_or_create_secret(directory_.path(), "shared_secret", entropy_);
  const auto found = load_secret(directory_.path(), "shared_secret");

  EXPECT_TRUE(missing.error().message().contains(directory_.file("shared_secret")));
  ASSERT_TRUE(made.has_value() && found.has_value());
  EXPECT_TRUE(found->equals(made->expose()));
}

TEST_F(StateDirectoryTest, LeavesNothingElseBehind) {
  ASSERT_TRUE(load_or_create_secret(directory_.path(), "s", entropy_).has_value());

  EXPECT_EQ(::unlink(directory_.file("s").c_str()), 0);
  EXPECT_EQ(::rmdir(directory_.path().c_str()), 0);
}

TEST_F(StateDirectoryTest, RefusesASecretThatOthersCanReadOrThatIsNone) {
  ASSERT_TRUE(load_or_create_secret(directory_.path(), "open", entropy_).has_value());
  ::chmod(directory_.file("open").c_str(), 0640);
  EXPECT_EQ(load_or_create_secret(directory_.path(), "open", entropy_).error().kind(),
            ErrorKind::PermissionDenied);

  std::ofstream(directory_.file("bad")) << "c2hvcnQ=\n";
  ::chmod(directory_.file("bad").c_str(), 0600);
  EXPECT_EQ(load_or_create_secret(directory_.path(), "bad", entropy_).error().kind(),
            ErrorKind::InvalidInput);

  ASSERT_EQ(::symlink(directory_.file("bad").c_str(), directory_.file("link").c_str()), 0);
  EXPECT_FALSE(load_or_create_secret(directory_.path(), "link", entropy_).has_value());
}

TEST_F(StateDirectoryTest, AFileInTheWayIsNamed) {
  std::ofstream(directory_.file("file")) << "x";

  const auto result = ensure_directory(directory_.file("file") + "/below");

  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(result.error().message().contains(directory_.file("file")));
}

TEST_F(StateDirectoryTest, FillsOnlyWhatIsMissing) {
  Settings settings;
  settings.cookie.secret = Secret("mine");

  ASSERT_TRUE(fill_missing_secrets(settings, directory_.path(), entropy_).has_value());

  EXPECT_EQ(settings.shared_secret->size(), 32U);
  EXPECT_EQ(settings.cookie.secret->expose_text(), "mine");
}

TEST(DiskFilesTest, ReadsRegularFilesFromItsDirectory) {
  const testing::TempDirectory directory;
  std::ofstream(directory.file("a")) << "text";
  const DiskFiles files(directory.path());

  EXPECT_EQ(files.read("a").value(), "text");
  EXPECT_EQ(files.read(directory.file("a")).value(), "text");
  EXPECT_EQ(files.read("none").error().message(), "No such file or directory");
  EXPECT_EQ(files.read(".").error().message(), "not a regular file");
  EXPECT_FALSE(files.read("").has_value());
}

}  // namespace
}  // namespace vallum::config
