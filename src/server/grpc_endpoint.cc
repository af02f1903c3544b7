#include "server/grpc_endpoint.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "ext_authz/limits.h"
#include "server/health_calls.h"

namespace vallum::server {

GrpcEndpoint::Place::Place(ProxyCore& core, const Parts& parts)
    : log(parts.log_sink, parts.clock, parts.log_filter, "vallum"), desk(core.serving(), log) {}

GrpcEndpoint::GrpcEndpoint(const Parts& parts, const config::Settings& settings)
    : core_(parts.core),
      served_({.records = settings.record_service.address.has_value(),
               .decisions = settings.ext_authz.grpc_address.has_value()}),
      records_desk_(parts.core, parts.broker, settings.shared_secret),
      stopping_({.name = "grpc-stop", .threads = 1, .queued_max = 1}) {}

Result<std::unique_ptr<GrpcEndpoint>> GrpcEndpoint::open(const Parts& parts,
                                                         const config::Settings& settings) {
  std::unique_ptr<GrpcEndpoint> made(new GrpcEndpoint(parts, settings));
  const std::optional<config::BindAddress>& for_records = settings.record_service.address;
  const std::optional<config::BindAddress>& for_decisions = settings.ext_authz.grpc_address;
  rpc::ServerOptions options;
  if (for_records) {
    made->services_.push_back(std::make_unique<databroker::RecordCalls>(made->records_desk_));
    made->services_.push_back(std::make_unique<HealthCalls>(made->records_desk_, parts.health));
    options.streams_per_connection_max = databroker::kStreamsPerConnectionMax;
    options.healthy.emplace_back("databroker.DataBrokerService");
  }
  if (for_decisions) {
    made->serve_decisions(parts);
    options.streams_per_connection_max =
        std::max(options.streams_per_connection_max, ext_authz::kStreamsMax);
  }
  if (made->services_.empty()) {
    return made;
  }
  // One address, whichever of the two it is for.
  const config::BindAddress& wanted = for_records ? *for_records : *for_decisions;
  options.address = {.ip = wanted.host.value_or(net::any_address()), .port = wanted.port};
  auto certificate = made->make_certificate(settings);
  if (!certificate) {
    return fail(certificate.error().with_context("grpc_address"));
  }
  options.certificate = *std::move(certificate);
  // What a configuration that was loaded never asks for.
  CHECK(!options.certificate.chain_pem.empty() || options.address.ip.is_loopback());
  std::vector<rpc::Service*> services;
  services.reserve(made->services_.size());
  for (const auto& service : made->services_) {
    services.push_back(service.get());
  }
  auto server = rpc::Server::start(std::move(options), std::move(services));
  if (!server) {
    return fail(server.error().with_context("grpc_address"));
  }
  made->server_ = *std::move(server);
  return made;
}

void GrpcEndpoint::serve_decisions(const Parts& parts) {
  std::vector<ext_authz::Desk*> desks;
  for (const auto& core : parts.data_cores) {
    places_.push_back(std::make_unique<Place>(*core, parts));
    desks.push_back(&places_.back()->desk);
  }
  services_.push_back(std::make_unique<ext_authz::CheckCalls>(std::move(desks)));
}

Result<rpc::Certificate> GrpcEndpoint::make_certificate(const config::Settings& settings) const {
  return databroker::listener_certificate(settings, served_, core_.clock().wall(), core_.entropy());
}

Result<std::optional<rpc::Certificate>> GrpcEndpoint::certificate_under(
    const config::Settings& settings) const {
  if (server_ == nullptr) {
    return std::nullopt;
  }
  auto certificate = make_certificate(settings);
  const Result<void> checked =
      certificate ? server_->check(*certificate) : Result<void>(fail(certificate.error()));
  if (!checked) {
    return fail(checked.error().with_context("grpc_address"));
  }
  return *std::move(certificate);
}

void GrpcEndpoint::use(const SecretList& shared_secrets,
                       std::optional<rpc::Certificate> certificate) {
  records_desk_.use(shared_secrets);
  if (certificate) {
    server_->use(*std::move(certificate));
  }
}

Task<void> GrpcEndpoint::close() {
  if (server_ == nullptr) {
    co_return;
  }
  rpc::Server* const server = server_.get();
  const Result<void> stopped =
      co_await stopping_.run(records_desk_.core(), [server] { server->stop(); }, Deadline::never());
  CHECK(stopped.has_value());
}

}  // namespace vallum::server
