#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "net/socket_address.h"
#include "rpc/service.h"

namespace vallum::rpc {

// What a listener shows of itself and asks of its callers.
struct Certificate {
  // Empty: clear text.
  std::string chain_pem;
  Secret private_key_pem;
  // Of which callers must show a certificate; empty: no caller is asked for one.
  std::string client_ca_pem;
};

struct ServerOptions {
  net::SocketAddress address;
  Certificate certificate;
  // Calls of one connection at a time. Beyond: the caller waits.
  std::size_t streams_per_connection_max = 0;
  // Whether grpc.health.v1.Health answers, for the services of these names: the only one that
  // answers strangers.
  std::vector<std::string> healthy = {};
};

// One listener for several services. gRPC brings threads of its own.
class Server {
 public:
  // Listens and serves at once. The services outlive it, and the cores they hand calls to; no path
  // belongs to two of them. Unavailable, naming the address, when it cannot listen.
  static Result<std::unique_ptr<Server>> start(ServerOptions options,
                                               std::vector<Service*> services);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  std::uint16_t port() const { return port_; }

  // InvalidInput for a certificate that use() cannot change to: whether there is one, and whether
  // callers are asked for one, stays as it was. Any thread.
  Result<void> check(const Certificate& certificate) const;
  // Connections made from now on are shown the other certificate, which was checked. A pair that
  // gRPC cannot use changes nothing, and gRPC says so in its log. Any thread.
  void use(Certificate certificate);

  // Takes nothing new, ends streams, and waits for what is under way; the cores must run. Blocks:
  // not on a core.
  void stop();

 private:
  struct Native;

  explicit Server(std::unique_ptr<Native> native);

  std::unique_ptr<Native> native_;
  std::uint16_t port_ = 0;
};

}  // namespace vallum::rpc
