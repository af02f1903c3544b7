#include "server/record_endpoint.h"

#include <utility>

#include "base/check.h"

namespace vallum::server {

RecordEndpoint::RecordEndpoint(async::Core& core,
                               databroker::Databroker& broker,
                               const SecretList& shared_secrets)
    : desk_(core, broker, shared_secrets),
      stopping_({.name = "records-stop", .threads = 1, .queued_max = 1}) {}

Result<std::unique_ptr<RecordEndpoint>> RecordEndpoint::open(async::Core& core,
                                                             databroker::Databroker& broker,
                                                             const config::Settings& settings) {
  std::unique_ptr<RecordEndpoint> made(new RecordEndpoint(core, broker, settings.shared_secret));
  const config::RecordServiceSettings& wanted = settings.record_service;
  if (!wanted.address) {
    return made;
  }
  databroker::RecordServerOptions options;
  options.address = {.ip = wanted.address->host.value_or(net::any_address()),
                     .port = wanted.address->port};
  options.client_ca_pem = wanted.client_ca_pem;
  if (!wanted.insecure) {
    options.certificate_pem = settings.certificates.front().certificate_pem;
    options.private_key_pem = settings.certificates.front().private_key_pem.clone();
  }
  auto server = databroker::RecordServer::start(options, made->desk_);
  if (!server) {
    return fail(server.error().with_context("grpc_address"));
  }
  made->server_ = *std::move(server);
  return made;
}

Task<void> RecordEndpoint::close() {
  if (server_ == nullptr) {
    co_return;
  }
  databroker::RecordServer* const server = server_.get();
  const Result<void> stopped =
      co_await stopping_.run(desk_.core(), [server] { server->stop(); }, Deadline::never());
  CHECK(stopped.has_value());
}

}  // namespace vallum::server
