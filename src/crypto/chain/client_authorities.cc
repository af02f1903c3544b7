#include "crypto/chain/client_authorities.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "crypto/x509_native.h"

namespace vallum::crypto {

namespace {

// 112 bits: RSA from 2048 bits, no SHA-1.
constexpr int kSecurityLevel = 2;

struct Free {
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using Stack = std::unique_ptr<STACK_OF(X509), Free>;

struct Words {
  std::string_view name;
  std::string_view text;
};
constexpr auto kFaults = std::to_array<Words>({
    {"none", "it is trusted"},
    {"not-trusted", "no authority vouches for it"},
    {"expired", "it, or one above it, has expired"},
    {"not-yet-valid", "it, or one above it, is not valid yet"},
    {"wrong-use", "it is not for authenticating clients"},
    {"name-constraints", "an authority above it may not vouch for its names"},
    {"too-deep", "the way to an authority is longer than max_verify_depth"},
    {"weak-key", "a key or a signature on the way to an authority is too weak"},
    {"name-not-accepted", "none of its names is accepted"},
    {"revoked", "it, or one above it, was revoked"},
    {"list-stale", "a revocation list is out of date"},
    {"list-not-verified", "a revocation list is not signed by its issuer"},
    {"malformed", "its names cannot be read"},
});

ChainFault fault_of(int x509_error) {
  switch (x509_error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return ChainFault::Expired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return ChainFault::NotYetValid;
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
    case X509_V_ERR_SUBTREE_MINMAX:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
    case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
      return ChainFault::NameConstraints;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return ChainFault::WeakKey;
    default:
      return ChainFault::NotTrusted;
  }
}

bool is_self_issued(X509* certificate) {
  return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}

// An extended key usage must allow clients, on every level that has one (RFC 5280 4.2.1.12); a leaf
// that lists key usages must be for signatures, which is what TLS has it make (RFC 8446 4.4.2.2).
bool serves_clients(X509* certificate, bool is_leaf) {
  constexpr std::uint32_t kClients = XKU_SSL_CLIENT | XKU_ANYEKU;
  return (X509_get_extended_key_usage(certificate) & kClients) != 0 &&
         (!is_leaf || (X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) != 0);
}

Stack stack_of(std::span<X509* const> certificates) {
  Stack stack(sk_X509_new_null());
  CHECK(stack != nullptr);
  for (X509* certificate : certificates) {
    CHECK(sk_X509_push(stack.get(), certificate) > 0);
  }
  return stack;
}

// Signatures, dates, basic constraints, name constraints and strength of exactly this path, whose
// last certificate is trusted.
ChainFault verify_path(std::span<X509* const> path, WallTime now) {
  const Stack others = stack_of(path.first(path.size() - 1));
  const Stack trusted = stack_of(path.last(1));
  const std::unique_ptr<X509_STORE_CTX, Free> context(X509_STORE_CTX_new());
  CHECK(context != nullptr);
  CHECK(X509_STORE_CTX_init(context.get(), nullptr, path.front(), others.get()) == 1);
  X509_STORE_CTX_set0_trusted_stack(context.get(), trusted.get());
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_time(rules, static_cast<time_t>(unix_seconds(now)));
  X509_VERIFY_PARAM_set_auth_level(rules, kSecurityLevel);
  // A common name is nobody's host here.
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const int verified = X509_verify_cert(context.get());
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (verified == 1) {
    return ChainFault::None;
  }
  return error == X509_V_OK ? ChainFault::NotTrusted : fault_of(error);
}

void narrow(ChainVerdict& verdict, WallTime from, WallTime until) {
  verdict.from = std::max(verdict.from, from);
  verdict.until = std::min(verdict.until, until);
}

}  // namespace

std::string_view to_string(ChainFault fault) {
  return kFaults[static_cast<std::size_t>(fault)].name;
}

std::string_view describe(ChainFault fault) {
  return kFaults[static_cast<std::size_t>(fault)].text;
}

// From the leaf upwards. Small and copied: a search holds few.
struct ClientAuthorities::Path {
  std::array<X509*, kPathMax> certificates{};
  std::size_t size = 0;

  std::span<X509* const> view() const { return std::span(certificates).first(size); }
  X509* last() const { return certificates[size - 1]; }
  bool holds(X509* certificate) const {
    return std::ranges::any_of(view(),
                               [&](X509* other) { return X509_cmp(other, certificate) == 0; });
  }
  Path with(X509* certificate) const {
    Path longer = *this;
    longer.certificates[longer.size++] = certificate;
    return longer;
  }
};

ClientAuthorities::ClientAuthorities(NamePatterns names,
                                     RevocationLists lists,
                                     std::uint32_t depth_max)
    : names_(std::move(names)), lists_(std::move(lists)), depth_max_(depth_max) {}

Result<ClientAuthorities> ClientAuthorities::make(std::span<const std::string_view> bundles,
                                                  const Rules& rules) {
  TRY(NamePatterns names, NamePatterns::make(rules.names));
  ClientAuthorities made(std::move(names),
                         rules.lists == nullptr ? RevocationLists() : rules.lists->share(),
                         rules.depth_max);
  for (const std::string_view bundle : bundles) {
    TRY_OK(made.add(bundle));
  }
  if (made.certificates_.empty()) {
    return fail(ErrorKind::InvalidInput, "no authority for client certificates");
  }
  made.seal(rules.names);
  return made;
}

Result<void> ClientAuthorities::add(std::string_view pem) {
  TRY(auto certificates, load_certificates(pem));
  std::ranges::move(certificates, std::back_inserter(certificates_));
  return {};
}

// Sorts what was added and takes its digests.
void ClientAuthorities::seal(std::span<const NamePattern> names) {
  const auto before = [](const Evp<X509>& a, const Evp<X509>& b) {
    const int names_apart =
        X509_NAME_cmp(X509_get_subject_name(a.get()), X509_get_subject_name(b.get()));
    return names_apart != 0 ? names_apart < 0 : X509_cmp(a.get(), b.get()) < 0;
  };
  std::ranges::sort(certificates_, before);
  const auto repeated = std::ranges::unique(
      certificates_,
      [](const Evp<X509>& a, const Evp<X509>& b) { return X509_cmp(a.get(), b.get()) == 0; });
  certificates_.erase(repeated.begin(), repeated.end());

  std::string all;
  for (const auto& certificate : certificates_) {
    all.append(as_text(fingerprint_of(certificate.get())));
  }
  certificates_digest_ = sha256(as_bytes(all));
  for (const auto& list : lists_.lists()) {
    all.append("l").append(as_text(fingerprint_of(list.get())));
  }
  for (const NamePattern& name : names) {
    all.append("n").append(std::to_string(static_cast<int>(name.type))).append(":");
    all.append(std::to_string(name.pattern.size())).append(":").append(name.pattern);
  }
  all.append("d").append(std::to_string(depth_max_));
  digest_ = sha256(as_bytes(all));
}

std::span<const Evp<x509_st>> ClientAuthorities::named(const X509_name_st* wanted) const {
  const auto subject = [](const Evp<X509>& each) { return X509_get_subject_name(each.get()); };
  const auto before = [](const X509_NAME* a, const X509_NAME* b) {
    return X509_NAME_cmp(a, b) < 0;
  };
  const auto found = std::ranges::equal_range(certificates_, wanted, before, subject);
  return {found.begin(), found.end()};
}

std::span<const Evp<x509_st>> ClientAuthorities::issuers_of(const x509_st* certificate) const {
  return named(X509_get_issuer_name(certificate));
}

ListStanding ClientAuthorities::standing_of(const RevocationLists& lists, std::size_t list) const {
  const auto candidates = named(X509_CRL_get_issuer(lists.lists()[list].get()));
  if (candidates.empty()) {
    return ListStanding::OfNobody;
  }
  const bool is_signed = std::ranges::any_of(candidates, [&](const Evp<X509>& candidate) {
    return lists.is_signed_by(list, candidate.get());
  });
  return is_signed ? ListStanding::Signed : ListStanding::Forged;
}

bool ClientAuthorities::holds(x509_st* certificate) const {
  return std::ranges::any_of(certificates_, [certificate](const Evp<X509>& each) {
    return X509_cmp(each.get(), certificate) == 0;
  });
}

ChainVerdict ClientAuthorities::verify(const PresentedChain& chain, WallTime now) const {
  ChainVerdict verdict;
  if (!chain.names()) {
    verdict.fault = ChainFault::Malformed;
  } else {
    verdict = search(chain, now);
    if (verdict.is_trusted() && !names_.accepts(*chain.names())) {
      verdict.fault = ChainFault::NameNotAccepted;
    }
  }
  if (!verdict.is_trusted()) {
    verdict.from = now;
    verdict.until = now + kRefusalKept;
  }
  return verdict;
}

// Tries the ways to an authority, shorter ones first, until one keeps the rules. One that fails
// says nothing about another: a cross-signed authority may be revoked on one side only.
ChainVerdict ClientAuthorities::search(const PresentedChain& chain, WallTime now) const {
  std::vector<Path> open;
  open.push_back(Path().with(chain.leaf()));
  ChainVerdict refused;
  std::size_t tried = 0;
  const auto try_path = [&](const Path& path) {
    const ChainVerdict verdict = check(path, now);
    refused = verdict.is_trusted() || tried == 0 ? verdict : refused;
    ++tried;
    return verdict.is_trusted();
  };
  if (holds(chain.leaf()) && try_path(open.front())) {
    return refused;
  }
  for (std::size_t i = 0; i < open.size(); ++i) {
    const Path path = open[i];
    if (path.size == kPathMax) {
      continue;
    }
    for (const auto& authority : issuers_of(path.last())) {
      if (path.holds(authority.get()) ||
          X509_check_issued(authority.get(), path.last()) != X509_V_OK) {
        continue;
      }
      if (tried >= kPathsMax || try_path(path.with(authority.get()))) {
        return refused;
      }
    }
    for (const auto& other : chain.certificates().subspan(1)) {
      if (open.size() <= kPathsMax && !path.holds(other.get()) && !holds(other.get()) &&
          X509_check_issued(other.get(), path.last()) == X509_V_OK) {
        open.push_back(path.with(other.get()));
      }
    }
  }
  return refused;
}

ChainVerdict ClientAuthorities::check(const Path& path, WallTime now) const {
  ChainVerdict verdict{
      .fault = ChainFault::None, .from = WallTime::min(), .until = WallTime::max()};
  if (depth_max_ != 0 && path.size - 1 > depth_max_) {
    verdict.fault = ChainFault::TooDeep;
    return verdict;
  }
  verdict.fault = verify_path(path.view(), now);
  if (!verdict.is_trusted()) {
    return verdict;
  }
  for (X509* certificate : path.view()) {
    if (!serves_clients(certificate, certificate == path.certificates.front())) {
      verdict.fault = ChainFault::WrongUse;
      return verdict;
    }
    narrow(verdict,
           time_of(X509_get0_notBefore(certificate)),
           time_of(X509_get0_notAfter(certificate)));
  }
  verdict.fault = check_revocation(path, now, verdict);
  return verdict;
}

ChainFault ClientAuthorities::check_revocation(const Path& path,
                                               WallTime now,
                                               ChainVerdict& verdict) const {
  for (std::size_t i = 0; i < path.size && !lists_.empty(); ++i) {
    X509* const certificate = path.certificates[i];
    X509* issuer = nullptr;
    if (i + 1 < path.size) {
      issuer = path.certificates[i + 1];
    } else if (!is_self_issued(certificate)) {
      // An authority below another: the one above may have withdrawn it.
      const auto above = issuers_of(certificate);
      issuer = above.empty() ? nullptr : above.front().get();
    }
    if (issuer != nullptr) {
      const ChainFault fault = check_list(certificate, issuer, now, verdict);
      if (fault != ChainFault::None) {
        return fault;
      }
    }
  }
  return ChainFault::None;
}

// RFC 5280 6.3.3, for the one complete list of the issuer, if there is one.
ChainFault ClientAuthorities::check_list(x509_st* certificate,
                                         x509_st* issuer,
                                         WallTime now,
                                         ChainVerdict& verdict) const {
  X509_CRL* const list = lists_.find(X509_get_subject_name(issuer));
  if (list == nullptr) {
    return ChainFault::None;
  }
  EVP_PKEY* key = X509_get0_pubkey(issuer);
  const bool verified = (X509_get_key_usage(issuer) & KU_CRL_SIGN) != 0 && key != nullptr &&
                        X509_CRL_verify(list, key) == 1;
  ERR_clear_error();
  if (!verified) {
    return ChainFault::ListNotVerified;
  }
  X509_REVOKED* entry = nullptr;
  constexpr int kListed = 1;
  if (X509_CRL_get0_by_cert(list, &entry, certificate) == kListed) {
    return ChainFault::Revoked;
  }
  const ASN1_TIME* next = X509_CRL_get0_nextUpdate(list);
  const WallTime from = time_of(X509_CRL_get0_lastUpdate(list));
  const WallTime until = next == nullptr ? WallTime::max() : time_of(next);
  if (now < from || until < now) {
    return ChainFault::ListStale;
  }
  narrow(verdict, from, until);
  return ChainFault::None;
}

}  // namespace vallum::crypto
