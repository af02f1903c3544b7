#pragma once

#include <memory>
#include <vector>

#include "async/blocking_pool.h"
#include "async/task.h"
#include "base/result.h"
#include "config/settings.h"
#include "ext_authz/forward_auth.h"
#include "ext_authz/grpc_server.h"
#include "server/proxy_core.h"
#include "telemetry/log.h"

namespace vallum::server {

// The listeners on which other proxies ask for decisions. The data cores answer.
class ExtAuthzEndpoints {
 public:
  // All outlive this.
  struct Parts {
    const std::vector<std::unique_ptr<ProxyCore>>& cores;
    telemetry::LineSink& log_sink;
    const Clock& clock;
    const telemetry::LogFilter& log_filter;
  };
  // Call it last before the cores run: gRPC serves at once. Opens what the settings ask for, which
  // may be nothing. Fails with text that names the option.
  static Result<std::unique_ptr<ExtAuthzEndpoints>> open(const Parts& parts,
                                                         const config::Settings& settings);
  ExtAuthzEndpoints(const ExtAuthzEndpoints&) = delete;
  ExtAuthzEndpoints& operator=(const ExtAuthzEndpoints&) = delete;

  // Takes no more questions over gRPC and waits for the answers; those over HTTP end with the
  // connections of their cores. While the cores still run.
  Task<void> close(async::Core* here);

 private:
  // What belongs to one core.
  struct Place {
    Place(ProxyCore& core, const Parts& parts);

    telemetry::Log log;
    ext_authz::ForwardAuth forward_auth;
    ext_authz::Desk desk;
  };

  ExtAuthzEndpoints();
  Result<void> open_forward_auth(const Parts& parts, const config::Settings& settings);
  Result<void> open_grpc(const config::Settings& settings);

  std::vector<std::unique_ptr<Place>> places_;
  std::unique_ptr<ext_authz::GrpcServer> grpc_;
  // Before the server: it must not wait for itself.
  async::BlockingPool stopping_;
};

}  // namespace vallum::server
