#include "admin/metrics_endpoint.h"

#include "admin/plain_answer.h"

namespace vallum::admin {

http::Response answer_metrics(telemetry::MetricRegistry& registry, const http::Request& request) {
  if (request.path != "/metrics") {
    return not_found();
  }
  if (!is_read(request)) {
    return method_not_allowed();
  }
  return plain_answer(200, "text/plain; version=0.0.4; charset=utf-8", registry.expose());
}

}  // namespace vallum::admin
