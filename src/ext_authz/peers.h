#pragma once

#include <optional>
#include <string_view>

#include "async/core.h"
#include "base/ip_address.h"
#include "config/settings.h"
#include "telemetry/log.h"

namespace vallum::ext_authz {

// Knows who may ask, and tells the log about strangers, now and then. One core.
class Peers {
 public:
  // Both outlive this.
  Peers(async::Core& core, telemetry::Log& log) : core_(core), log_(log) {}
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  // Whether ext_authz_peers holds the address; nothing stands for one that cannot be read.
  bool may_ask(const std::optional<IpAddress>& address, const config::ExtAuthzSettings& settings);

 private:
  async::Core& core_;
  telemetry::Log& log_;
  std::optional<Instant> told_;
  std::uint64_t strangers_ = 0;
};

}  // namespace vallum::ext_authz
