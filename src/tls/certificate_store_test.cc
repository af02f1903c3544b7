#include "tls/certificate_store.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "support/test_certificates.h"
#include "support/virtual_clock.h"

namespace vallum::tls {
namespace {

using testing::TestCertificates;
using testing::VirtualClock;

// A certificate of an RSA key for rsa.example and app.example, valid until 2049.
constexpr const char* kRsaCertificate = "tests/data/tls/rsa.pem";
constexpr const char* kRsaKey = "tests/data/tls/rsa.key";

class CertificateStoreTest : public ::testing::Test {
 protected:
  void add(std::string_view name, std::vector<std::string> dns_names) {
    sources_.push_back(world_.certificate(name, std::move(dns_names)));
  }
  void add_rsa() { sources_.push_back(*read_certificate_files(kRsaCertificate, kRsaKey)); }

  async::Snapshot<CertificateStore> make() {
    auto store = CertificateStore::make(std::move(sources_), clock_.wall());
    EXPECT_TRUE(store.has_value()) << store.error().message();
    return *store;
  }
  std::string failure(CertificateSource source) {
    sources_.push_back(std::move(source));
    const auto store = CertificateStore::make(std::move(sources_), clock_.wall());
    sources_.clear();
    return store.has_value() ? "(none)" : std::string(store.error().message());
  }

  VirtualClock clock_;
  TestCertificates world_{clock_.wall()};
  std::vector<CertificateSource> sources_;
};

using Choice = CertificateStore::Choice;

TEST_F(CertificateStoreTest, AnExactNameWinsOverAWildcardAndAWildcardOverTheFirst) {
  add("first", {"first.example"});
  add("wild", {"*.app.example"});
  add("exact", {"a.app.example"});
  const auto store = make();

  EXPECT_EQ(store->choose("a.app.example"), (Choice{.ecdsa = 2, .rsa = {}}));
  EXPECT_EQ(store->choose("b.app.example"), (Choice{.ecdsa = 1, .rsa = {}}));
  EXPECT_EQ(store->choose("app.example"), (Choice{.ecdsa = 0, .rsa = {}}));
  EXPECT_EQ(store->choose("a.b.app.example"), (Choice{.ecdsa = 0, .rsa = {}}));
}

TEST_F(CertificateStoreTest, NoNameIsEverRefused) {
  add("first", {"first.example"});
  const auto store = make();

  for (const std::string& name : {std::string(),
                                  std::string("unknown.example"),
                                  std::string("."),
                                  std::string(".first.example"),
                                  std::string(100'000, 'a'),
                                  std::string("a\0b", 3)}) {
    EXPECT_EQ(store->choose(name), (Choice{.ecdsa = 0, .rsa = {}})) << name.substr(0, 20);
  }
}

TEST_F(CertificateStoreTest, NamesAreComparedWithoutCaseOrTrailingDot) {
  add("first", {"first.example"});
  add("second", {"App.Example"});
  const auto store = make();

  EXPECT_EQ(store->choose("aPP.eXAMPLE."), (Choice{.ecdsa = 1, .rsa = {}}));
}

TEST_F(CertificateStoreTest, OfSeveralForOneNameTheFirstOfEachKindCounts) {
  add("one", {"app.example"});
  add("two", {"app.example"});
  add_rsa();
  const auto store = make();

  EXPECT_EQ(store->choose("app.example"), (Choice{.ecdsa = 0, .rsa = 2}));
  EXPECT_EQ(store->choose("rsa.example"), (Choice{.ecdsa = {}, .rsa = 2}));
}

TEST_F(CertificateStoreTest, WithoutANameTheFirstIsJoinedByTheOtherKindForItsNames) {
  add("other", {"other.example"});
  add_rsa();
  EXPECT_EQ(make()->choose(""), (Choice{.ecdsa = 0, .rsa = {}}));

  sources_.clear();
  add("app", {"app.example"});
  add_rsa();
  EXPECT_EQ(make()->choose(""), (Choice{.ecdsa = 0, .rsa = 1}));
}

TEST_F(CertificateStoreTest, TheCommonNameCountsOnlyWithoutAlternativeNames) {
  add("first", {"first.example"});
  add("Common.example", {});
  add("ignored.example", {"named.example"});
  const auto store = make();

  EXPECT_EQ(store->choose("common.example"), (Choice{.ecdsa = 1, .rsa = {}}));
  EXPECT_EQ(store->choose("ignored.example"), (Choice{.ecdsa = 0, .rsa = {}}));
}

TEST_F(CertificateStoreTest, AnExpiredCertificateIsAWarning) {
  add("old.pem", {"old.example"});
  clock_.jump_wall(std::chrono::days(500));
  const auto store = make();

  ASSERT_EQ(store->warnings().size(), 1U);
  EXPECT_EQ(store->warnings().front(), "old.pem: the certificate has expired");
}

TEST_F(CertificateStoreTest, EachUnusableSourceIsNamedWithItsReason) {
  CertificateSource mixed = world_.certificate("mixed.pem", {"a.example"});
  mixed.private_key_pem = world_.certificate("other", {"b.example"}).private_key_pem;
  EXPECT_NE(failure(std::move(mixed)).find("mixed.pem: "), std::string::npos);

  CertificateSource no_key = world_.certificate("nokey.pem", {"a.example"});
  no_key.private_key_pem = Secret(std::string_view("nothing"));
  EXPECT_NE(failure(std::move(no_key)).find("nokey.pem: "), std::string::npos);

  CertificateSource rubbish = world_.certificate("rubbish.pem", {"a.example"});
  rubbish.certificate_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_NE(failure(std::move(rubbish)).find("rubbish.pem: "), std::string::npos);

  EXPECT_FALSE(CertificateStore::make({}, clock_.wall()).has_value());
}

TEST(CertificateFilesTest, AMissingFileIsNamed) {
  const auto source = read_certificate_files("/nonexistent/a.pem", kRsaKey);

  ASSERT_FALSE(source.has_value());
  EXPECT_EQ(source.error().message(),
            "/nonexistent/a.pem: cannot be read: No such file or directory");
}

TEST_F(CertificateStoreTest, InlineCertificatesAreBase64OfPem) {
  const CertificateSource source = world_.certificate("a", {"a.example"});
  const std::string certificate =
      codec::encode_base64(as_bytes(source.certificate_pem), codec::Base64::Std);
  const std::string key = codec::encode_base64(source.private_key_pem.expose(), codec::Base64::Std);

  const auto good = decode_certificate("certificate", certificate + "\n", key);
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(good->certificate_pem, source.certificate_pem);

  const auto bad = decode_certificate("certificate", certificate, "%%%");
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().message(), "certificate: the private key is not base64 of PEM text");
}

}  // namespace
}  // namespace vallum::tls
