#include "crypto/x509.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "crypto/pkey.h"
#include "support/seeded_entropy.h"
#include "support/virtual_clock.h"

namespace vallum::crypto {
namespace {

using std::chrono::days;
using testing::SeededEntropy;

class X509Test : public ::testing::Test {
 protected:
  CertificateRequest request(std::string_view common_name,
                             std::vector<std::string> dns_names = {}) {
    return {.common_name = std::string(common_name),
            .dns_names = std::move(dns_names),
            .ip_addresses = {},
            .not_before = clock_.wall() - days(1),
            .not_after = clock_.wall() + days(90)};
  }

  testing::VirtualClock clock_;
  SeededEntropy entropy_{3};
};

TEST_F(X509Test, AnAuthoritySignsALeafWithItsNames) {
  const auto authority = generate_ca(request("Development CA"), entropy_);
  ASSERT_TRUE(authority.has_value());
  CertificateRequest wanted = request("app.localhost", {"app.localhost", "*.App.localhost"});
  wanted.ip_addresses = {IpAddress::loopback_v4(), *IpAddress::parse("::1")};

  const auto leaf = generate_leaf(*authority, wanted, entropy_);
  ASSERT_TRUE(leaf.has_value());
  const auto facts = read_certificates(leaf->certificate_pem + authority->certificate_pem);

  ASSERT_TRUE(facts.has_value());
  ASSERT_EQ(facts->size(), 2U);
  const CertificateFacts& first = facts->front();
  EXPECT_EQ(first.common_name, "app.localhost");
  EXPECT_EQ(first.dns_names, (std::vector<std::string>{"app.localhost", "*.app.localhost"}));
  EXPECT_EQ(first.ip_addresses, wanted.ip_addresses);
  EXPECT_EQ(first.not_before, wanted.not_before);
  EXPECT_EQ(first.not_after, wanted.not_after);
  EXPECT_FALSE(first.is_ca);
  EXPECT_FALSE(first.is_self_signed);
  EXPECT_TRUE(facts->back().is_ca);
  EXPECT_TRUE(facts->back().is_self_signed);
  EXPECT_NE(first.fingerprint, facts->back().fingerprint);
  EXPECT_NE(first.spki_fingerprint, facts->back().spki_fingerprint);
}

TEST_F(X509Test, TheSameEntropyGivesTheSameKey) {
  SeededEntropy again(3);

  const auto first = generate_ca(request("CA"), entropy_);
  const auto second = generate_ca(request("CA"), again);

  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_TRUE(first->private_key_pem.equals(second->private_key_pem.expose()));
}

TEST_F(X509Test, ASelfSignedCertificateIsNoAuthority) {
  const auto made = generate_self_signed(request("catch-all", {"catch-all.invalid"}), entropy_);
  ASSERT_TRUE(made.has_value());

  const auto facts = read_certificates(made->certificate_pem);

  ASSERT_TRUE(facts.has_value());
  EXPECT_TRUE(facts->front().is_self_signed);
  EXPECT_FALSE(facts->front().is_ca);
  EXPECT_TRUE(check_key_matches(made->certificate_pem, made->private_key_pem).has_value());
}

TEST_F(X509Test, NoticesAPairThatIsMixedUp) {
  const auto one = generate_self_signed(request("one"), entropy_);
  const auto two = generate_self_signed(request("two"), entropy_);
  ASSERT_TRUE(one.has_value() && two.has_value());

  const auto checked = check_key_matches(one->certificate_pem, two->private_key_pem);

  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().kind(), ErrorKind::InvalidInput);
}

TEST_F(X509Test, CoversTheHostsItsNamesStandFor) {
  const auto made = generate_self_signed(request("x", {"a.example", "*.b.example"}), entropy_);
  ASSERT_TRUE(made.has_value());
  const auto facts = read_certificates(made->certificate_pem);
  ASSERT_TRUE(facts.has_value());
  const CertificateFacts& leaf = facts->front();

  EXPECT_TRUE(leaf.covers("a.example"));
  EXPECT_TRUE(leaf.covers("x.b.example"));
  EXPECT_FALSE(leaf.covers("b.example"));
  EXPECT_FALSE(leaf.covers("x.y.b.example"));
  EXPECT_FALSE(leaf.covers(".b.example"));
  EXPECT_FALSE(leaf.covers("x"));
  EXPECT_FALSE(leaf.covers("127.0.0.1"));
  EXPECT_FALSE(leaf.covers(""));
}

TEST_F(X509Test, SaysWhatIsWrongWithAFile) {
  const auto made = generate_self_signed(request("x"), entropy_);
  ASSERT_TRUE(made.has_value());
  std::string torn = made->certificate_pem;
  torn.erase(torn.size() / 2, 3);

  EXPECT_FALSE(read_certificates("").has_value());
  EXPECT_FALSE(read_certificates("not a certificate").has_value());
  EXPECT_FALSE(read_certificates(made->private_key_pem.expose_text()).has_value());
  EXPECT_FALSE(read_certificates(torn).has_value());
  EXPECT_FALSE(check_key_matches(made->certificate_pem, Secret("garbage")).has_value());
  EXPECT_FALSE(check_key_matches("garbage", made->private_key_pem).has_value());
}

// openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256
TEST_F(X509Test, RefusesAKeyWithAPassphraseInsteadOfAsking) {
  const auto made = generate_self_signed(request("x"), entropy_);
  ASSERT_TRUE(made.has_value());
  const Secret encrypted(
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAi6Mt1i9T+ozgICCAAw\n"
      "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEN2/+a21ASHBwdZIKmOkn+IEgZDo\n"
      "Yrw6867q1FQwYCGk5nPMPCdOpEymHTSIlXeW/uyaBz3FNFyqg0RccPgvEOKXhPr9\n"
      "5B1Pt3jdj/DnN4kv2A/KaT/k/hyxzphoNBTu+kPiOj7D45AP5X4UY+dUGczezzGD\n"
      "sYXNr0U7dGdT8YyT3SC26iT6TKzanhyR3S8Fh8hBBJUDG2sJknDWk/smkM0ZMVQ=\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n");

  EXPECT_FALSE(check_key_matches(made->certificate_pem, encrypted).has_value());
}

TEST_F(X509Test, RefusesRequestsNoCertificateCanCarry) {
  CertificateRequest reversed = request("x");
  std::swap(reversed.not_before, reversed.not_after);

  EXPECT_FALSE(generate_ca(request(""), entropy_).has_value());
  EXPECT_FALSE(generate_ca(request("\xff"), entropy_).has_value());
  EXPECT_FALSE(generate_self_signed(reversed, entropy_).has_value());
  EXPECT_FALSE(generate_leaf({"garbage", Secret("garbage")}, request("x"), entropy_).has_value());
}

// openssl req -x509 -newkey ed25519 -days 2900000: an authority whose key cannot sign with SHA-256,
// and a date that nanoseconds cannot hold.
TEST_F(X509Test, SurvivesAForeignKeyTypeAndAVeryLateDate) {
  const std::string certificate = R"(-----BEGIN CERTIFICATE-----
MIIBNDCB56ADAgECAhRl0oF1Dhb1mxq2lmIGC/LG55LAhjAFBgMrZXAwDzENMAsG
A1UEAwwEbGF0ZTAgFw0yNjExMjUyMTM5NDBaGA85OTY2MTAzMTIxMzk0MFowDzEN
MAsGA1UEAwwEbGF0ZTAqMAUGAytlcAMhALO8YOQyuLQUvOdS6PcvOhSy4lPjQp3b
wNaCtyMG20AMo1MwUTAdBgNVHQ4EFgQUqOBsj0aGOvogYJre5ep+8pgST5QwHwYD
VR0jBBgwFoAUqOBsj0aGOvogYJre5ep+8pgST5QwDwYDVR0TAQH/BAUwAwEB/zAF
BgMrZXADQQDOzBjfuoFWJrp9LK8zDJ3uOZLsocCHwG3wD11h9HnkFiQlqrRYovOE
TFGQIU17Ir2tbgpbHrUkeBB/oYxtrCIB
-----END CERTIFICATE-----
)";
  const std::string key = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIOh79fxYggo4FqvC7rpqBcSZ9Tz3bnXQoNwKHBYeg1a2
-----END PRIVATE KEY-----
)";

  const auto facts = read_certificates(certificate);
  const auto leaf = generate_leaf({certificate, Secret(key)}, request("x"), entropy_);

  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->front().not_after, WallTime::max());
  EXPECT_TRUE(check_key_matches(certificate, Secret(key)).has_value());
  ASSERT_FALSE(leaf.has_value());
  EXPECT_EQ(leaf.error().kind(), ErrorKind::InvalidInput);
}

// The vector of identity specification 5.3, 3.
TEST_F(X509Test, EveryNodeDerivesTheSameAuthority) {
  std::string secret;
  for (char c = 0; c < 32; ++c) {
    secret.push_back(c);
  }
  const Secret shared{std::string_view(secret)};

  const auto authority = derive_ca(shared);
  const auto again = derive_ca(shared);
  const auto other = derive_ca(Secret(std::string_view("another secret of thirty-two byte")));

  ASSERT_TRUE(authority.has_value() && again.has_value() && other.has_value());
  const auto key = read_private_key(authority->private_key_pem.expose_text());
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(to_hex(key_number(key->get(), "priv", 32)),
            "2c95e2ae0a30035ddea723d3b20d2d6946eb4dccf15a1e4a737b5b8ab643bf0e");
  const auto facts = read_certificates(authority->certificate_pem + again->certificate_pem);
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->front().common_name, "Pomerium PSK CA");
  EXPECT_TRUE(facts->front().is_ca);
  EXPECT_EQ(facts->front().not_before,
            std::chrono::sys_days(std::chrono::year(2022) / std::chrono::December / 1));
  EXPECT_EQ(facts->front().not_after,
            std::chrono::sys_days(std::chrono::year(2050) / std::chrono::December / 1));
  EXPECT_EQ(facts->front().spki_fingerprint, facts->back().spki_fingerprint);
  EXPECT_NE(facts->front().spki_fingerprint,
            read_certificates(other->certificate_pem)->front().spki_fingerprint);
}

}  // namespace
}  // namespace vallum::crypto
