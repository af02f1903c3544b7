#include "tls/client_context.h"

#include <array>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/evp.h"
#include "tls/file.h"
#include "tls/tls_stream.h"

namespace vallum::tls {

namespace {

// Where distributions keep what they trust (configuration specification 3.10).
constexpr std::array<const char*, 6> kSystemBundles = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/usr/local/etc/ssl/cert.pem",
    "/etc/ssl/cert.pem",
};

constexpr const char* kSuites12 =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-GCM-SHA256:AES128-SHA:"
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:AES256-GCM-SHA384:AES256-SHA";
constexpr const char* kSuites13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384:P-521";

// Returns how many certificates were added.
Result<std::size_t> add_roots(X509_STORE* store, std::string_view pem) {
  const crypto::Evp<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CHECK(bio != nullptr);
  std::size_t added = 0;
  for (;;) {
    const crypto::Evp<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) {
      break;
    }
    X509_STORE_add_cert(store, certificate.get());
    ++added;
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = take_openssl_errors();
  if (!at_end) {
    return fail(ErrorKind::InvalidInput, "a trusted certificate cannot be decoded: " + reason);
  }
  return added;
}

Ssl<X509_STORE> new_store() {
  Ssl<X509_STORE> store(X509_STORE_new());
  CHECK(store != nullptr);
  // An authority that is trusted counts even when it is not a root itself.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  return store;
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  return TlsStream::of(ssl).remember(session) ? 1 : 0;
}

std::string protocol_list(const std::vector<std::string>& protocols) {
  std::string list;
  for (const std::string& protocol : protocols) {
    CHECK(!protocol.empty() && protocol.size() < 256);
    list.push_back(static_cast<char>(protocol.size()));
    list += protocol;
  }
  return list;
}

}  // namespace

TrustRoots::TrustRoots(Ssl<x509_store_st> store, crypto::Digest256 digest)
    : store_(std::move(store)), digest_(digest) {}

Result<async::Snapshot<TrustRoots>> TrustRoots::system(std::string_view extra_pem,
                                                       std::vector<std::string>* warnings) {
  std::string all;
  for (const char* path : kSystemBundles) {
    if (::access(path, F_OK) == 0) {
      TRY(const Bytes bundle, read_file(path));
      all = as_text(bundle);
      break;
    }
  }
  if (all.empty()) {
    warnings->emplace_back("no system bundle of trusted authorities was found");
  }
  all.append("\n").append(extra_pem);
  Ssl<X509_STORE> store = new_store();
  TRY_OK(add_roots(store.get(), all));
  return async::make_snapshot<TrustRoots>(
      TrustRoots(std::move(store), crypto::sha256(as_bytes(all))));
}

Result<async::Snapshot<TrustRoots>> TrustRoots::only(std::string_view pem) {
  Ssl<X509_STORE> store = new_store();
  TRY(const std::size_t added, add_roots(store.get(), pem));
  if (added == 0) {
    return fail(ErrorKind::InvalidInput, "no certificate in PEM text");
  }
  return async::make_snapshot<TrustRoots>(
      TrustRoots(std::move(store), crypto::sha256(as_bytes(pem))));
}

Result<async::Snapshot<ClientContext>> ClientContext::make(Options options) {
  Ssl<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
  CHECK(context != nullptr);
  SSL_CTX* ctx = context.get();
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, on_new_session);
  SSL_CTX_set_verify(
      ctx, options.verify == Verify::Nothing ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  const std::string protocols = protocol_list(options.protocols);
  // SSL_CTX_set_alpn_protos() returns 0 for success.
  const bool set =
      SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
      SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_cipher_list(ctx, kSuites12) == 1 &&
      SSL_CTX_set_ciphersuites(ctx, kSuites13) == 1 &&
      SSL_CTX_set1_groups_list(ctx, kGroups) == 1 &&
      SSL_CTX_set_alpn_protos(
          ctx, as_uchar(as_bytes(protocols)), static_cast<unsigned int>(protocols.size())) == 0;
  if (!set) {
    return fail(ErrorKind::Internal, "TLS settings: " + take_openssl_errors());
  }
  if (options.roots != nullptr) {
    SSL_CTX_set1_cert_store(ctx, options.roots->native());
  }
  return async::make_snapshot<ClientContext>(ClientContext(std::move(options), std::move(context)));
}

std::string ClientContext::session_key(std::string_view server_name) const {
  std::string key;
  if (options_.roots != nullptr) {
    key.append(as_text(options_.roots->digest()));
  }
  key.push_back(options_.verify == Verify::Nothing ? 'n' : 'c');
  return key.append(server_name);
}

}  // namespace vallum::tls
