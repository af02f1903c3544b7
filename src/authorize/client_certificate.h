#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "crypto/chain/client_authorities.h"
#include "crypto/chain/presented_chain.h"
#include "policy/facts.h"
#include "session/lru_table.h"

namespace vallum::authorize {

// The certificates a client showed in its connection's handshake, as policies and records want
// them. Made once for a connection; immutable.
class ClientCertificate {
 public:
  explicit ClientCertificate(crypto::PresentedChain chain);

  const crypto::PresentedChain& chain() const { return chain_; }
  // Null when the leaf's names cannot be read: then no criterion about it holds.
  const policy::LeafCertificate* leaf() const { return leaf_ ? &*leaf_ : nullptr; }
  // Of the leaf, in hexadecimal.
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  crypto::PresentedChain chain_;
  std::optional<policy::LeafCertificate> leaf_;
  std::string fingerprint_;
};

// What authorities say of certificates, kept for as long as it holds, so that a warm request does
// no public-key work. Chains and authorities are known by their digests: connections of one client
// share a verdict, and one from before a reload counts only under the same authorities. One core.
class CertificateVerdicts {
 public:
  // Verdicts kept; the longest unused goes first.
  static constexpr std::size_t kVerdictsMax = 1024;

  CertificateVerdicts() : known_(kVerdictsMax) {}
  CertificateVerdicts(const CertificateVerdicts&) = delete;
  CertificateVerdicts& operator=(const CertificateVerdicts&) = delete;

  // Why the authorities refuse the certificate; None when they do not.
  crypto::ChainFault fault_of(const ClientCertificate& certificate,
                              const crypto::ClientAuthorities& authorities,
                              WallTime now);

  // Chains that were verified so far.
  std::uint64_t verifications() const { return verifications_; }

 private:
  session::LruTable<crypto::ChainVerdict> known_;
  std::string key_;
  std::uint64_t verifications_ = 0;
};

}  // namespace vallum::authorize
