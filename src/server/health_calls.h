#pragma once

#include <cstddef>
#include <vector>

#include "admin/health.h"
#include "async/call_gate.h"
#include "databroker/rpc/desk.h"
#include "rpc/service.h"

namespace vallum::server {

// health.HealthNotifier, for a listener: what the parts of the process say of themselves, now and
// whenever it changes. For callers that the desk lets in. The desk's core is that of the health.
class HealthCalls final : public rpc::Service {
 public:
  // Callers that follow at a time. Beyond: RESOURCE_EXHAUSTED.
  static constexpr std::size_t kFollowersMax = 64;

  // Both outlive it.
  HealthCalls(databroker::Desk& desk, admin::Health& health);

  const std::vector<Method>& methods() const override { return methods_; }
  void take(std::size_t method, rpc::Call call) override;

 private:
  databroker::Desk& desk_;
  admin::Health& health_;
  std::vector<Method> methods_;
  async::CallGate gate_;
};

}  // namespace vallum::server
