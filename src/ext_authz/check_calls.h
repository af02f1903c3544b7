#pragma once

#include <cstddef>
#include <vector>

#include "async/call_gate.h"
#include "async/scope.h"
#include "ext_authz/limits.h"
#include "ext_authz/peers.h"
#include "proxy/serving_core.h"
#include "rpc/service.h"
#include "telemetry/log.h"

namespace vallum::ext_authz {

// Where questions over gRPC are answered on one core. Made and destroyed while the core does not
// run; the rest on the core.
class Desk {
 public:
  // Both outlive this.
  Desk(proxy::ServingCore& core, telemetry::Log& log)
      : core_(core), peers_(core.core(), log), calls_(core.core()) {}
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  proxy::ServingCore& core() { return core_; }
  Peers& peers() { return peers_; }
  async::Scope& calls() { return calls_; }

 private:
  proxy::ServingCore& core_;
  Peers peers_;
  async::Scope calls_;
};

// envoy.service.auth.v3.Authorization/Check, for a listener: each question is handed to one of the
// desks in turn, and read when its caller is one of ext_authz_peers. What a client of the asking
// proxy can bring about is always an answer, never an error of gRPC, because a caller may be
// configured to let requests pass on errors.
class CheckCalls final : public rpc::Service {
 public:
  // The desks outlive it. Questions under way at a time, beyond which a caller is told at once to
  // refuse: `checks_max`.
  explicit CheckCalls(std::vector<Desk*> desks, std::size_t checks_max = kChecksMax);

  const std::vector<Method>& methods() const override { return methods_; }
  void take(std::size_t method, rpc::Call call) override;

 private:
  std::vector<Desk*> desks_;
  std::vector<Method> methods_;
  async::CallGate gate_;
};

}  // namespace vallum::ext_authz
