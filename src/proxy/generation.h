#pragma once

#include <string>
#include <vector>

#include "async/snapshot.h"
#include "config/settings.h"
#include "http/syntax/normalize.h"
#include "policy/permit.h"
#include "proxy/limits.h"
#include "proxy/message_heads.h"
#include "proxy/route.h"
#include "route/route_table.h"
#include "tls/server_context.h"
#include "upstream/endpoint.h"

namespace vallum::proxy {

// A route as the data plane sees it.
struct Route {
  std::uint64_t checksum = 0;
  std::string cluster;                              // the name of its upstream in logs and metrics
  const config::RouteSettings* settings = nullptr;  // of the generation's settings
  ForwardRules forward;
  upstream::Target target;
};

// Everything of the configuration that requests depend on, swapped whole. An exchange holds on to
// the one it began with. Immutable, shared by all cores.
struct Generation {
  policy::GenerationId id{};
  async::Snapshot<config::Settings> settings;
  route::RouteTable table;
  // By the table's index.
  std::vector<Route> routes;
  ForwardSettings forward;
  http::NormalizeOptions normalize;
  Limits limits;
  // Null: the listener speaks plain HTTP (simulation).
  async::Snapshot<tls::ServerContext> tls;
  // Of the listener for other proxies' questions over HTTP; null: it speaks plain HTTP or is not
  // there.
  async::Snapshot<tls::ServerContext> forward_auth_tls;
  // Set on every answer of our own.
  std::vector<HeaderLine> own_response_headers;
};

}  // namespace vallum::proxy
