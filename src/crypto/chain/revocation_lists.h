#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "crypto/evp.h"

struct X509_name_st;

namespace vallum::crypto {

// What a report says about one list.
struct RevocationListFacts {
  std::string issuer;
  WallTime this_update;
  WallTime next_update;  // the list is fresh until then; the last instant when it does not say
};

// Certificate revocation lists (RFC 5280 5), one for each issuer's name. Who signed a list is
// looked at when it is used. Immutable.
class RevocationLists {
 public:
  static constexpr std::size_t kPemBytesMax = std::size_t{5} << 20;

  RevocationLists() = default;
  // The blocks "X509 CRL" of PEM text; other blocks and text before a block are skipped. Of several
  // lists of one issuer the last counts. InvalidInput with the reason when text that holds
  // something holds no list, when something else follows the last block, or when a list cannot be
  // used: one of changes only, or one whose parts nobody could weigh.
  static Result<RevocationLists> read(std::string_view pem);

  bool empty() const { return lists_.empty(); }
  std::span<const RevocationListFacts> facts() const { return facts_; }
  // Whether the certificate's key signed the list of this place.
  bool is_signed_by(std::size_t list, x509_st* issuer) const;
  // Null when there is none.
  X509_crl_st* find(const X509_name_st* issuer) const;
  std::span<const Evp<X509_crl_st>> lists() const { return lists_; }
  // Issuers that had more than one list.
  std::span<const std::string> replaced() const { return replaced_; }
  // The same lists, held once more.
  RevocationLists share() const;

 private:
  Result<void> add(Evp<X509_crl_st> list);

  std::vector<Evp<X509_crl_st>> lists_;
  std::vector<RevocationListFacts> facts_;  // of the list at the same place
  std::vector<std::string> replaced_;
};

}  // namespace vallum::crypto
