#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "async/event.h"
#include "base/result.h"
#include "base/time.h"
#include "databroker/databroker.h"
#include "databroker/news.h"

// What databroker.cc keeps on each core, and on its home core of writes and subscribers.
namespace vallum::databroker {

// What one core keeps here; touched on that core alone. Messages to a core name what they are for
// by number, so that it may be gone when they arrive.
struct Port {
  std::uint64_t last_number = 0;
  std::size_t reads = 0;
  std::unordered_map<std::uint64_t, async::OneShot<Result<Committed>>*> writes;
  std::unordered_map<std::uint64_t, async::OneShot<Result<Fetched>>*> grouped_reads;
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

// A batch on its way to the store, and whom to tell.
struct PendingWrite {
  Batch batch;
  std::size_t bytes;
  async::Core* caller;
  std::uint64_t ticket;
  Deadline deadline;
};

struct CommitAnswer {
  // The callers' batches, and after them those the databroker added for itself.
  Result<std::vector<BatchOutcome>> outcomes;
  News news;
};

struct SubscriberId {
  unsigned core;
  std::uint64_t number;

  auto operator<=>(const SubscriberId&) const = default;
};

// How far a subscriber is; on the home core.
struct Subscriber {
  async::Core* core = nullptr;
  std::size_t changes_unseen = 0;
  // Missed something: gets a Resync once it has seen what was posted to it.
  bool is_behind = false;
};

}  // namespace vallum::databroker
