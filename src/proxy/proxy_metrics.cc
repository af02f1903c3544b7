#include "proxy/proxy_metrics.h"

#include <string_view>

namespace vallum::proxy {

ProxyMetrics::ProxyMetrics(telemetry::MetricRegistry& registry, std::size_t shard)
    : shard_(&registry.shard(shard)),
      connections_total_(registry.counter(
          {"envoy_http_downstream_cx_total", "Connections accepted on the public listener"})),
      connections_active_(registry.gauge(
          {"envoy_http_downstream_cx_active", "Connections open on the public listener"})),
      connections_refused_(registry.counter(
          {"vallum_connections_refused_total", "Connections closed at once, over the limit"})),
      handshakes_failed_(
          registry.counter({"envoy_listener_ssl_connection_error", "TLS handshakes that failed"})),
      requests_total_(
          registry.counter({"envoy_http_downstream_rq_total", "Requests on the public listener"})),
      request_time_(registry.histogram(
          {"envoy_http_downstream_rq_time", "Milliseconds from first to last byte of an exchange"},
          telemetry::latency_shape())),
      allowed_(
          registry.counter({"authorize_evaluator_allowals_total", "Requests that policy allowed"})),
      denied_(registry.counter(
          {"authorize_evaluator_denials_total", "Requests that policy did not allow"})),
      decisions_not_recorded_(registry.counter(
          {"vallum_decisions_not_recorded_total",
           "Allowed requests answered 503 because their decision could not be recorded"})),
      live_streams_(registry.gauge({"vallum_live_streams", "Upgraded connections"})),
      live_streams_revoked_(registry.counter(
          {"vallum_live_streams_revoked_total", "Upgraded connections cut by a new decision"})) {
  static constexpr std::array<std::string_view, 5> kClasses{"1", "2", "3", "4", "5"};
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    const telemetry::MetricLabel label{"envoy_response_code_class", kClasses[i]};
    requests_by_class_[i] = registry.counter(
        {"envoy_http_downstream_rq_xx", "Requests by class of their status"}, {&label, 1});
  }
}

void ProxyMetrics::connection_opened() {
  shard_->add(connections_total_);
  shard_->add(connections_active_, 1);
}

void ProxyMetrics::connection_closed() {
  shard_->add(connections_active_, -1);
}

void ProxyMetrics::exchange_ended(std::uint16_t status, std::uint64_t microseconds) {
  shard_->add(requests_total_);
  const std::size_t status_class = status / 100U;
  if (status_class >= 1 && status_class <= requests_by_class_.size()) {
    shard_->add(requests_by_class_[status_class - 1]);
  }
  shard_->observe(request_time_, microseconds);
}

void ProxyMetrics::decision(bool allowed) {
  shard_->add(allowed ? allowed_ : denied_);
}

}  // namespace vallum::proxy
