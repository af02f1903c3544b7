#pragma once

#include <array>
#include <cstddef>
#include <deque>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/time.h"

namespace vallum::tls {

// The keys that seal session tickets. They follow from a seed and from the time: every core, and
// every process with the same seed, has the same ones without asking. Each period's seed is made
// from the one before, which is then wiped, so that no key older than the last three can be
// recomputed from memory. Belongs to one core.
class TicketKeys {
 public:
  struct Key {
    std::array<std::byte, 16> name{};
    Secret encrypt;       // AES-256
    Secret authenticate;  // HMAC-SHA-256
  };

  // Periods are counted from the epoch; `start` is when the seed was made, the same for all cores.
  TicketKeys(const Secret& seed, WallTime start);
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // Until the next call. The clock going back changes nothing.
  const Key& newest(WallTime now);
  // Null for a name that is not among the keys kept. Until the next call.
  const Key* find(ByteView name, WallTime now);

 private:
  void advance(WallTime now);
  void step();

  Secret seed_;
  std::int64_t period_;
  std::deque<Key> keys_;  // newest first
};

}  // namespace vallum::tls
