#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "crypto/chain/name_patterns.h"
#include "crypto/chain/presented_chain.h"
#include "crypto/chain/revocation_lists.h"
#include "crypto/digest.h"
#include "crypto/evp.h"

namespace vallum::crypto {

// Why nobody vouches for a chain. Of several ways to an authority the first that failed is named.
enum class ChainFault : std::uint8_t {
  None,             // somebody does
  NotTrusted,       // no way to an authority
  Expired,          // the leaf, or one above it
  NotYetValid,      // the same
  WrongUse,         // not for authenticating clients
  NameConstraints,  // an authority may not vouch for such names
  TooDeep,          // more certificates above the leaf than allowed
  WeakKey,          // a key or a signature that can be broken
  NameNotAccepted,  // no alternative name fits a pattern
  Revoked,          // the leaf, or one above it
  ListStale,        // a revocation list that has to be consulted is not of today
  ListNotVerified,  // or is not signed by the issuer it names
  Malformed,        // the leaf's names cannot be read
};
// For records: "not-trusted".
std::string_view to_string(ChainFault fault);
// For people: "no authority vouches for it".
std::string_view describe(ChainFault fault);

// What became of a chain, and when that has to be asked again.
struct ChainVerdict {
  ChainFault fault = ChainFault::NotTrusted;
  // The verdict holds in [from, until].
  WallTime from = WallTime::max();
  WallTime until = WallTime::min();

  bool is_trusted() const { return fault == ChainFault::None; }
  bool holds_at(WallTime now) const { return from <= now && now <= until; }
};

// Whose a revocation list is, as far as the configured authorities tell.
enum class ListStanding : std::uint8_t {
  Signed,    // of an authority
  Forged,    // an authority has the issuer's name and did not sign it: everybody below is refused
  OfNobody,  // no authority has the name; it counts for authorities that clients present
};

// Who may vouch for clients and under which rules: certificates of authorities, revocation lists,
// accepted names and the longest chain (policy specification 4). Immutable; any thread.
class ClientAuthorities {
 public:
  // A refusal is looked at again after so long: its cause may be a matter of time.
  static constexpr Duration kRefusalKept = std::chrono::seconds(60);
  // Certificates of one way to an authority, the leaf's and the authority's included.
  static constexpr std::size_t kPathMax = 10;
  // Ways that are verified, each at the price of its signatures. Beyond: not trusted.
  static constexpr std::size_t kPathsMax = 16;

  struct Rules {
    // Borrowed until make() returns; null: none.
    const RevocationLists* lists = nullptr;
    std::span<const NamePattern> names = {};
    // Certificates above the leaf; 0: as many as kPathMax allows.
    std::uint32_t depth_max = 1;
  };

  // The certificates of all bundles of PEM text; one that is there twice counts once. An
  // authority need not be a root. InvalidInput when a bundle holds none or one cannot be decoded.
  static Result<ClientAuthorities> make(std::span<const std::string_view> bundles,
                                        const Rules& rules);

  // Whether one way from the leaf through what was presented leads to an authority and keeps all
  // rules. Does public-key work: keep the verdict for as long as it holds.
  ChainVerdict verify(const PresentedChain& chain, WallTime now) const;

  ListStanding standing_of(const RevocationLists& lists, std::size_t list) const;

  std::span<const Evp<x509_st>> certificates() const { return certificates_; }
  // Of everything that a verdict depends on but the chain and the time.
  const Digest256& digest() const { return digest_; }
  // Of the certificates alone: what a handshake asks for.
  const Digest256& certificates_digest() const { return certificates_digest_; }

 private:
  struct Path;

  ClientAuthorities(NamePatterns names, RevocationLists lists, std::uint32_t depth_max);
  Result<void> add(std::string_view pem);
  void seal(std::span<const NamePattern> names);

  std::span<const Evp<x509_st>> named(const X509_name_st* wanted) const;
  // The authorities that the certificate names as its issuer.
  std::span<const Evp<x509_st>> issuers_of(const x509_st* certificate) const;
  bool holds(x509_st* certificate) const;
  ChainVerdict search(const PresentedChain& chain, WallTime now) const;
  ChainVerdict check(const Path& path, WallTime now) const;
  // Narrows the time a verdict holds for; returns what is wrong.
  ChainFault check_revocation(const Path& path, WallTime now, ChainVerdict& verdict) const;
  ChainFault check_list(x509_st* certificate,
                        x509_st* issuer,
                        WallTime now,
                        ChainVerdict& verdict) const;

  NamePatterns names_;
  RevocationLists lists_;
  std::uint32_t depth_max_;
  std::vector<Evp<x509_st>> certificates_;  // by subject
  Digest256 digest_{};
  Digest256 certificates_digest_{};
};

}  // namespace vallum::crypto
