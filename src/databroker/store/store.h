#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "databroker/record.h"

namespace vallum::databroker {

// Where a data set stands.
struct StoreState {
  // Random, never 0, the same for as long as the data set lives. Who meets another one must forget
  // what it knew.
  std::uint64_t server_version = 0;
  // The version of the last change.
  std::uint64_t latest_version = 0;
  // Tombstones up to here may be gone, so changes can be asked for from here on only.
  std::uint64_t pruned_version = 0;

  bool operator==(const StoreState&) const = default;
};

// Where to go on reading, and how far.
struct Page {
  std::uint64_t after_version = 0;
  std::size_t records_max = 1000;
};

// What one batch came to: its records in the batch's order, each with the version it got, or why it
// did not happen (Conflict).
using BatchOutcome = Result<std::vector<Record>>;

// Tells that other processes may have changed a data set that they share.
class ChangeListener {
 public:
  ChangeListener() = default;
  ChangeListener(const ChangeListener&) = delete;
  ChangeListener& operator=(const ChangeListener&) = delete;
  virtual ~ChangeListener() = default;

  // Blocks until there may be something to refresh() for, for `at_most` about; may return for
  // nothing. Changes during which nobody was in wait() end the next one. One thread at a time,
  // which need not be the store's.
  virtual void wait(Duration at_most) = 0;
  // Any thread: ends wait(), now and from then on.
  virtual void stop() = 0;
};

// Keeps records. Blocking, and called by one thread at a time: Databroker owns that thread.
// Callers check batches first (check_batch).
//
// Versions are one counter over all types, handed out in the order in which changes become visible:
// who has seen version n has seen everything below it. A failure leaves the store as it was, and it
// can be used again.
class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  virtual StoreState state() const = 0;

  // Applies the batches in order and returns when all are durable, one outcome for each. A batch
  // whose conditions do not hold changes nothing and does not hinder the others. On failure
  // (Unavailable: no space, no disk) nothing was applied, except after DeadlineExceeded: then
  // nobody can say yet whether it was.
  virtual Result<std::vector<BatchOutcome>> commit(std::vector<Batch> batches, WallTime now) = 0;

  // NotFound for a record that is missing or deleted. Internal for a stored one that is not what
  // was last written there.
  virtual Result<Record> get(const RecordKey& key) = 0;

  // Records of one type that are not deleted, by version.
  virtual Result<std::vector<Record>> list(std::string_view type, Page page) = 0;

  // The last change of every record changed after a version, tombstones included, by version.
  // Conflict when tombstones after it are gone already: read everything again.
  virtual Result<std::vector<Record>> changes(Page page) = 0;

  // Learns what other processes that share the data set changed. state() is then what it is.
  virtual Result<StoreState> refresh() { return state(); }

  // Nothing when no other process can change the data set. The store outlives it.
  virtual std::unique_ptr<ChangeListener> listen() { return nullptr; }

  // Forgets tombstones older than this. Returns how many.
  virtual Result<std::size_t> prune_tombstones(WallTime deleted_before) = 0;
};

}  // namespace vallum::databroker
