#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "crypto/evp.h"

namespace vallum::testing {

// What a certificate says, right or wrong. The defaults are those of an ordinary client.
struct CertificateWish {
  std::string common_name = "alice";
  // Extensions as OpenSSL's configuration writes them: {"subjectAltName", "DNS:a.example"}.
  std::vector<std::pair<std::string, std::string>> extensions = {
      {"basicConstraints", "critical,CA:FALSE"},
      {"keyUsage", "critical,digitalSignature"},
      {"extendedKeyUsage", "clientAuth"}};
  // A subject alternative name extension as DER, beside the others; "" for none.
  std::string names_der = {};
  Duration begins = -std::chrono::days(1);  // from now
  Duration ends = std::chrono::days(90);
  int rsa_bits = 0;  // 0: a P-256 key

  CertificateWish named(std::string alternative_names) const {
    CertificateWish wish = *this;
    wish.extensions.emplace_back("subjectAltName", std::move(alternative_names));
    return wish;
  }
};

struct ListWish {
  std::vector<std::uint64_t> revoked = {};  // serial numbers
  Duration begins = -std::chrono::hours(1);
  Duration ends = std::chrono::days(7);
  // An extension of the list, as for certificates.
  std::vector<std::pair<std::string, std::string>> extensions = {};
};

// A certificate with its key, and everything that key may sign: for tests that need what no
// product code makes. Keys are random: nothing in a test may depend on their bytes.
class TestAuthority {
 public:
  // A root, valid from ten years before `now` until ten years after it.
  TestAuthority(std::string common_name, WallTime now);
  TestAuthority(TestAuthority&&) noexcept = default;

  // For a client, or whatever the wish makes of it.
  TestAuthority issue(const CertificateWish& wish = {}) const;
  // An authority below this one.
  TestAuthority issue_authority(const std::string& common_name,
                                const std::string& basic_constraints = "critical,CA:TRUE",
                                std::vector<std::pair<std::string, std::string>> more = {}) const;
  // The same name and key, signed by another: a cross-signed authority.
  TestAuthority signed_by(const TestAuthority& other) const;
  // A leaf that signs itself.
  static TestAuthority self_signed(const CertificateWish& wish, WallTime now);

  // A revocation list of this authority.
  std::string list_pem(const ListWish& wish = {}) const;

  std::string pem() const;
  std::string key_pem() const;
  std::uint64_t serial() const { return serial_; }
  // Borrowed, until this goes.
  x509_st* native() const { return certificate_.get(); }

 private:
  TestAuthority(WallTime now, crypto::Evp<evp_pkey_st> key);
  // Gives it a certificate.
  void certify(const CertificateWish& wish, x509_st* issuer, evp_pkey_st* issuer_key);

  WallTime now_;
  crypto::Evp<evp_pkey_st> key_;
  crypto::Evp<x509_st> certificate_;
  std::uint64_t serial_ = 0;
};

}  // namespace vallum::testing
