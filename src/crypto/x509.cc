#include "crypto/x509.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/strings.h"
#include "crypto/evp.h"
#include "crypto/kdf.h"
#include "crypto/pkey.h"
#include "crypto/x509_native.h"

namespace vallum::crypto {
namespace {

struct Free {
  void operator()(ASN1_OBJECT* object) const { ASN1_OBJECT_free(object); }
  void operator()(BASIC_CONSTRAINTS* constraints) const { BASIC_CONSTRAINTS_free(constraints); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

void read_alternative_names(X509* certificate, CertificateFacts& facts) {
  const Owned<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      facts.dns_names.push_back(to_lower(text_of(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      const std::string bytes = text_of(name->d.iPAddress);
      if (bytes.size() == 4 || bytes.size() == 16) {
        facts.ip_addresses.push_back(IpAddress::from_bytes(as_bytes(bytes)));
      }
    }
  }
}

std::string common_name_of(X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  return at < 0 ? std::string()
                : text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

bool signed_itself(X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  const bool same_name =
      X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
  const bool own_signature = same_name && key != nullptr && X509_verify(certificate, key) == 1;
  ERR_clear_error();
  return own_signature;
}

CertificateFacts facts_of(X509* certificate) {
  CertificateFacts facts;
  facts.common_name = common_name_of(certificate);
  read_alternative_names(certificate, facts);
  facts.not_before = time_of(X509_get0_notBefore(certificate));
  facts.not_after = time_of(X509_get0_notAfter(certificate));
  facts.is_ca = X509_check_ca(certificate) > 0;
  facts.is_self_signed = signed_itself(certificate);
  facts.fingerprint = fingerprint_of(certificate);
  facts.spki_fingerprint = spki_fingerprint_of(certificate);
  return facts;
}

std::string pem_of(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  CHECK(size > 0);
  return {text, static_cast<std::size_t>(size)};
}

CertifiedKey to_pem(X509* certificate, EVP_PKEY* key) {
  const Evp<BIO> certificate_bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509(certificate_bio.get(), certificate) == 1);
  const Evp<BIO> key_bio(BIO_new(BIO_s_secmem()));
  CHECK(PEM_write_bio_PKCS8PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) ==
        1);
  std::string key_text = pem_of(key_bio.get());
  CertifiedKey out{pem_of(certificate_bio.get()), Secret(key_text)};
  wipe(std::as_writable_bytes(std::span(key_text)));
  return out;
}

Evp<EVP_PKEY> new_key(Entropy& entropy) {
  Bytes seed(40);
  entropy.fill(seed);
  Evp<EVP_PKEY> key = p256_key_from(seed);
  wipe(seed);
  return key;
}

void set_times(X509* certificate, const CertificateRequest& request) {
  CHECK(ASN1_TIME_set(X509_getm_notBefore(certificate), unix_seconds(request.not_before)) !=
        nullptr);
  CHECK(ASN1_TIME_set(X509_getm_notAfter(certificate), unix_seconds(request.not_after)) != nullptr);
}

Bytes random_serial(Entropy& entropy) {
  Bytes bytes(16);
  entropy.fill(bytes);
  return bytes;
}

// 127 bits of 16 bytes (RFC 5280 4.1.2.2).
void set_serial(X509* certificate, Bytes bytes) {
  bytes.front() &= std::byte{0x7f};
  bytes.back() |= std::byte{0x01};
  const Evp<BIGNUM> number(
      BN_bin2bn(as_uchar(ByteView(bytes)), static_cast<int>(bytes.size()), nullptr));
  CHECK(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

void set_subject(X509* certificate, const CertificateRequest& request) {
  X509_NAME* name = X509_get_subject_name(certificate);
  CHECK(X509_NAME_add_entry_by_txt(name,
                                   "O",
                                   MBSTRING_UTF8,
                                   as_uchar(as_bytes(request.organization)),
                                   static_cast<int>(request.organization.size()),
                                   -1,
                                   0) == 1);
  const std::string_view common_name = request.common_name;
  // A common name holds at most 64 characters (RFC 5280 A.1); names that matter are alternative
  // names.
  const std::string_view text = common_name.substr(0, 64);
  CHECK(X509_NAME_add_entry_by_txt(name,
                                   "CN",
                                   MBSTRING_UTF8,
                                   as_uchar(as_bytes(text)),
                                   static_cast<int>(text.size()),
                                   -1,
                                   0) == 1);
}

void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  CHECK(extension != nullptr);
  CHECK(X509_add_ext(certificate, extension.get(), -1) == 1);
}

void append_name(GENERAL_NAMES* names, int type, ByteView bytes) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_STRING* value =
      ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
  CHECK(name != nullptr && value != nullptr);
  CHECK(ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size())) == 1);
  GENERAL_NAME_set0_value(name, type, value);
  CHECK(sk_GENERAL_NAME_push(names, name) > 0);
}

// Built as a structure: a textual extension would let a name smuggle in further ones.
void add_alternative_names(X509* certificate, const CertificateRequest& request) {
  if (request.dns_names.empty() && request.ip_addresses.empty() && request.uris.empty()) {
    return;
  }
  const Owned<GENERAL_NAMES> names(sk_GENERAL_NAME_new_null());
  for (const std::string& dns_name : request.dns_names) {
    append_name(names.get(), GEN_DNS, as_bytes(dns_name));
  }
  for (const IpAddress& address : request.ip_addresses) {
    append_name(names.get(), GEN_IPADD, address.bytes());
  }
  for (const std::string& uri : request.uris) {
    append_name(names.get(), GEN_URI, as_bytes(uri));
  }
  CHECK(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) ==
        1);
}

Result<Evp<X509>> new_certificate(const CertificateRequest& request, EVP_PKEY* key, Bytes serial) {
  if (request.common_name.empty() || !is_utf8(request.common_name)) {
    return fail(ErrorKind::InvalidInput, "certificate: the common name is empty or not UTF-8");
  }
  if (request.not_after <= request.not_before) {
    return fail(ErrorKind::InvalidInput, "certificate: ends before it begins");
  }
  Evp<X509> certificate(X509_new());
  CHECK(certificate != nullptr);
  CHECK(X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  set_serial(certificate.get(), std::move(serial));
  set_times(certificate.get(), request);
  set_subject(certificate.get(), request);
  CHECK(X509_set_pubkey(certificate.get(), key) == 1);
  return certificate;
}

void add_leaf_extensions(X509* certificate, X509* issuer, const CertificateRequest& request) {
  add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature");
  add_extension(certificate,
                issuer,
                NID_ext_key_usage,
                request.use == CertificateRequest::Use::Client ? "clientAuth" : "serverAuth");
  add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
  add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
  add_alternative_names(certificate, request);
}

Result<CertifiedKey> sign(X509* certificate, EVP_PKEY* key, EVP_PKEY* issuer_key) {
  if (X509_sign(certificate, issuer_key, EVP_sha256()) <= 0) {
    return fail(openssl_error("certificate: the issuer's key cannot sign with SHA-256"));
  }
  return to_pem(certificate, key);
}

}  // namespace

bool CertificateFacts::covers(std::string_view host) const {
  if (const auto address = IpAddress::parse(host)) {
    return std::ranges::find(ip_addresses, *address) != ip_addresses.end();
  }
  const std::size_t dot = host.find('.');
  return std::ranges::any_of(dns_names, [&](std::string_view name) {
    if (!name.starts_with("*.")) {
      return name == host;
    }
    return dot != std::string_view::npos && dot > 0 && host.substr(dot) == name.substr(1);
  });
}

Result<std::vector<CertificateFacts>> read_certificates(std::string_view pem) {
  TRY(const auto certificates, load_certificates(pem));
  std::vector<CertificateFacts> facts;
  facts.reserve(certificates.size());
  for (const auto& certificate : certificates) {
    facts.push_back(facts_of(certificate.get()));
  }
  return facts;
}

Result<void> check_key_matches(std::string_view certificate_pem, const Secret& private_key_pem) {
  TRY(const auto certificates, load_certificates(certificate_pem));
  TRY(const auto key, read_private_key(private_key_pem.expose_text()));
  const int matches = X509_check_private_key(certificates.front().get(), key.get());
  ERR_clear_error();
  if (matches != 1) {
    return fail(ErrorKind::InvalidInput,
                "certificate: its public key is not the private key's; the pair is mixed up");
  }
  return {};
}

Result<CertifiedKey> generate_ca(const CertificateRequest& request, Entropy& entropy) {
  const Evp<EVP_PKEY> key = new_key(entropy);
  TRY(const auto certificate, new_certificate(request, key.get(), random_serial(entropy)));
  CHECK(X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get())) == 1);
  X509* self = certificate.get();
  add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(self, self, NID_subject_key_identifier, "hash");
  return sign(self, key.get(), key.get());
}

namespace {

// What the reference derives from, by what it is for.
enum class Derived : std::uint8_t { CaKey = 0, Serial = 4 };

Secret derived_bytes(const Secret& shared_key, Derived what, std::size_t bytes) {
  Bytes material;
  material.push_back(static_cast<std::byte>(what));
  const ByteView key = shared_key.expose();
  material.insert(material.end(), key.begin(), key.end());
  material.push_back(std::byte{0});
  Secret derived = hkdf_sha256(material, "", bytes);
  wipe(material);
  return derived;
}

}  // namespace

Result<CertifiedKey> derive_ca(const Secret& shared_key) {
  using std::chrono::December;
  const Secret seed = derived_bytes(shared_key, Derived::CaKey, 40);
  const Evp<EVP_PKEY> key = p256_key_from(seed.expose());
  const CertificateRequest request{
      .common_name = "Pomerium PSK CA",
      .dns_names = {},
      .ip_addresses = {},
      .not_before = std::chrono::sys_days(std::chrono::year(2022) / December / 1),
      .not_after = std::chrono::sys_days(std::chrono::year(2050) / December / 1),
      .organization = "Pomerium"};
  const Secret serial = derived_bytes(shared_key, Derived::Serial, 16);
  Bytes number(serial.expose().begin(), serial.expose().end());
  TRY(const auto certificate, new_certificate(request, key.get(), std::move(number)));
  CHECK(X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get())) == 1);
  X509* self = certificate.get();
  add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(self, self, NID_key_usage, "critical,digitalSignature,keyCertSign");
  add_extension(self, self, NID_ext_key_usage, "serverAuth,clientAuth");
  add_extension(self, self, NID_subject_key_identifier, "hash");
  return sign(self, key.get(), key.get());
}

Result<CertifiedKey> generate_leaf(const CertifiedKey& issuer,
                                   const CertificateRequest& request,
                                   Entropy& entropy) {
  TRY(const auto issuers, load_certificates(issuer.certificate_pem));
  TRY(const auto issuer_key, read_private_key(issuer.private_key_pem.expose_text()));
  X509* parent = issuers.front().get();
  const Evp<EVP_PKEY> key = new_key(entropy);
  TRY(const auto certificate, new_certificate(request, key.get(), random_serial(entropy)));
  CHECK(X509_set_issuer_name(certificate.get(), X509_get_subject_name(parent)) == 1);
  add_leaf_extensions(certificate.get(), parent, request);
  return sign(certificate.get(), key.get(), issuer_key.get());
}

Result<CertifiedKey> generate_self_signed(const CertificateRequest& request, Entropy& entropy) {
  const Evp<EVP_PKEY> key = new_key(entropy);
  TRY(const auto certificate, new_certificate(request, key.get(), random_serial(entropy)));
  X509* self = certificate.get();
  CHECK(X509_set_issuer_name(self, X509_get_subject_name(self)) == 1);
  add_leaf_extensions(self, self, request);
  return sign(self, key.get(), key.get());
}

}  // namespace vallum::crypto
