#include "server/forward_auth_listeners.h"

#include <utility>

namespace vallum::server {

namespace {

net::SocketAddress socket_address(const config::BindAddress& address) {
  return {.ip = address.host.value_or(net::any_address()), .port = address.port};
}

}  // namespace

ForwardAuthListeners::Place::Place(ProxyCore& core, const Parts& parts)
    : log(parts.log_sink, parts.clock, parts.log_filter, "vallum"),
      forward_auth(core.serving(), log) {}

Result<std::unique_ptr<ForwardAuthListeners>> ForwardAuthListeners::open(
    const Parts& parts, const config::Settings& settings) {
  std::unique_ptr<ForwardAuthListeners> made(new ForwardAuthListeners());
  for (const auto& core : parts.cores) {
    made->places_.push_back(std::make_unique<Place>(*core, parts));
  }
  TRY_OK(made->listen(parts, settings));
  return made;
}

Result<void> ForwardAuthListeners::listen(const Parts& parts, const config::Settings& settings) {
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

}  // namespace vallum::server
