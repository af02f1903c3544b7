#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "ext_authz/forward_auth.h"
#include "server/proxy_core.h"
#include "telemetry/log.h"

namespace vallum::server {

// The listeners on which other proxies ask for decisions over HTTP. The data cores answer.
class ForwardAuthListeners {
 public:
  // All outlive this.
  struct Parts {
    const std::vector<std::unique_ptr<ProxyCore>>& cores;
    telemetry::LineSink& log_sink;
    const Clock& clock;
    const telemetry::LogFilter& log_filter;
  };
  // Before the cores run. Opens what the settings ask for, which may be nothing. Fails with text
  // that names the option.
  static Result<std::unique_ptr<ForwardAuthListeners>> open(const Parts& parts,
                                                            const config::Settings& settings);
  ForwardAuthListeners(const ForwardAuthListeners&) = delete;
  ForwardAuthListeners& operator=(const ForwardAuthListeners&) = delete;

 private:
  // What belongs to one core.
  struct Place {
    Place(ProxyCore& core, const Parts& parts);

    telemetry::Log log;
    ext_authz::ForwardAuth forward_auth;
  };

  ForwardAuthListeners() = default;
  Result<void> listen(const Parts& parts, const config::Settings& settings);

  std::vector<std::unique_ptr<Place>> places_;
};

}  // namespace vallum::server
