#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/snapshot.h"
#include "base/result.h"
#include "crypto/chain/client_authorities.h"
#include "tls/certificate_store.h"
#include "tls/openssl_handles.h"

namespace vallum::tls {

// What a handshake asks of clients about certificates (configuration specification 2.10).
struct ClientCertificates {
  // The authorities whose names are sent along; null: no client is asked for a certificate.
  async::Snapshot<crypto::ClientAuthorities> authorities;
  // A client must show a certificate these authorities vouch for, or the handshake fails with the
  // alert that says why. Otherwise whatever it shows is only noted, and so is nothing.
  bool required = false;
};

// How a listener speaks TLS: TLS 1.2 and 1.3, forward secrecy and authenticated encryption only, no
// renegotiation, no early data, no compression, tickets instead of a session table. Immutable and
// shared by all cores; a reload makes another, and connections keep the one they began with.
//
// A connection with a client certificate gets no ticket: a ticket would carry the leaf without the
// certificates above it, and a verdict of yesterday. Without a certificate a session resumes only
// where the same authorities are asked for, so that nobody is taken for someone without one.
class ServerContext {
 public:
  // `protocols` are the names ALPN may choose, best first. A client that offers none of them goes
  // on without one; a client that offers only others is refused (RFC 7301 3.2).
  static Result<async::Snapshot<ServerContext>> make(async::Snapshot<CertificateStore> certificates,
                                                     const std::vector<std::string>& protocols,
                                                     ClientCertificates clients = {});

  ServerContext(ServerContext&&) noexcept;
  ~ServerContext();

  const CertificateStore& certificates() const;
  const ClientCertificates& clients() const;
  // For this module: a new connection's context.
  ssl_ctx_st* native() const;

 private:
  struct Native;
  explicit ServerContext(std::unique_ptr<Native> native);
  std::unique_ptr<Native> native_;
};

}  // namespace vallum::tls
