#include "crypto/chain/presented_chain.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/strings.h"
#include "crypto/x509_native.h"

namespace vallum::crypto {

namespace {

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

// A NUL ends a name for some readers and not for others; no control character belongs in a name.
bool is_clean(std::string_view name) {
  return !name.empty() && std::ranges::none_of(name, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

bool add_text(std::vector<std::string>& into, const ASN1_STRING* text) {
  std::string name = text_of(text);
  const bool clean = is_clean(name);
  into.push_back(std::move(name));
  return clean;
}

bool add_address(AlternativeNames& into, const ASN1_STRING* address) {
  const std::string bytes = text_of(address);
  if (bytes.size() != 4 && bytes.size() != 16) {
    return false;
  }
  into.ip.push_back(IpAddress::from_bytes(as_bytes(bytes)));
  return true;
}

bool add_other(AlternativeNames& into, const OTHERNAME* other) {
  if (OBJ_obj2nid(other->type_id) != NID_ms_upn) {
    return true;
  }
  return other->value != nullptr && other->value->type == V_ASN1_UTF8STRING &&
         is_utf8(text_of(other->value->value.utf8string)) &&
         add_text(into.user_principal, other->value->value.utf8string);
}

bool add_name(AlternativeNames& into, const GENERAL_NAME* name) {
  switch (name->type) {
    case GEN_DNS:
      return add_text(into.dns, name->d.dNSName);
    case GEN_EMAIL:
      return add_text(into.email, name->d.rfc822Name);
    case GEN_URI:
      return add_text(into.uri, name->d.uniformResourceIdentifier);
    case GEN_IPADD:
      return add_address(into, name->d.iPAddress);
    case GEN_OTHERNAME:
      return add_other(into, name->d.otherName);
    default:
      return true;
  }
}

std::optional<AlternativeNames> names_of(const X509* certificate) {
  int found = 0;
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, &found, nullptr)));
  constexpr int kAbsent = -1;
  if (names == nullptr) {
    ERR_clear_error();
    return found == kAbsent ? std::optional<AlternativeNames>(std::in_place) : std::nullopt;
  }
  AlternativeNames read;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    if (!add_name(read, sk_GENERAL_NAME_value(names.get(), i))) {
      return std::nullopt;
    }
  }
  return read;
}

}  // namespace

PresentedChain::PresentedChain(std::span<x509_st* const> certificates) {
  CHECK(!certificates.empty());
  std::string fingerprints;
  for (X509* certificate : certificates.first(std::min(certificates.size(), kCertificatesMax))) {
    CHECK(X509_up_ref(certificate) == 1);
    certificates_.emplace_back(certificate);
    fingerprints.append(as_text(fingerprint_of(certificate)));
  }
  fingerprint_ = fingerprint_of(leaf());
  spki_fingerprint_ = spki_fingerprint_of(leaf());
  digest_ = sha256(as_bytes(fingerprints));
  names_ = names_of(leaf());
  subject_ = name_text(X509_get_subject_name(leaf()));
  issuer_ = name_text(X509_get_issuer_name(leaf()));
}

Result<PresentedChain> PresentedChain::read(std::string_view pem) {
  TRY(const auto certificates, load_certificates(pem));
  std::vector<X509*> borrowed;
  borrowed.reserve(certificates.size());
  for (const auto& certificate : certificates) {
    borrowed.push_back(certificate.get());
  }
  return PresentedChain(borrowed);
}

}  // namespace vallum::crypto
