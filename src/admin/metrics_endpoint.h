#pragma once

#include "http/message.h"
#include "telemetry/metrics.h"

namespace vallum::admin {

// Answers /metrics with every metric in the text format of Prometheus; anything else with 404 or
// 405. On the thread that the registry belongs to.
http::Response answer_metrics(telemetry::MetricRegistry& registry, const http::Request& request);

}  // namespace vallum::admin
