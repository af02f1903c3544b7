#pragma once

#include <memory>

#include "async/scope.h"
#include "async/task.h"
#include "net/network.h"
#include "proxy/serving_core.h"
#include "tls/tls_stream.h"

namespace vallum::proxy {

// Takes connections from one core's listener, brings up TLS and serves them. Over the limit of
// connections a new one is closed at once: those that are there go on.
class Acceptor {
 public:
  // `core` outlives the acceptor.
  Acceptor(ServingCore& core, std::unique_ptr<net::Listener> listener);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Accepts until close().
  Task<void> run();
  // Nothing new is accepted; what runs goes on.
  void close() { listener_->close(); }
  // Ends connections in order until the deadline, then cuts the rest; returns how many were cut.
  Task<std::size_t> drain(Deadline deadline) { return connections_.drain(deadline); }
  net::SocketAddress local_address() const { return listener_->local_address(); }
  std::size_t connections() const { return connections_.size(); }

 private:
  Task<void> serve(std::unique_ptr<net::Stream> socket);
  void note_failure(const tls::ClientCertificates& clients,
                    const tls::Introduction& client,
                    net::SocketAddress peer,
                    const Error& error);

  ServingCore& core_;
  std::unique_ptr<net::Listener> listener_;
  async::Scope connections_;  // last: its children never see dead members
};

}  // namespace vallum::proxy
