#pragma once

#include <memory>

#include "async/scope.h"
#include "async/task.h"
#include "net/network.h"
#include "proxy/answerer.h"
#include "proxy/serving_core.h"
#include "tls/tls_stream.h"

namespace vallum::proxy {

// Takes connections from one core's listener, brings up TLS and serves them. Over the limit of
// connections a new one is closed at once: those that are there go on.
class Acceptor {
 public:
  // What is served, and how: by default the proxy to everybody.
  struct Service {
    // Null: the proxy. Outlives the acceptor.
    Answerer* answerer = nullptr;
    // Where new connections find how to speak TLS; null: plain HTTP.
    async::Snapshot<tls::ServerContext> Generation::* tls = &Generation::tls;
    // A configuration without a context: nobody is served then, instead of speaking plain HTTP as
    // simulations do.
    bool needs_tls = false;
  };

  // `core` outlives the acceptor.
  Acceptor(ServingCore& core, std::unique_ptr<net::Listener> listener, Service service);
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
  Service service_;
  async::Scope connections_;  // last: its children never see dead members
};

}  // namespace vallum::proxy
