#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/core.h"
#include "async/snapshot.h"
#include "async/task.h"
#include "base/time.h"
#include "base/unique_function.h"
#include "databroker/limits.h"
#include "databroker/query.h"
#include "databroker/record.h"
#include "databroker/store/store.h"

namespace vallum::databroker {

class Databroker;

// What a batch of writes came to.
struct Committed {
  std::uint64_t server_version = 0;
  // One for each write, in the batch's order.
  std::vector<std::uint64_t> versions;
  WallTime modified_at{};
};

// Some fields of some records to replace.
struct Patch {
  struct Item {
    RecordKey key;
    Value value;
  };
  std::vector<Item> items;
  // Which fields, as merge_masked() takes them.
  std::vector<std::string> mask;
  std::optional<Fence> fence;
};

struct Patched {
  std::uint64_t server_version = 0;
  // As they are now; those that did not exist are left out.
  std::vector<Record> records;
};

struct Cleared {
  std::uint64_t old_server_version = 0;
  std::uint64_t new_server_version = 0;
};

// What the store held at one moment.
struct Fetched {
  // One for each key, in order; absent for missing and deleted records.
  std::vector<std::optional<Record>> records;
  StoreState state;
};

struct FetchedPage {
  std::vector<Record> records;
  StoreState state;
};

// Changes as one commit made them, by version. Each core sees the same object.
struct ChangeBatch {
  std::vector<Record> records;
  StoreState state;
};

// What a subscriber is told.
struct FeedEvent {
  enum class Kind : std::uint8_t {
    // Changes may have been missed, at the start or because the subscriber was slow: forget what
    // was
    // read before, or read everything after it again.
    Resync,
    // These records changed.
    Changes,
  };
  Kind kind = Kind::Resync;
  StoreState state;
  // Null for Resync. Until the callback returns; keep the snapshot to keep them.
  async::Snapshot<ChangeBatch> batch;
};

// Follows changes on one core until it dies: on that core, or after the core ended. The first event
// is a Resync; from then on every change comes in version order. Something read from the store may
// be newer than the changes told so far: a change of a version that is known already is old news.
class Subscription {
 public:
  using Callback = UniqueFunction<void(const FeedEvent&)>;

  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription();

 private:
  friend class Databroker;
  Subscription(Databroker& broker, async::Core& core, Callback callback);

  Databroker& broker_;
  async::Core& core_;
  Callback callback_;
  std::uint64_t id_ = 0;
};

// The records of the process, for all cores. Any core calls; the answer arrives on the calling
// core. Its own state lives on its home core; the store is used by a thread of its own, where
// writes that wait together become durable together.
//
//   CO_TRY(auto record, co_await broker.get({.type = ..., .id = ...}, deadline));
//   CO_TRY(auto done, co_await broker.put(std::move(batch), deadline));
//
// A call that fails with DeadlineExceeded may still happen. Unavailable: the store could not do it
// now, and nothing happened.
class Databroker {
 public:
  enum class Storage : std::uint8_t {
    OwnThread,
    OnCallingCore,  // simulations and tests: everything on one thread, in virtual time
  };
  struct Parts {
    // Outlives the databroker. Makes and destroys it: on that core, or while it does not run.
    async::Core& home;
    std::unique_ptr<Store> store;
    // Callers are cores with an index below.
    unsigned cores = 1;
    Storage storage = Storage::OwnThread;
    Limits limits = {};
    // Of a store that other processes change: how long what is known may be used when it cannot be
    // seen any more what they change. Absent: for ever.
    std::optional<Duration> max_staleness = std::nullopt;
  };
  explicit Databroker(Parts parts);
  Databroker(const Databroker&) = delete;
  Databroker& operator=(const Databroker&) = delete;
  // Waits for the storage thread. Writes that were not begun are dropped; nobody was told they
  // happened. Cores no longer run calls of it.
  ~Databroker();

  const Limits& limits() const;

  // All or nothing, durable when it returns. Conflict when a condition does not hold,
  // ResourceExhausted when too much waits already. On this core, the changes were told to
  // subscribers before this returns.
  Async<Committed> put(Batch batch, Deadline deadline);

  // NotFound for missing and deleted records.
  Async<Record> get(RecordKey key, Deadline deadline);
  Async<Fetched> get_many(std::vector<RecordKey> keys, Deadline deadline);
  // See Store.
  Async<FetchedPage> list(std::string type, Page page, Deadline deadline);
  Async<FetchedPage> changes(Page page, Deadline deadline);
  Async<StoreState> state(Deadline deadline);
  // The same after a look at what other processes have changed until now, of which subscribers were
  // told. Unavailable when nobody can say.
  Async<StoreState> look(Deadline deadline);

  // Replaces the masked fields of those records that exist, all of them or none, each as it was
  // read: what another writer changes meanwhile is read again, and Conflict when that goes on.
  // InvalidInput as merge_masked() has it.
  Async<Patched> patch(Patch patch, Deadline deadline);
  // InvalidInput when the type cannot be one; else see run_query().
  Async<QueryAnswer> query(Query query, Deadline deadline);
  // Types that have records, in order.
  Async<std::vector<std::string>> types(Deadline deadline);

  Async<OptionsByType> options(Deadline deadline);
  // What no longer fits is deleted, with tombstones, before this returns.
  Async<void> set_options(std::string type, TypeOptions options, Deadline deadline);

  // For the store's own clock. Conflict when somebody else holds the lease. The id is a secret of
  // the holder; `name` is 1 to Limits::id_bytes_max bytes.
  Async<Lease> acquire_lease(std::string name,
                             std::string id,
                             Duration duration,
                             Deadline deadline);
  Async<Lease> renew_lease(std::string name, std::string id, Duration duration, Deadline deadline);
  Async<void> release_lease(std::string name, std::string id, Deadline deadline);

  // Forgets everything but leases: subscribers get a Resync of another server version. Options are
  // again those every data set begins with.
  Async<Cleared> clear(Deadline deadline);

  // See KeysAtRest: what is done to the keys of a store in use, in bounded steps between which
  // others are served. NotFound when nothing of the store is at rest anywhere.
  Async<KeyFacts> key_facts(Deadline deadline);
  Async<bool> begin_key_rotation(Deadline deadline);
  Async<KeysAtRest::Step> reseal_some(Deadline deadline);
  Async<bool> rewrap_keys(Deadline deadline);

  // What is wrong with the store: that a record was altered behind our back, which stays until the
  // process ends, or why the last write failed, until one succeeds, or why it cannot be seen what
  // other processes changed.
  Async<std::optional<Error>> storage_failure();

  // For the calling core, at once: whether what it was told is older than max_staleness, so that
  // nothing may be decided by it. A core without a subscription is told nothing.
  bool is_stale() const;

  // On that core, or while it does not run. The databroker outlives the subscription, which the
  // callback must not destroy.
  std::unique_ptr<Subscription> subscribe(async::Core& core, Subscription::Callback callback);

 private:
  friend class Subscription;
  struct Native;

  std::unique_ptr<Native> native_;
};

}  // namespace vallum::databroker
