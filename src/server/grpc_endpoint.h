#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "admin/health.h"
#include "async/blocking_pool.h"
#include "async/core.h"
#include "async/task.h"
#include "base/result.h"
#include "config/settings.h"
#include "databroker/databroker.h"
#include "databroker/rpc/peer_options.h"
#include "databroker/rpc/record_calls.h"
#include "ext_authz/check_calls.h"
#include "rpc/server.h"
#include "server/proxy_core.h"
#include "telemetry/log.h"

namespace vallum::server {

// The gRPC listener: records for other processes, which one core answers, and decisions for other
// proxies, which the data cores answer.
class GrpcEndpoint {
 public:
  // All outlive it.
  struct Parts {
    async::Core& core;
    databroker::Databroker& broker;
    // Of the same core.
    admin::Health& health;
    const std::vector<std::unique_ptr<ProxyCore>>& data_cores;
    telemetry::LineSink& log_sink;
    const Clock& clock;
    const telemetry::LogFilter& log_filter;
  };
  // Call it last before the cores run: gRPC serves at once. Opens what the settings ask for, which
  // may be nothing. Fails with text that names the option.
  static Result<std::unique_ptr<GrpcEndpoint>> open(const Parts& parts,
                                                    const config::Settings& settings);
  GrpcEndpoint(const GrpcEndpoint&) = delete;
  GrpcEndpoint& operator=(const GrpcEndpoint&) = delete;

  // Where it listens; 0 when it does not.
  std::uint16_t port() const { return server_ == nullptr ? std::uint16_t{0} : server_->port(); }

  // What it would show under other settings; nothing when it does not listen. InvalidInput, naming
  // the option, when it cannot change to that.
  Result<std::optional<rpc::Certificate>> certificate_under(const config::Settings& settings) const;
  // Other secrets verify callers from now on, and connections made from now on are shown the
  // certificate. On that core.
  void use(const SecretList& shared_secrets, std::optional<rpc::Certificate> certificate);

  // Takes no more calls and waits for the answers. While all the cores still run; on that one.
  Task<void> close();

 private:
  // Where one data core answers.
  struct Place {
    Place(ProxyCore& core, const Parts& parts);

    telemetry::Log log;
    ext_authz::Desk desk;
  };

  GrpcEndpoint(const Parts& parts, const config::Settings& settings);
  void serve_decisions(const Parts& parts);
  Result<rpc::Certificate> make_certificate(const config::Settings& settings) const;

  async::Core& core_;
  databroker::ServedOn served_;
  databroker::Desk records_desk_;
  std::vector<std::unique_ptr<Place>> places_;
  std::vector<std::unique_ptr<rpc::Service>> services_;
  std::unique_ptr<rpc::Server> server_;
  // Before the server: it must not wait for itself.
  async::BlockingPool stopping_;
};

}  // namespace vallum::server
