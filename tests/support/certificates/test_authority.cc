#include "support/certificates/test_authority.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "base/check.h"

namespace vallum::testing {

namespace {

using crypto::Evp;

constexpr Duration kDecade = std::chrono::days(3650);

Evp<EVP_PKEY> new_key(int rsa_bits) {
  Evp<EVP_PKEY> key(rsa_bits == 0 ? EVP_EC_gen("P-256")
                                  : EVP_RSA_gen(static_cast<unsigned int>(rsa_bits)));
  CHECK(key != nullptr);
  return key;
}

std::uint64_t new_serial() {
  std::uint64_t serial = 0;
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  return (serial >> 2U) + 1;
}

void add_extension(X509* certificate,
                   X509* issuer,
                   const std::pair<std::string, std::string>& extension) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* made =
      X509V3_EXT_conf(nullptr, &context, extension.first.c_str(), extension.second.c_str());
  CHECK(made != nullptr);
  CHECK(X509_add_ext(certificate, made, -1) == 1);
  X509_EXTENSION_free(made);
}

void add_raw_names(X509* certificate, std::string_view der) {
  ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
  CHECK(ASN1_OCTET_STRING_set(value, as_uchar(as_bytes(der)), static_cast<int>(der.size())) == 1);
  X509_EXTENSION* made = X509_EXTENSION_create_by_NID(nullptr, NID_subject_alt_name, 0, value);
  CHECK(made != nullptr);
  CHECK(X509_add_ext(certificate, made, -1) == 1);
  X509_EXTENSION_free(made);
  ASN1_OCTET_STRING_free(value);
}

void set_name(X509_NAME* name, const std::string& common_name) {
  CHECK(X509_NAME_add_entry_by_txt(
            name, "CN", MBSTRING_UTF8, as_uchar(as_bytes(common_name)), -1, -1, 0) == 1);
}

void set_time(ASN1_TIME* time, WallTime at) {
  CHECK(ASN1_TIME_set(time, unix_seconds(at)) != nullptr);
}

std::string text_of(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

CertificateWish root_wish(const std::string& common_name) {
  return {.common_name = common_name,
          .extensions = {{"basicConstraints", "critical,CA:TRUE"},
                         {"keyUsage", "critical,keyCertSign,cRLSign"},
                         {"subjectKeyIdentifier", "hash"}},
          .names_der = {},
          .begins = -kDecade,
          .ends = kDecade,
          .rsa_bits = 0};
}

}  // namespace

TestAuthority::TestAuthority(WallTime now, Evp<evp_pkey_st> key)
    : now_(now), key_(std::move(key)) {}

TestAuthority::TestAuthority(std::string common_name, WallTime now)
    : TestAuthority(now, new_key(0)) {
  certify(root_wish(common_name), nullptr, key_.get());
}

void TestAuthority::certify(const CertificateWish& wish, x509_st* issuer, evp_pkey_st* issuer_key) {
  certificate_.reset(X509_new());
  X509* const certificate = certificate_.get();
  serial_ = new_serial();
  CHECK(X509_set_version(certificate, X509_VERSION_3) == 1);
  CHECK(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial_) == 1);
  set_name(X509_get_subject_name(certificate), wish.common_name);
  set_time(X509_getm_notBefore(certificate), now_ + wish.begins);
  set_time(X509_getm_notAfter(certificate), now_ + wish.ends);
  CHECK(X509_set_pubkey(certificate, key_.get()) == 1);
  X509* const above = issuer == nullptr ? certificate : issuer;
  CHECK(X509_set_issuer_name(certificate, X509_get_subject_name(above)) == 1);
  for (const auto& extension : wish.extensions) {
    add_extension(certificate, above, extension);
  }
  if (!wish.names_der.empty()) {
    add_raw_names(certificate, wish.names_der);
  }
  CHECK(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
}

TestAuthority TestAuthority::issue(const CertificateWish& wish) const {
  TestAuthority made(now_, new_key(wish.rsa_bits));
  made.certify(wish, certificate_.get(), key_.get());
  return made;
}

TestAuthority TestAuthority::issue_authority(
    const std::string& common_name,
    const std::string& basic_constraints,
    std::vector<std::pair<std::string, std::string>> more) const {
  CertificateWish wish = root_wish(common_name);
  wish.extensions.front().second = basic_constraints;
  wish.extensions.insert(wish.extensions.end(), more.begin(), more.end());
  return issue(wish);
}

TestAuthority TestAuthority::signed_by(const TestAuthority& other) const {
  CHECK(EVP_PKEY_up_ref(key_.get()) == 1);
  TestAuthority made(now_, Evp<EVP_PKEY>(key_.get()));
  X509_NAME* name = X509_get_subject_name(certificate_.get());
  X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, 0);
  const ASN1_STRING* text = X509_NAME_ENTRY_get_data(entry);
  const std::string common_name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                static_cast<std::size_t>(ASN1_STRING_length(text)));
  made.certify(root_wish(common_name), other.certificate_.get(), other.key_.get());
  return made;
}

TestAuthority TestAuthority::self_signed(const CertificateWish& wish, WallTime now) {
  TestAuthority made(now, new_key(wish.rsa_bits));
  made.certify(wish, nullptr, made.key_.get());
  return made;
}

std::string TestAuthority::list_pem(const ListWish& wish) const {
  const Evp<X509_CRL> list(X509_CRL_new());
  CHECK(X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1);
  CHECK(X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get())) == 1);
  ASN1_TIME* time = ASN1_TIME_new();
  set_time(time, now_ + wish.begins);
  CHECK(X509_CRL_set1_lastUpdate(list.get(), time) == 1);
  set_time(time, now_ + wish.ends);
  CHECK(X509_CRL_set1_nextUpdate(list.get(), time) == 1);
  set_time(time, now_);
  for (const std::uint64_t serial : wish.revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    ASN1_INTEGER* number = ASN1_INTEGER_new();
    CHECK(ASN1_INTEGER_set_uint64(number, serial) == 1);
    CHECK(X509_REVOKED_set_serialNumber(entry, number) == 1);
    CHECK(X509_REVOKED_set_revocationDate(entry, time) == 1);
    CHECK(X509_CRL_add0_revoked(list.get(), entry) == 1);
    ASN1_INTEGER_free(number);
  }
  ASN1_TIME_free(time);
  for (const auto& [name, value] : wish.extensions) {
    X509V3_CTX context{};
    X509V3_set_ctx(&context, certificate_.get(), nullptr, nullptr, list.get(), 0);
    X509_EXTENSION* made = X509V3_EXT_conf(nullptr, &context, name.c_str(), value.c_str());
    CHECK(made != nullptr);
    CHECK(X509_CRL_add_ext(list.get(), made, -1) == 1);
    X509_EXTENSION_free(made);
  }
  CHECK(X509_CRL_sort(list.get()) == 1);
  CHECK(X509_CRL_sign(list.get(), key_.get(), EVP_sha256()) > 0);
  const Evp<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509_CRL(bio.get(), list.get()) == 1);
  return text_of(bio.get());
}

std::string TestAuthority::pem() const {
  const Evp<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509(bio.get(), certificate_.get()) == 1);
  return text_of(bio.get());
}

std::string TestAuthority::key_pem() const {
  const Evp<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_PKCS8PrivateKey(
            bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(bio.get());
}

}  // namespace vallum::testing
