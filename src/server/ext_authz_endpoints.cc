#include "server/ext_authz_endpoints.h"

#include <utility>

#include "ext_authz/limits.h"

namespace vallum::server {

namespace {

net::SocketAddress socket_address(const config::BindAddress& address) {
  return {.ip = address.host.value_or(net::any_address()), .port = address.port};
}

}  // namespace

ExtAuthzEndpoints::Place::Place(ProxyCore& core, const Parts& parts)
    : log(parts.log_sink, parts.clock, parts.log_filter, "vallum"),
      forward_auth(core.serving(), log),
      desk(core.serving(), log) {}

ExtAuthzEndpoints::ExtAuthzEndpoints()
    : stopping_({.name = "grpc-stop", .threads = 1, .queued_max = 1}) {}

Result<std::unique_ptr<ExtAuthzEndpoints>> ExtAuthzEndpoints::open(
    const Parts& parts, const config::Settings& settings) {
  std::unique_ptr<ExtAuthzEndpoints> made(new ExtAuthzEndpoints());
  for (const auto& core : parts.cores) {
    made->places_.push_back(std::make_unique<Place>(*core, parts));
  }
  TRY_OK(made->open_forward_auth(parts, settings));
  TRY_OK(made->open_grpc(settings));
  return made;
}

Result<void> ExtAuthzEndpoints::open_forward_auth(const Parts& parts,
                                                  const config::Settings& settings) {
  if (!settings.ext_authz.forward_auth_address) {
    return {};
  }
  net::SocketAddress address = socket_address(*settings.ext_authz.forward_auth_address);
  // What was decided at the start holds: a reload never turns the listener to clear text.
  const bool plain = settings.ext_authz.forward_auth_insecure;
  for (std::size_t i = 0; i < parts.cores.size(); ++i) {
    Result<net::SocketAddress> bound =
        parts.cores[i]->listen(address,
                               {.refuse_taken_port = i == 0},
                               {.answerer = &places_[i]->forward_auth,
                                .tls = plain ? nullptr : &proxy::Generation::forward_auth_tls,
                                .needs_tls = !plain});
    if (!bound) {
      return fail(bound.error().with_context("forward_auth_address"));
    }
    address.port = bound->port;
  }
  return {};
}

Result<void> ExtAuthzEndpoints::open_grpc(const config::Settings& settings) {
  const config::ExtAuthzSettings& ext_authz = settings.ext_authz;
  if (!ext_authz.grpc_address) {
    return {};
  }
  ext_authz::GrpcOptions options{.address = socket_address(*ext_authz.grpc_address),
                                 .certificate_pem = {},
                                 .private_key_pem = {},
                                 .client_ca_pem = ext_authz.client_ca_pem,
                                 .checks_max = ext_authz::kChecksMax};
  if (!ext_authz.grpc_insecure) {
    options.certificate_pem = settings.certificates.front().certificate_pem;
    options.private_key_pem = settings.certificates.front().private_key_pem.clone();
  }
  std::vector<ext_authz::Desk*> desks;
  desks.reserve(places_.size());
  for (const auto& place : places_) {
    desks.push_back(&place->desk);
  }
  Result<std::unique_ptr<ext_authz::GrpcServer>> server =
      ext_authz::GrpcServer::start(options, std::move(desks));
  if (!server) {
    return fail(server.error().with_context("grpc_address"));
  }
  grpc_ = *std::move(server);
  return {};
}

Task<void> ExtAuthzEndpoints::close(async::Core* here) {
  if (grpc_ == nullptr) {
    co_return;
  }
  ext_authz::GrpcServer* const grpc = grpc_.get();
  const Result<void> stopped =
      co_await stopping_.run(*here, [grpc] { grpc->stop(); }, Deadline::never());
  CHECK(stopped.has_value());
}

}  // namespace vallum::server
