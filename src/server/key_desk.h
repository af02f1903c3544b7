#pragma once

#include <memory>
#include <string>

#include "async/core.h"
#include "async/scope.h"
#include "base/result.h"
#include "databroker/databroker.h"
#include "net/kernel_network.h"
#include "proxy/limits.h"
#include "proxy/plain_server.h"
#include "telemetry/log.h"

namespace vallum::server {

// Where 'vallum keys' reaches a process that has the store's file to itself: vallum.sock beside it,
// for the same user alone. HTTP: POST /keys/facts, /keys/rotate, /keys/reseal and /keys/rewrap,
// each answered with what databroker/key_messages.h has. On the control core.
class KeyDesk {
 public:
  struct Parts {
    async::Core& core;
    net::KernelNetwork& network;
    databroker::Databroker& broker;
    telemetry::Log& log;
    const proxy::Limits& limits;
  };
  // All parts but the limits outlive the desk.
  static Result<std::unique_ptr<KeyDesk>> open(const Parts& parts, const std::string& directory);

  explicit KeyDesk(const Parts& parts, std::unique_ptr<net::Listener> listener);
  Task<void> run() { return server_.run(); }
  void close() { server_.close(); }

 private:
  Async<http::Response> answer(http::Request request);
  Async<std::string> act(std::string path);

  async::Core& core_;
  databroker::Databroker& broker_;
  telemetry::Log& log_;
  proxy::PlainServer server_;
};

}  // namespace vallum::server
