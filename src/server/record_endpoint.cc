#include "server/record_endpoint.h"

#include <utility>

#include "base/check.h"
#include "databroker/rpc/peer_options.h"

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
  TRY(const databroker::RecordServerOptions options,
      databroker::listener_options(settings, core.clock().wall(), core.entropy()));
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
