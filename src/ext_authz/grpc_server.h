#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/scope.h"
#include "base/result.h"
#include "base/secret.h"
#include "ext_authz/limits.h"
#include "ext_authz/peers.h"
#include "net/socket_address.h"
#include "proxy/serving_core.h"
#include "telemetry/log.h"

namespace vallum::ext_authz {

// Where questions over gRPC are answered on one core. Made and destroyed while the core does not
// run; the rest on the core.
class Desk {
 public:
  // Both outlive this.
  Desk(proxy::ServingCore& core, telemetry::Log& log)
      : core_(core), peers_(core.core(), log), calls_(core.core()) {}
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  proxy::ServingCore& core() { return core_; }
  Peers& peers() { return peers_; }
  async::Scope& calls() { return calls_; }

 private:
  proxy::ServingCore& core_;
  Peers peers_;
  async::Scope calls_;
};

struct GrpcOptions {
  net::SocketAddress address;
  // Empty: clear text.
  std::string certificate_pem;
  Secret private_key_pem;
  // Of which callers must show a certificate; empty: no caller is asked for one.
  std::string client_ca_pem;
  // Questions under way at a time. Beyond: told at once to refuse.
  std::size_t checks_max = kChecksMax;
};

// Serves envoy.service.auth.v3.Authorization/Check. gRPC brings threads of its own: they parse a
// question and hand it to one of the desks in turn; the answer goes back from there. What a client
// of the asking proxy can bring about is always an answer, never an error of gRPC, because a caller
// may be configured to let requests pass on errors.
class GrpcServer {
 public:
  // Listens and serves. The desks' cores outlive the server and run soon. Fails with text that
  // names the address.
  static Result<std::unique_ptr<GrpcServer>> start(const GrpcOptions& options,
                                                   std::vector<Desk*> desks);
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;
  ~GrpcServer();

  std::uint16_t port() const { return port_; }

  // Takes nothing new and waits for what is under way; the cores must run. Blocks: not on a core.
  void stop();

 private:
  class Service;
  struct Native;

  explicit GrpcServer(std::unique_ptr<Native> native);

  std::unique_ptr<Native> native_;
  std::uint16_t port_ = 0;
};

}  // namespace vallum::ext_authz
