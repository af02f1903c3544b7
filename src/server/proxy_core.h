#pragma once

#include <memory>
#include <vector>

#include "async/core.h"
#include "async/scope.h"
#include "authorize/authorizer.h"
#include "base/buffered_entropy.h"
#include "base/secret.h"
#include "base/secret_list.h"
#include "crypto/jose/signing_key.h"
#include "databroker/databroker.h"
#include "net/network.h"
#include "proxy/acceptor.h"
#include "proxy/plain_server.h"
#include "proxy/serving_core.h"
#include "session/identity_cache.h"
#include "telemetry/line_writer.h"
#include "telemetry/metrics.h"
#include "telemetry/record_log.h"
#include "tls/per_core.h"
#include "upstream/pool.h"

namespace vallum::server {

// One data core with everything on it: listeners, pools, caches. Made and destroyed while its core
// does not run.
class ProxyCore {
 public:
  // All outlive the data core.
  struct Parts {
    async::Core& core;
    net::Network& network;
    net::Resolver& resolver;
    databroker::Databroker& broker;
    telemetry::LineLane& lane;
    telemetry::MetricRegistry& metrics;
    const SecretList& shared_key;
    const crypto::SigningKeys& signing_keys;
    proxy::OwnEndpoints& own_endpoints;
    const Secret& ticket_seed;
    proxy::ServerlessTokens::Fetch fetch_serverless_token = {};
    session::VerifyBearer verify_bearer = {};
    authorize::AuthorizerSettings authorizer;
    async::Snapshot<proxy::Generation> generation;
  };
  explicit ProxyCore(Parts parts);
  ProxyCore(const ProxyCore&) = delete;
  ProxyCore& operator=(const ProxyCore&) = delete;

  // Fails with text that names the address and what to do.
  Result<net::SocketAddress> listen(net::SocketAddress address,
                                    net::ListenOptions options,
                                    proxy::Acceptor::Service service = {});
  Result<net::SocketAddress> listen_for_redirects(net::SocketAddress address,
                                                  net::ListenOptions options,
                                                  std::uint16_t https_port);

  // On the core.
  void use(async::Snapshot<proxy::Generation> generation);
  // Accepts nothing new, ends what is under way in order until the deadline, cuts the rest. Returns
  // how many were cut.
  Task<std::size_t> drain(Deadline deadline);
  proxy::ServingCore& serving() { return serving_; }
  async::Core& core() { return parts_.core; }
  // For work that other cores ask for.
  async::Scope& tasks() { return tasks_; }

 private:
  void note_change(const databroker::FeedEvent& event);

  Parts parts_;
  BufferedEntropy entropy_;
  tls::PerCore tls_;
  telemetry::RecordLog records_;
  session::IdentityCache identities_;
  authorize::Authorizer authorizer_;
  upstream::Pool upstreams_;
  proxy::ServerlessTokens serverless_tokens_;
  proxy::ServingCore serving_;
  // After the cache's own: a live stream is asked about only when the cache has forgotten.
  std::unique_ptr<databroker::Subscription> changes_;
  std::vector<std::unique_ptr<proxy::Acceptor>> acceptors_;
  std::vector<std::unique_ptr<proxy::PlainServer>> redirects_;
  async::Scope accepting_;
  async::Scope tasks_;
};

}  // namespace vallum::server
