#include "tls/certificate_store.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <system_error>

#include "async/unique_fd.h"
#include "codec/base64.h"
#include "codec/pem.h"
#include "crypto/pkey.h"
#include "tls/file.h"
#include "tls/limits.h"

namespace vallum::tls {

namespace {

// The longest host name, without a trailing dot.
constexpr std::size_t kHostNameBytesMax = 253;

Unexpected named(const std::string& name, const Error& error) {
  return fail(error.with_context(name));
}

Result<std::vector<crypto::Evp<x509_st>>> read_chain(std::string_view pem) {
  const crypto::Evp<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CHECK(bio != nullptr);
  std::vector<crypto::Evp<x509_st>> chain;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    chain.emplace_back(certificate);
  }
  ERR_clear_error();  // the end of the text is an error to OpenSSL
  if (chain.empty()) {
    return fail(ErrorKind::InvalidInput, "no certificate in PEM text");
  }
  return chain;
}

bool must_staple(X509* certificate) {
  return X509_get_ext_by_NID(certificate, NID_tlsfeature, -1) >= 0;
}

// The names a certificate is chosen by: its alternative names, else the common name.
std::vector<std::string> names_of(const crypto::CertificateFacts& facts) {
  if (!facts.dns_names.empty() || !facts.ip_addresses.empty() || facts.common_name.empty()) {
    return facts.dns_names;
  }
  return {to_lower(facts.common_name)};
}

// Puts the certificate where its kind is still free: the first in list order wins.
void offer(CertificateStore::Choice& choice,
           const CertificateStore::Certificate& certificate,
           std::size_t index) {
  auto& place = certificate.key_kind == CertificateStore::KeyKind::Rsa ? choice.rsa : choice.ecdsa;
  if (!place) {
    place = index;
  }
}

}  // namespace

Result<CertificateSource> read_certificate_files(const std::string& certificate_path,
                                                 const std::string& key_path) {
  TRY(Bytes certificate, read_file(certificate_path));
  TRY(Bytes key, read_file(key_path));
  CertificateSource source;
  source.name = certificate_path;
  source.certificate_pem = as_text(certificate);
  source.private_key_pem = Secret(std::move(key));
  return source;
}

Result<CertificateSource> decode_certificate(std::string name,
                                             std::string_view certificate_base64,
                                             std::string_view key_base64) {
  const auto certificate = codec::decode_base64(trim_space(certificate_base64), codec::Base64::Std);
  if (!certificate) {
    return fail(ErrorKind::InvalidInput, name + ": the certificate is not base64 of PEM text");
  }
  auto key = codec::decode_base64(trim_space(key_base64), codec::Base64::Std);
  if (!key) {
    return fail(ErrorKind::InvalidInput, name + ": the private key is not base64 of PEM text");
  }
  CertificateSource source;
  source.name = std::move(name);
  source.certificate_pem = as_text(*certificate);
  source.private_key_pem = Secret(*std::move(key));
  return source;
}

Result<async::Snapshot<CertificateStore>> CertificateStore::make(
    std::vector<CertificateSource> sources, WallTime now) {
  if (sources.empty()) {
    return fail(ErrorKind::InvalidInput, "no certificate is configured");
  }
  CertificateStore store;
  for (CertificateSource& source : sources) {
    TRY_OK(store.add(std::move(source), now));
  }
  store.set_default();
  return async::make_snapshot<CertificateStore>(std::move(store));
}

Result<void> CertificateStore::add(CertificateSource source, WallTime now) {
  auto facts = crypto::read_certificates(source.certificate_pem);
  if (!facts) {
    return named(source.name, facts.error());
  }
  auto key = crypto::read_private_key(source.private_key_pem.expose_text());
  if (!key) {
    return named(source.name, key.error());
  }
  auto matches = crypto::check_key_matches(source.certificate_pem, source.private_key_pem);
  if (!matches) {
    return named(source.name, matches.error());
  }
  auto chain = read_chain(source.certificate_pem);
  if (!chain) {
    return named(source.name, chain.error());
  }
  if (must_staple(chain->front().get())) {
    return fail(ErrorKind::InvalidInput,
                source.name + ": the certificate demands an OCSP staple, and none can be given");
  }
  if (facts->front().not_after < now) {
    warnings_.push_back(source.name + ": the certificate has expired");
  } else if (facts->front().not_before > now) {
    warnings_.push_back(source.name + ": the certificate is not valid yet");
  }
  const bool rsa =
      EVP_PKEY_is_a(key->get(), "RSA") == 1 || EVP_PKEY_is_a(key->get(), "RSA-PSS") == 1;
  certificates_.push_back({.name = std::move(source.name),
                           .facts = std::move(facts->front()),
                           .key_kind = rsa ? KeyKind::Rsa : KeyKind::Ecdsa,
                           .chain = *std::move(chain),
                           .key = *std::move(key)});
  index(certificates_.size() - 1);
  return {};
}

void CertificateStore::index(std::size_t certificate) {
  for (const std::string& name : names_of(certificates_[certificate].facts)) {
    if (name.starts_with("*.")) {
      offer(wildcard_[name.substr(2)], certificates_[certificate], certificate);
    } else {
      offer(exact_[name], certificates_[certificate], certificate);
    }
  }
}

// The first certificate, and the first of the other kind that shares a name with it.
void CertificateStore::set_default() {
  offer(default_, certificates_.front(), 0);
  const std::vector<std::string> names = names_of(certificates_.front().facts);
  for (std::size_t i = 1; i < certificates_.size(); ++i) {
    const std::vector<std::string> others = names_of(certificates_[i].facts);
    const bool shares = std::ranges::any_of(others, [&](const std::string& name) {
      return std::ranges::find(names, name) != names.end();
    });
    if (shares) {
      offer(default_, certificates_[i], i);
    }
  }
}

CertificateStore::Choice CertificateStore::choose(std::string_view server_name) const {
  if (server_name.ends_with('.')) {
    server_name.remove_suffix(1);
  }
  if (server_name.empty() || server_name.size() > kHostNameBytesMax) {
    return default_;
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): filled as far as it is read
  std::array<char, kHostNameBytesMax> lower;
  std::ranges::transform(server_name, lower.begin(), ascii_lower);
  const std::string_view name(lower.data(), server_name.size());
  if (const auto found = exact_.find(name); found != exact_.end()) {
    return found->second;
  }
  const std::size_t dot = name.find('.');
  if (dot != std::string_view::npos && dot > 0) {
    if (const auto found = wildcard_.find(name.substr(dot + 1)); found != wildcard_.end()) {
      return found->second;
    }
  }
  return default_;
}

std::vector<CertificateStore::Choice> CertificateStore::choices() const {
  std::vector<Choice> all = {default_};
  for (const ByName* names : {&exact_, &wildcard_}) {
    for (const auto& [name, choice] : *names) {
      if (std::ranges::find(all, choice) == all.end()) {
        all.push_back(choice);
      }
    }
  }
  return all;
}

}  // namespace vallum::tls
