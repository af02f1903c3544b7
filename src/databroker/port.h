#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "async/event.h"
#include "base/result.h"
#include "base/time.h"
#include "databroker/databroker.h"

// What databroker.cc keeps on each core.
namespace vallum::databroker {

// What one core keeps here; touched on that core alone. Messages to a core name what they are for
// by number, so that it may be gone when they arrive.
struct Port {
  std::uint64_t last_number = 0;
  std::size_t reads = 0;
  std::unordered_map<std::uint64_t, async::OneShot<Result<Committed>>*> writes;
  std::unordered_map<std::uint64_t, Subscription*> subscriptions;
  // When the last look began at what other processes changed, of which the core was told.
  std::optional<Instant> fresh_at;
};

// A put() that waits, for as long as its coroutine lives.
class Ticket {
 public:
  Ticket(Port& port, async::OneShot<Result<Committed>>& answer)
      : port_(port), number_(++port.last_number) {
    port_.writes.emplace(number_, &answer);
  }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() { port_.writes.erase(number_); }

  std::uint64_t number() const { return number_; }

 private:
  Port& port_;
  std::uint64_t number_;
};

class ReadSlot {
 public:
  explicit ReadSlot(Port& port) : port_(port) { ++port_.reads; }
  ReadSlot(const ReadSlot&) = delete;
  ReadSlot& operator=(const ReadSlot&) = delete;
  ~ReadSlot() { --port_.reads; }

 private:
  Port& port_;
};

}  // namespace vallum::databroker
