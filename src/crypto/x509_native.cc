#include "crypto/x509_native.h"

#include <memory>
#include <utility>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/check.h"

namespace vallum::crypto {

namespace {

constexpr std::size_t kPemBytesMax = std::size_t{1} << 20;
constexpr std::size_t kCertificatesMax = 1000;

struct FreeBytes {
  void operator()(unsigned char* bytes) const { OPENSSL_free(bytes); }
};

Digest256 der_digest(unsigned char* der, int size) {
  CHECK(size > 0);
  const std::unique_ptr<unsigned char, FreeBytes> owned(der);
  return sha256(
      ByteView(reinterpret_cast<const std::byte*>(owned.get()), static_cast<std::size_t>(size)));
}

// Returns null at the end of the text.
Result<Evp<X509>> next_certificate(BIO* bio) {
  Evp<X509> certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
  if (certificate != nullptr) {
    return certificate;
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!at_end) {
    return fail(openssl_error("certificate: cannot be decoded"));
  }
  ERR_clear_error();
  return certificate;
}

}  // namespace

std::string text_of(const ASN1_STRING* text) {
  const auto size = static_cast<std::size_t>(ASN1_STRING_length(text));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), size};
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return WallTime::min();
  }
  // Certificates may name years that nanoseconds since 1970 cannot; 9999 means "never".
  if (parts.tm_year + 1900 > 2200) {
    return WallTime::max();
  }
  if (parts.tm_year + 1900 < 1800) {
    return WallTime::min();
  }
  const auto date =
      std::chrono::year_month_day(std::chrono::year(parts.tm_year + 1900),
                                  std::chrono::month(static_cast<unsigned>(parts.tm_mon) + 1U),
                                  std::chrono::day(static_cast<unsigned>(parts.tm_mday)));
  return std::chrono::sys_days(date) + std::chrono::hours(parts.tm_hour) +
         std::chrono::minutes(parts.tm_min) + std::chrono::seconds(parts.tm_sec);
}

Digest256 fingerprint_of(const x509_st* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  return der_digest(der, size);
}

Digest256 fingerprint_of(const X509_crl_st* list) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_CRL(list, &der);
  return der_digest(der, size);
}

Digest256 spki_fingerprint_of(const x509_st* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  return der_digest(der, size);
}

Evp<BIO> reader_of(std::string_view text) {
  Evp<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  CHECK(bio != nullptr);
  return bio;
}

Result<std::vector<Evp<X509>>> load_certificates(std::string_view pem) {
  if (pem.size() > kPemBytesMax) {
    return fail(ErrorKind::InvalidInput, "certificate: longer than 1 MiB");
  }
  const Evp<BIO> bio = reader_of(pem);
  std::vector<Evp<X509>> certificates;
  while (true) {
    TRY(Evp<X509> certificate, next_certificate(bio.get()));
    if (certificate == nullptr) {
      break;
    }
    certificates.push_back(std::move(certificate));
    if (certificates.size() > kCertificatesMax) {
      return fail(ErrorKind::InvalidInput, "certificate: more than 1000 in one bundle");
    }
  }
  if (certificates.empty()) {
    return fail(ErrorKind::InvalidInput, "certificate: no PEM block CERTIFICATE");
  }
  return certificates;
}

std::string name_text(const X509_name_st* name) {
  const Evp<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(bio != nullptr);
  char* text = nullptr;
  if (X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) {
    ERR_clear_error();
    return {};
  }
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size <= 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
}

}  // namespace vallum::crypto
