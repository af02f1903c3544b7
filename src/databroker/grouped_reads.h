#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "async/blocking_pool.h"
#include "async/core.h"
#include "async/event.h"
#include "async/scope.h"
#include "async/task.h"
#include "databroker/databroker.h"
#include "databroker/port.h"
#include "databroker/store/store.h"

namespace vallum::databroker {

// Reads of a store that asks another process: those that wait together are asked for together, so
// that a network that is far away is waited for once; and beside the store's thread where the store
// has readers, so that nobody waits for what is being written. Any core calls; its own state lives
// on the home core.
class GroupedReads {
 public:
  struct Parts {
    async::Core& home;
    // Of the store's one thread.
    async::BlockingPool& pool;
    Store& store;
    // May be none.
    std::vector<std::unique_ptr<PointReader>> readers;
    std::vector<Port>& ports;
    // Set when the store could not say.
    async::Event& call_failed;
    std::size_t waiting_max;
  };
  // All parts outlive it.
  explicit GroupedReads(Parts parts);
  GroupedReads(const GroupedReads&) = delete;
  GroupedReads& operator=(const GroupedReads&) = delete;

  // ResourceExhausted when too many wait already.
  static Async<Fetched> get_many(GroupedReads* self,
                                 std::vector<RecordKey> keys,
                                 Deadline deadline);

  // Begins to serve, on the home core, for as long as the scope lives. `state` is what a reader's
  // answers are of at least.
  void run(async::Scope& scope, const StoreState& state);

 private:
  struct Waiting {
    std::vector<RecordKey> keys;
    async::Core* caller;
    std::uint64_t number;
    Deadline deadline;
  };

  static Task<void> serve(GroupedReads* self, PointReader* reader, const StoreState* state);
  static Async<Fetched> fetch_group(GroupedReads* self,
                                    PointReader* reader,
                                    std::vector<RecordKey> keys,
                                    StoreState state);
  void enqueue(Waiting read);
  void reply(const Waiting& read, Result<Fetched> answer);
  std::vector<Waiting> take_group();
  void finish(const std::vector<Waiting>& group, Result<Fetched> answer);

  Parts parts_;
  async::BlockingPool reading_;  // a thread for each reader
  std::deque<Waiting> waiting_;
  async::Event wanted_;
};

}  // namespace vallum::databroker
