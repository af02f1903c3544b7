#pragma once

#include <cstddef>

#include "base/time.h"

namespace vallum::upstream {

// Of one core's pool.
struct Limits {
  // Open connections to one endpoint, leased or idle. One more lease fails with ResourceExhausted.
  std::size_t connections_per_endpoint_max = 1024;
  // Idle connections kept to one endpoint. One more that comes back is closed.
  std::size_t idle_per_endpoint_max = 128;
  // An idle connection is closed after this: below the keep-alive time of common servers.
  Duration idle_timeout = std::chrono::seconds(55);
  // A connection older than this is closed when it comes back, so that a moved name is noticed.
  Duration age_max = std::chrono::minutes(30);
  // For resolving, connecting and the TLS handshake together.
  Duration connect_timeout = std::chrono::seconds(10);
  // How long an endpoint that refused is tried only after the others.
  Duration avoid_after_failure = std::chrono::seconds(5);
};

}  // namespace vallum::upstream
