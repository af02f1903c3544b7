#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "base/result.h"
#include "crypto/digest.h"
#include "crypto/evp.h"

namespace vallum::crypto {

// The subject alternative names of one certificate, by type, as written. Other types are left out.
struct AlternativeNames {
  std::vector<std::string> dns;
  std::vector<std::string> email;
  std::vector<std::string> uri;
  std::vector<std::string> user_principal;  // otherName 1.3.6.1.4.1.311.20.2.3
  std::vector<IpAddress> ip;
};

// The certificates that a peer presented: a leaf it has the key of, and others that may lead from
// the leaf to an authority. Nothing here says that anybody vouches for it. Read once; immutable.
class PresentedChain {
 public:
  // Of a peer: the leaf and so many others; what is beyond is not looked at.
  static constexpr std::size_t kCertificatesMax = 16;

  // Leaf first; at least one. Holds on to the certificates.
  explicit PresentedChain(std::span<x509_st* const> certificates);
  // The certificates of PEM text, leaf first.
  static Result<PresentedChain> read(std::string_view pem);

  x509_st* leaf() const { return certificates_.front().get(); }
  std::span<const Evp<x509_st>> certificates() const { return certificates_; }

  // Of the leaf. Nothing when its extension cannot be decoded, stands there twice, or holds a name
  // with a control character or of the wrong length: whoever compares such names is deceived.
  const std::optional<AlternativeNames>& names() const { return names_; }
  const Digest256& fingerprint() const { return fingerprint_; }
  const Digest256& spki_fingerprint() const { return spki_fingerprint_; }
  // For people and records.
  const std::string& subject() const { return subject_; }
  const std::string& issuer() const { return issuer_; }

  // Of all certificates in order: two chains with the same digest get the same verdict.
  const Digest256& digest() const { return digest_; }

 private:
  std::vector<Evp<x509_st>> certificates_;
  std::optional<AlternativeNames> names_;
  Digest256 fingerprint_{};
  Digest256 spki_fingerprint_{};
  Digest256 digest_{};
  std::string subject_;
  std::string issuer_;
};

}  // namespace vallum::crypto
