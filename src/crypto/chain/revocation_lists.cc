#include "crypto/chain/revocation_lists.h"

#include <memory>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/strings.h"
#include "codec/pem.h"
#include "crypto/x509_native.h"

namespace vallum::crypto {

namespace {

constexpr std::string_view kLabel = "X509 CRL";

struct Free {
  void operator()(ISSUING_DIST_POINT* point) const { ISSUING_DIST_POINT_free(point); }
};

// RFC 5280 5.2: a list with a critical extension that nobody here understands, or that speaks for
// other issuers, must not be taken for the whole truth.
bool has_unknown_critical(const X509_CRL* list) {
  for (int i = 0; i < X509_CRL_get_ext_count(list); ++i) {
    X509_EXTENSION* extension = X509_CRL_get_ext(list, i);
    const int kind = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
    if (X509_EXTENSION_get_critical(extension) == 1 && kind != NID_issuing_distribution_point) {
      return true;
    }
  }
  return false;
}

bool speaks_for_others(const X509_CRL* list) {
  int found = 0;
  const std::unique_ptr<ISSUING_DIST_POINT, Free> point(static_cast<ISSUING_DIST_POINT*>(
      X509_CRL_get_ext_d2i(list, NID_issuing_distribution_point, &found, nullptr)));
  constexpr int kAbsent = -1;
  if (point == nullptr) {
    ERR_clear_error();
    return found != kAbsent;  // there, and cannot be decoded
  }
  return point->indirectCRL > 0 || point->onlyattr > 0 || point->onlysomereasons != nullptr;
}

RevocationListFacts facts_of(const X509_CRL* list) {
  const ASN1_TIME* next = X509_CRL_get0_nextUpdate(list);
  return {.issuer = name_text(X509_CRL_get_issuer(list)),
          .this_update = time_of(X509_CRL_get0_lastUpdate(list)),
          .next_update = next == nullptr ? WallTime::max() : time_of(next)};
}

}  // namespace

Result<RevocationLists> RevocationLists::read(std::string_view pem) {
  if (pem.size() > kPemBytesMax) {
    return fail(ErrorKind::InvalidInput, "revocation lists: longer than 5 MiB");
  }
  RevocationLists read;
  if (trim_space(pem).empty()) {
    return read;
  }
  TRY(const std::vector<codec::PemBlock> blocks, codec::split_pem(pem));
  std::string_view rest = pem;
  for (const codec::PemBlock& block : blocks) {
    rest = pem.substr(static_cast<std::size_t>(block.text.data() - pem.data()) + block.text.size());
    if (block.label != kLabel) {
      continue;
    }
    const Evp<BIO> bio = reader_of(block.text);
    Evp<X509_CRL> list(PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
    if (list == nullptr) {
      return fail(openssl_error("a revocation list cannot be decoded"));
    }
    TRY_OK(read.add(std::move(list)));
  }
  if (!trim_space(rest).empty()) {
    return fail(ErrorKind::InvalidInput, "something that is not PEM follows the revocation lists");
  }
  if (read.empty()) {
    return fail(ErrorKind::InvalidInput, "no PEM block X509 CRL");
  }
  return read;
}

Result<void> RevocationLists::add(Evp<X509_crl_st> list) {
  RevocationListFacts facts = facts_of(list.get());
  if (facts.this_update == WallTime::min()) {
    return fail(ErrorKind::InvalidInput, "the revocation list of " + facts.issuer + " has no date");
  }
  if (X509_CRL_get_ext_by_NID(list.get(), NID_delta_crl, -1) >= 0) {
    return fail(ErrorKind::InvalidInput,
                "the revocation list of " + facts.issuer + " holds changes only (a delta list)");
  }
  if (has_unknown_critical(list.get()) || speaks_for_others(list.get())) {
    return fail(ErrorKind::InvalidInput,
                "the revocation list of " + facts.issuer +
                    " is indirect, for some reasons only, or has an unknown critical extension");
  }
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    if (X509_NAME_cmp(X509_CRL_get_issuer(lists_[i].get()), X509_CRL_get_issuer(list.get())) == 0) {
      replaced_.push_back(facts.issuer);
      lists_[i] = std::move(list);
      facts_[i] = std::move(facts);
      return {};
    }
  }
  lists_.push_back(std::move(list));
  facts_.push_back(std::move(facts));
  return {};
}

bool RevocationLists::is_signed_by(std::size_t list, x509_st* issuer) const {
  EVP_PKEY* key = X509_get0_pubkey(issuer);
  const bool is_signed = key != nullptr && X509_CRL_verify(lists_[list].get(), key) == 1;
  ERR_clear_error();
  return is_signed;
}

X509_crl_st* RevocationLists::find(const X509_name_st* issuer) const {
  for (const auto& list : lists_) {
    if (X509_NAME_cmp(X509_CRL_get_issuer(list.get()), issuer) == 0) {
      return list.get();
    }
  }
  return nullptr;
}

RevocationLists RevocationLists::share() const {
  RevocationLists shared;
  for (const auto& list : lists_) {
    CHECK(X509_CRL_up_ref(list.get()) == 1);
    shared.lists_.emplace_back(list.get());
  }
  shared.facts_ = facts_;
  shared.replaced_ = replaced_;
  return shared;
}

}  // namespace vallum::crypto
