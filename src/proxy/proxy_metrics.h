#pragma once

#include <array>
#include <cstdint>

#include "telemetry/metrics.h"

namespace vallum::proxy {

// The data plane's figures, written by one core. Names as dashboards of the reference know them
// (configuration specification 6.1).
class ProxyMetrics {
 public:
  // Registers on the control thread; the registry and its shard outlive this.
  ProxyMetrics(telemetry::MetricRegistry& registry, std::size_t shard);

  void connection_opened();
  void connection_closed();
  void connection_refused() { shard_->add(connections_refused_); }
  void handshake_failed() { shard_->add(handshakes_failed_); }
  // `microseconds` from the first byte of the request to the last of the answer.
  void exchange_ended(std::uint16_t status, std::uint64_t microseconds);
  void decision(bool allowed);
  void decision_not_recorded() { shard_->add(decisions_not_recorded_); }
  void live_streams(std::int64_t change) { shard_->add(live_streams_, change); }
  void live_stream_revoked() { shard_->add(live_streams_revoked_); }

 private:
  telemetry::MetricShard* shard_;
  telemetry::Counter connections_total_;
  telemetry::Gauge connections_active_;
  telemetry::Counter connections_refused_;
  telemetry::Counter handshakes_failed_;
  telemetry::Counter requests_total_;
  std::array<telemetry::Counter, 5> requests_by_class_;
  telemetry::Histogram request_time_;
  telemetry::Counter allowed_;
  telemetry::Counter denied_;
  telemetry::Counter decisions_not_recorded_;
  telemetry::Gauge live_streams_;
  telemetry::Counter live_streams_revoked_;
};

}  // namespace vallum::proxy
