#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "async/snapshot.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/strings.h"
#include "base/time.h"
#include "crypto/evp.h"
#include "crypto/x509.h"

namespace vallum::tls {

// A certificate and its key before anybody looked at them.
struct CertificateSource {
  std::string name;             // what messages call it: a file, or a key of the configuration
  std::string certificate_pem;  // the chain, leaf first
  Secret private_key_pem;
};

// Fails with text that names the file and the reason.
Result<CertificateSource> read_certificate_files(const std::string& certificate_path,
                                                 const std::string& key_path);
// From base64 of PEM text, as the configuration spells certificates inline.
Result<CertificateSource> decode_certificate(std::string name,
                                             std::string_view certificate_base64,
                                             std::string_view key_base64);

// The server's certificates and which of them a client gets (configuration specification 2.3).
// Immutable, so any thread may read it. Knows nothing of handshakes.
class CertificateStore {
 public:
  enum class KeyKind : std::uint8_t { Ecdsa, Rsa };

  struct Certificate {
    std::string name;
    crypto::CertificateFacts facts;
    KeyKind key_kind = KeyKind::Ecdsa;        // Ecdsa stands for every key that is not RSA
    std::vector<crypto::Evp<x509_st>> chain;  // leaf first
    crypto::Evp<evp_pkey_st> key;
  };

  // The certificates for one name, as indices: at most one of each kind. The client's abilities
  // choose between them, ECDSA first.
  struct Choice {
    std::optional<std::size_t> ecdsa;
    std::optional<std::size_t> rsa;
    bool operator==(const Choice&) const = default;
  };

  // At least one source. Fails on the first that cannot be used, naming it. A certificate that is
  // expired, or not valid yet, at `now` is only a warning: serving it says more than silence.
  static Result<async::Snapshot<CertificateStore>> make(std::vector<CertificateSource> sources,
                                                        WallTime now);

  // The exact name wins, then a wildcard for its first label, then the first certificate of all.
  // Never fails: an unknown or missing name gets the first. Never allocates.
  Choice choose(std::string_view server_name) const;

  const std::vector<Certificate>& certificates() const { return certificates_; }
  // Every different result that choose() may have.
  std::vector<Choice> choices() const;
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  using ByName = std::unordered_map<std::string, Choice, StringHash, std::equal_to<>>;

  Result<void> add(CertificateSource source, WallTime now);
  void index(std::size_t certificate);
  void set_default();

  std::vector<Certificate> certificates_;
  ByName exact_;
  ByName wildcard_;  // by what follows "*."
  Choice default_;
  std::vector<std::string> warnings_;
};

}  // namespace vallum::tls
