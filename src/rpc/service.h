#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "rpc/call.h"

namespace vallum::rpc {

// What a listener serves. It outlives the listener.
class Service {
 public:
  struct Method {
    // The whole of it: "/package.Service/Method".
    std::string path;
    // Of the caller's message. Beyond: RESOURCE_EXHAUSTED.
    std::size_t message_bytes_max = 0;
  };

  Service() = default;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  virtual ~Service() = default;

  virtual const std::vector<Method>& methods() const = 0;
  // Somebody calls the method of that place in methods(). On one of gRPC's threads: it is ended, or
  // handed to a core, and nothing here waits.
  virtual void take(std::size_t method, Call call) = 0;
  // The process ends: streams do so soon after it. Any thread.
  virtual void stop() {}
};

}  // namespace vallum::rpc
