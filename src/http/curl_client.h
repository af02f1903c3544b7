#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "async/core.h"
#include "base/result.h"
#include "http/client.h"

namespace vallum::http {

// libcurl's multi interface on the reactor of one core: a request that hangs costs a connection and
// no thread, and keeps nobody else waiting. https is verified against the system's roots and the
// extra ones, always.
class CurlClient final : public HttpClient {
 public:
  struct Options {
    // PEM text trusted in addition to the system's roots; "" for none.
    std::string extra_roots_pem = {};
    // Use the proxy that http_proxy, https_proxy and no_proxy of the environment name.
    bool environment_proxy = false;
    std::size_t requests_max = 4096;
    // One server that hangs must not take all of them.
    long connections_per_host_max = 64;
    Duration connect_timeout = std::chrono::seconds(10);
  };

  // Fails when libcurl does, or was built without TLS. Before other threads exist; `core` outlives
  // the client.
  static Result<std::unique_ptr<CurlClient>> create(async::Core& core, Options options);
  // No request may be under way.
  ~CurlClient() override;

  Async<ClientResponse> fetch(ClientRequest request, Deadline deadline) override;

  // Requests under way.
  std::size_t size() const;

 private:
  class Engine;
  class Transfer;

  explicit CurlClient(std::unique_ptr<Engine> engine);

  std::unique_ptr<Engine> engine_;
};

}  // namespace vallum::http
