#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/cancel.h"
#include "async/core.h"
#include "authorize/authorizer.h"
#include "base/buffered_entropy.h"
#include "proxy/exchange.h"
#include "proxy/generation.h"
#include "proxy/live_streams.h"
#include "proxy/own_endpoints.h"
#include "proxy/proxy_metrics.h"
#include "proxy/relay.h"
#include "proxy/serverless_tokens.h"
#include "telemetry/record_log.h"
#include "tls/per_core.h"
#include "upstream/pool.h"

namespace vallum::proxy {

// Everything that one core needs to serve requests: its caches, pools and counters, and the
// generation that new exchanges begin with. Connections refer to it and never to another core's.
// Home core only.
class ServingCore {
 public:
  // All outlive the serving core.
  struct Parts {
    async::Core& core;
    authorize::Authorizer& authorizer;
    upstream::Pool& upstreams;
    telemetry::RecordLog& records;
    ProxyMetrics metrics;
    OwnEndpoints& own_endpoints;
    tls::PerCore& tls;
    ServerlessTokens& serverless_tokens;
    async::Snapshot<Generation> generation;
  };
  explicit ServingCore(const Parts& parts);
  ServingCore(const ServingCore&) = delete;
  ServingCore& operator=(const ServingCore&) = delete;
  ~ServingCore();

  async::Core& core() { return parts_.core; }
  authorize::Authorizer& authorizer() { return parts_.authorizer; }
  upstream::Pool& upstreams() { return parts_.upstreams; }
  telemetry::RecordLog& records() { return parts_.records; }
  ProxyMetrics& metrics() { return parts_.metrics; }
  OwnEndpoints& own_endpoints() { return parts_.own_endpoints; }
  tls::PerCore& tls() { return parts_.tls; }
  ServerlessTokens& serverless_tokens() { return parts_.serverless_tokens; }
  LiveStreams& live_streams() { return live_streams_; }
  BlockPool& blocks() { return blocks_; }
  RelayScratch& scratch() { return scratch_; }
  BufferedEntropy& entropy() { return entropy_; }

  // What new exchanges begin with.
  const async::Snapshot<Generation>& generation() const { return parts_.generation; }
  // Live streams are checked again under the new rules.
  void use(async::Snapshot<Generation> generation);

  std::unique_ptr<Exchange> take_exchange();
  void give_exchange(std::unique_ptr<Exchange> exchange);
  policy::ExchangeId next_exchange_id();

  // Of the present second. Until the next call.
  std::string_view http_date();

  // Cancelled when the process is to end: finish what is there, accept nothing new.
  async::CancelToken drain_token() const { return drain_.token(); }
  bool is_draining() const { return drain_.is_cancelled(); }
  void begin_drain();

 private:
  static constexpr std::size_t kExchangesKept = 256;

  Parts parts_;
  BufferedEntropy entropy_;
  BlockPool blocks_{1024};
  RelayScratch scratch_;
  LiveStreams live_streams_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::uint64_t exchanges_begun_ = 0;
  std::string date_;
  std::int64_t date_second_ = -1;
  async::CancelSource drain_;
};

}  // namespace vallum::proxy
