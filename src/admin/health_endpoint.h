#pragma once

#include "admin/health.h"
#include "http/message.h"

namespace vallum::admin {

// Answers the probes /startupz, /readyz and /healthz with 200 or 503, and /status with 200, each
// with JSON that names every part; anything else with 404 or 405. Control core only.
http::Response answer_health(const Health& health, const http::Request& request);

}  // namespace vallum::admin
