#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/snapshot.h"
#include "base/result.h"
#include "tls/certificate_store.h"
#include "tls/openssl_handles.h"

namespace vallum::tls {

// How a listener speaks TLS: TLS 1.2 and 1.3, forward secrecy and authenticated encryption only, no
// renegotiation, no early data, no compression, tickets instead of a session table. Immutable and
// shared by all cores; a reload makes another, and connections keep the one they began with.
class ServerContext {
 public:
  // `protocols` are the names ALPN may choose, best first. A client that offers none of them goes
  // on without one; a client that offers only others is refused (RFC 7301 3.2).
  static Result<async::Snapshot<ServerContext>> make(async::Snapshot<CertificateStore> certificates,
                                                     const std::vector<std::string>& protocols);

  ServerContext(ServerContext&&) noexcept;
  ~ServerContext();

  const CertificateStore& certificates() const;
  // For this module: a new connection's context.
  ssl_ctx_st* native() const;

 private:
  struct Native;
  explicit ServerContext(std::unique_ptr<Native> native);
  std::unique_ptr<Native> native_;
};

}  // namespace vallum::tls
