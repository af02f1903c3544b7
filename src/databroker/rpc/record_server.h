#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "databroker/rpc/desk.h"
#include "databroker/rpc/limits.h"
#include "net/socket_address.h"

namespace vallum::databroker {

struct RecordServerOptions {
  net::SocketAddress address;
  // Empty: clear text, for loopback addresses only.
  std::string certificate_pem;
  Secret private_key_pem;
  // Of which callers must show a certificate; empty: no caller is asked for one.
  std::string client_ca_pem;
  // See limits.h.
  std::size_t calls_max = kCallsMax;
  std::size_t followers_max = kFollowersMax;
};

// Serves databroker.DataBrokerService and grpc.health.v1.Health. gRPC brings threads of its own:
// they parse a call and hand it to the desk; the answer goes back from there.
class RecordServer {
 public:
  // Listens and serves. The desk's core outlives the server and runs soon. InvalidInput for clear
  // text beyond loopback; Unavailable, naming the address, when it cannot listen.
  static Result<std::unique_ptr<RecordServer>> start(const RecordServerOptions& options,
                                                     Desk& desk);
  RecordServer(const RecordServer&) = delete;
  RecordServer& operator=(const RecordServer&) = delete;
  ~RecordServer();

  std::uint16_t port() const { return port_; }

  // Takes nothing new, ends streams, and waits for what is under way; the core must run. Blocks:
  // not on a core.
  void stop();

 private:
  class Service;
  struct Native;

  explicit RecordServer(std::unique_ptr<Native> native);

  std::unique_ptr<Native> native_;
  std::uint16_t port_ = 0;
};

}  // namespace vallum::databroker
