#include "proxy/acceptor.h"

#include <utility>

#include "proxy/connection.h"
#include "telemetry/connection_failure.h"

namespace vallum::proxy {

Acceptor::Acceptor(ServingCore& core, std::unique_ptr<net::Listener> listener, Service service)
    : core_(core), listener_(std::move(listener)), service_(service), connections_(core.core()) {}

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
  const async::Snapshot<tls::ServerContext> context =
      service_.tls == nullptr ? nullptr : core_.generation().get()->*service_.tls;
  if (context == nullptr && service_.needs_tls) {
    co_return;
  }
  tls::Introduction client;
  if (context != nullptr) {
    const Deadline deadline =
        core_.core().deadline_in(core_.generation()->limits.handshake_timeout);
    const net::SocketAddress peer = stream->peer_address();
    Result<std::unique_ptr<tls::TlsStream>> secured =
        co_await tls::accept(std::move(stream), context, &core_.tls(), deadline, &client);
    if (!secured) {
      note_failure(context->clients(), client, peer, secured.error());
      co_return;
    }
    stream = *std::move(secured);
  }
  Connection connection(core_, std::move(stream), std::move(client), context, service_.answerer);
  co_await connection.run();
}

// Where clients must show a certificate, who was turned away and why is on record; elsewhere a
// failed handshake says nothing about anybody.
void Acceptor::note_failure(const tls::ClientCertificates& clients,
                            const tls::Introduction& client,
                            net::SocketAddress peer,
                            const Error& error) {
  core_.metrics().handshake_failed();
  if (!clients.required) {
    return;
  }
  const std::string ip = peer.ip.text();
  std::string fingerprint;
  telemetry::RecordCertificate certificate;
  if (client.certificates != nullptr) {
    fingerprint = to_hex(client.certificates->fingerprint());
    certificate = {.fingerprint = fingerprint,
                   .issuer = client.certificates->issuer(),
                   .subject = client.certificates->subject(),
                   .fault = {}};
  }
  core_.records().write(telemetry::ConnectionFailure{.time = core_.core().clock().wall(),
                                                     .ip = ip,
                                                     .server_name = client.server_name,
                                                     .reason = error.message(),
                                                     .certificate = certificate});
}

}  // namespace vallum::proxy
