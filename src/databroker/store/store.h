#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "databroker/index_entries.h"
#include "databroker/lease_table.h"
#include "databroker/record.h"
#include "databroker/store/keys_at_rest.h"
#include "databroker/type_options.h"

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

class Keeper;

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

// Looks records up by key beside the thread that the store has. Blocking; one thread at a time,
// which need not be the same one. The store outlives it.
class PointReader {
 public:
  PointReader() = default;
  PointReader(const PointReader&) = delete;
  PointReader& operator=(const PointReader&) = delete;
  virtual ~PointReader() = default;

  // What Store::get_many() returns, of a moment at or after the call; or nothing where only the
  // store can say: it does not know yet what stands there, or whatever went wrong.
  virtual std::optional<std::vector<std::optional<Record>>> get_many(
      const std::vector<RecordKey>& keys) = 0;
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
  // whose conditions (versions, fences) do not hold changes nothing and does not hinder the others.
  // On failure (Unavailable: no space, no disk) nothing was applied, except after DeadlineExceeded:
  // then nobody can say yet whether it was. A store that others write to as well judges leases by a
  // clock they share instead of `now`, here and below.
  //
  // Keeps for each record the index_entries() of its value and its type's options; those of the
  // record that was there before are removed by what was stored, never by what comes in.
  virtual Result<std::vector<BatchOutcome>> commit(std::vector<Batch> batches, WallTime now) = 0;

  // NotFound for a record that is missing or deleted. Internal for a stored one that is not what
  // was last written there.
  virtual Result<Record> get(const RecordKey& key) = 0;
  // Several, in order; absent for those that get() would not find.
  virtual Result<std::vector<std::optional<Record>>> get_many(const std::vector<RecordKey>& keys);

  // Records of one type that are not deleted, by version.
  virtual Result<std::vector<Record>> list(std::string_view type, Page page) = 0;

  // Records of one type that are not deleted and have one of these index entries, by version.
  virtual Result<std::vector<Record>> find(std::string_view type,
                                           const std::vector<IndexEntry>& any_of,
                                           Page page) = 0;

  // Types that have records which are not deleted, in order, and how many.
  virtual Result<std::vector<std::string>> types() = 0;
  virtual Result<std::uint64_t> count(std::string_view type) = 0;

  // The last change of every record changed after a version, tombstones included, by version.
  // Conflict when tombstones after it are gone already: read everything again.
  virtual Result<std::vector<Record>> changes(Page page) = 0;

  // Learns what other processes that share the data set changed. state() is then what it is.
  virtual Result<StoreState> refresh() { return state(); }

  // Nothing when no other process can change the data set. The store outlives it.
  virtual std::unique_ptr<ChangeListener> listen() { return nullptr; }

  // As many as that, or none where reading beside the store's thread is no gain.
  virtual std::vector<std::unique_ptr<PointReader>> readers(std::size_t /*count*/) { return {}; }

  // Null for a store that keeps its records itself. Lives as long as the store.
  virtual Keeper* keeper() { return nullptr; }

  // Forgets tombstones older than this. Returns how many.
  virtual Result<std::size_t> prune_tombstones(WallTime deleted_before) = 0;

  // The store only indexes by options; the rest of what they ask for is done above it.
  virtual Result<OptionsByType> options() = 0;
  // Replaces a type's options (check_options() first); empty ones remove the entry. When the
  // indexable fields change, the index of the type's records is made anew in the same transaction.
  // ResourceExhausted when too many types have options.
  virtual Result<void> set_options(std::string_view type, const TypeOptions& options) = 0;

  // The operations of LeaseTable, durable. Conflict when somebody else holds the lease.
  virtual Result<Lease> acquire_lease(std::string_view name,
                                      std::string_view id,
                                      Duration duration,
                                      WallTime now) = 0;
  virtual Result<Lease> renew_lease(std::string_view name,
                                    std::string_view id,
                                    Duration duration,
                                    WallTime now) = 0;
  // Nothing happens when the lease is not held by that id.
  virtual Result<void> release_lease(std::string_view name, std::string_view id) = 0;

  // Forgets every record, tombstone, index entry and option; leases stay. Another server version
  // begins; versions go on counting, and changes can be asked for from the latest one on only.
  virtual Result<void> clear() = 0;

  // Null when nothing of the store is at rest anywhere. As long as the store.
  virtual KeysAtRest* keys_at_rest() { return nullptr; }
};

}  // namespace vallum::databroker
