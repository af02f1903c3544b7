#pragma once

#include <array>
#include <cstddef>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/time.h"
#include "tls/limits.h"
#include "tls/session_cache.h"
#include "tls/ticket_keys.h"

namespace vallum::tls {

// What all TLS connections of one core share. Outlives them.
struct PerCore {
  // The same seed and start for every core of a process; see TicketKeys.
  PerCore(const Secret& ticket_seed, WallTime start) : ticket_keys(ticket_seed, start) {}

  TicketKeys ticket_keys;
  SessionCache sessions{kSessionsMax};
  // Records of the running operation, sent together when it ends: no connection keeps a buffer for
  // writing unless its peer does not read.
  Bytes outgoing;
  // Where the parts of a small message are put side by side, to become one record.
  std::array<std::byte, 16 * 1024> joined{};
};

}  // namespace vallum::tls
