#include "proxy/acceptor.h"

#include <utility>

#include "proxy/connection.h"
#include "tls/tls_stream.h"

namespace vallum::proxy {

Acceptor::Acceptor(ServingCore& core, std::unique_ptr<net::Listener> listener)
    : core_(core), listener_(std::move(listener)), connections_(core.core()) {}

Task<void> Acceptor::run() {
  while (true) {
    Result<std::unique_ptr<net::Stream>> accepted = co_await listener_->accept();
    if (!accepted) {
      co_return;
    }
    if (connections_.size() >= core_.generation()->limits.connections_max) {
      core_.metrics().connection_refused();
      continue;
    }
    connections_.spawn(serve(*std::move(accepted)));
  }
}

Task<void> Acceptor::serve(std::unique_ptr<net::Stream> socket) {
  std::unique_ptr<net::Stream> stream = std::move(socket);
  const async::Snapshot<tls::ServerContext> context = core_.generation()->tls;
  if (context != nullptr) {
    const Deadline deadline =
        core_.core().deadline_in(core_.generation()->limits.handshake_timeout);
    Result<std::unique_ptr<tls::TlsStream>> secured =
        co_await tls::accept(std::move(stream), context, &core_.tls(), deadline);
    if (!secured) {
      core_.metrics().handshake_failed();
      co_return;
    }
    stream = *std::move(secured);
  }
  Connection connection(core_, std::move(stream));
  co_await connection.run();
}

}  // namespace vallum::proxy
