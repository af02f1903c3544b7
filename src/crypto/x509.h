#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/ip_address.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/digest.h"

namespace vallum::crypto {

// What configuration, the choice of a certificate and reports need to know of one.
struct CertificateFacts {
  std::string common_name;  // of the subject; the first, "" without one
  std::vector<std::string>
      dns_names;  // subject alternative names, lower case, wildcards as written
  std::vector<IpAddress> ip_addresses;
  WallTime not_before;
  WallTime not_after;
  bool is_ca = false;
  bool is_self_signed = false;   // issuer is subject and the signature is its own
  Digest256 fingerprint{};       // SHA-256 of the DER text
  Digest256 spki_fingerprint{};  // SHA-256 of the SubjectPublicKeyInfo

  // Also with the single left-most label that a wildcard stands for (RFC 6125 6.4.3). `host` is
  // lower case without port; an IP literal only equals an address.
  bool covers(std::string_view host) const;
};

// The certificates of a PEM bundle in order, leaf first. Private keys and explanatory text between
// them are skipped. InvalidInput when there is none or one cannot be decoded.
Result<std::vector<CertificateFacts>> read_certificates(std::string_view pem);

// InvalidInput with the reason when the first certificate does not belong to the private key.
Result<void> check_key_matches(std::string_view certificate_pem, const Secret& private_key_pem);

struct CertifiedKey {
  std::string certificate_pem;
  Secret private_key_pem;
};

struct CertificateRequest {
  enum class Use : std::uint8_t { Server, Client };

  std::string common_name;
  std::vector<std::string> dns_names;
  std::vector<IpAddress> ip_addresses;
  WallTime not_before;
  WallTime not_after;
  std::vector<std::string> uris = {};
  Use use = Use::Server;
  std::string organization = "Vallum";
};

// All generated keys are P-256 and come from `entropy`. Signature nonces are OpenSSL's own.

// A certificate authority that may sign leaves and nothing else. Names are not used.
Result<CertifiedKey> generate_ca(const CertificateRequest& request, Entropy& entropy);

// The authority that every node with this shared key has, so that none needs to be configured
// (identity specification 5.3, 3): always the same key and name, until December 2050.
Result<CertifiedKey> derive_ca(const Secret& shared_key);

// A certificate signed by `issuer`, without the issuer's own certificate behind it.
Result<CertifiedKey> generate_leaf(const CertifiedKey& issuer,
                                   const CertificateRequest& request,
                                   Entropy& entropy);

// A server certificate nobody vouches for, for hosts that have no other.
Result<CertifiedKey> generate_self_signed(const CertificateRequest& request, Entropy& entropy);

}  // namespace vallum::crypto
