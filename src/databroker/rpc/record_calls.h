#pragma once

#include <cstddef>
#include <vector>

#include "async/call_gate.h"
#include "databroker/rpc/desk.h"
#include "databroker/rpc/limits.h"
#include "rpc/service.h"

namespace vallum::databroker {

// databroker.DataBrokerService, databroker.CheckpointService and registry.Registry, for a listener:
// each call is handed to the desk, which lets the caller in before a byte of the message is read.
class RecordCalls final : public rpc::Service {
 public:
  // See limits.h.
  struct Most {
    std::size_t calls = kCallsMax;
    std::size_t followers = kFollowersMax;
  };

  // The desk outlives it.
  explicit RecordCalls(Desk& desk) : RecordCalls(desk, Most()) {}
  RecordCalls(Desk& desk, Most most);

  const std::vector<Method>& methods() const override { return methods_; }
  void take(std::size_t method, rpc::Call call) override;
  void stop() override;

 private:
  Desk& desk_;
  std::vector<Method> methods_;
  async::CallGate gate_;
  async::CallGate followers_;
};

}  // namespace vallum::databroker
