#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "async/blocking_pool.h"
#include "async/core.h"
#include "async/event.h"
#include "async/scope.h"
#include "base/check.h"
#include "databroker/databroker.h"
#include "databroker/grouped_reads.h"
#include "databroker/housekeeping.h"
#include "databroker/news.h"
#include "databroker/port.h"
#include "databroker/store/keeper.h"
#include "databroker/store_calls.h"

namespace vallum::databroker {

// What a databroker is: the store with its thread, and on the home core the writes that wait, the
// subscribers, and the work that comes by itself.
struct Databroker::Native {
  explicit Native(Parts parts)
      : home(parts.home),
        limits(parts.limits),
        max_staleness(parts.max_staleness),
        store(std::move(parts.store)),
        housekeeping(*store),
        ports(parts.cores),
        call_failed(home),
        pool({.name = "storage",
              .threads = parts.storage == Storage::OwnThread ? 1U : 0U,
              .queued_max = parts.cores * limits.reads_per_core_max + 2}),
        listener(parts.storage == Storage::OwnThread ? store->listen() : nullptr),
        listening({.name = "changes", .threads = listener != nullptr ? 1U : 0U, .queued_max = 1}),
        grouped_reads(make_grouped_reads(parts)),
        state(store->state()),
        work_wanted(home),
        news_heard(home),
        refreshed(home),
        looked(home),
        never(home),
        scope(home) {
    scope.spawn(work_loop(this));
    if (store->keeper() == nullptr) {
      fresh_at = home.clock().now();
      scope.spawn(prune_loop(this));
    } else {
      scope.spawn(retry_loop(this));
    }
    if (grouped_reads != nullptr) {
      grouped_reads->run(scope, state);
    }
    scope.spawn(refresh_loop(this));
    if (listener != nullptr) {
      scope.spawn(listen_loop(this));
    }
  }
  ~Native() {
    if (listener != nullptr) {
      listener->stop();
    }
  }
  Native(const Native&) = delete;
  Native& operator=(const Native&) = delete;

  Port& port_of(const async::Core& core) {
    CHECK(core.index() < ports.size());
    return ports[core.index()];
  }

  std::unique_ptr<GroupedReads> make_grouped_reads(const Parts& parts);
  void note_failure(const Error& error) {
    if (error.kind() == ErrorKind::Internal) {
      home.post([this, error] { damage = error; });
    } else if (error.kind() == ErrorKind::Unavailable) {
      home.post([this] { call_failed.set(); });
    }
  }

  template <class F>
  static auto read(Native* self, F function, Deadline deadline)
      -> Task<Result<typename std::invoke_result_t<F&, Store&>::value_type>>;

  static Task<void> work_loop(Native* self);
  static Task<void> write_group(Native* self);
  static Task<void> refresh(Native* self);
  static Async<StoreState> look(Native* self, Deadline deadline);
  Duration refresh_pause() const;
  void tell_fresh(Instant at);
  static Task<void> refresh_loop(Native* self);
  static Task<void> listen_loop(Native* self);
  static Task<void> retry_loop(Native* self);
  static Task<void> prune_loop(Native* self);
  static Async<void> sweep(Native* self);
  static Async<Cleared> clear(Native* self);
  void enqueue(PendingWrite write);
  std::vector<PendingWrite> take_group();
  void finish(const std::vector<PendingWrite>& group, Result<CommitAnswer> answer);
  void reply(const PendingWrite& write, Result<Committed> result);
  void note_storage(const Result<void>& outcome);

  // On the storage thread.
  CommitAnswer answer_with_news(Result<std::vector<BatchOutcome>> outcomes, const StoreState& told);
  void publish(News news);
  void publish_resync();
  void post_event(SubscriberId id, Subscriber& subscriber, FeedEvent event);
  void add_subscriber(SubscriberId id, async::Core& core);
  void acknowledge(SubscriberId id, std::size_t changes);
  FeedEvent resync() const {
    return {.kind = FeedEvent::Kind::Resync, .state = state, .batch = nullptr};
  }

  async::Core& home;
  const Limits limits;
  const std::optional<Duration> max_staleness;
  // The storage thread's, while calls run.
  std::unique_ptr<Store> store;
  Housekeeping housekeeping;
  std::uint64_t last_news = 0;
  std::vector<Port> ports;
  async::Event call_failed;  // a keeper did not answer; the home core's, as what uses it
  async::BlockingPool pool;  // of one thread
  std::unique_ptr<ChangeListener> listener;
  async::BlockingPool listening;                // of one thread, if there is anything to hear
  std::unique_ptr<GroupedReads> grouped_reads;  // of a store that asks another process

  // The home core's.
  StoreState state;  // up to which subscribers were told
  std::uint64_t told_news = 0;
  std::deque<PendingWrite> pending;
  std::size_t pending_bytes = 0;
  bool refresh_wanted = false;
  std::optional<Error> failure;
  std::optional<Error> damage;
  std::optional<Error> refresh_failure;  // of the last refresh
  std::uint64_t refreshes_begun = 0;
  std::uint64_t refreshes_ended = 0;
  // When the last one began that succeeded. A store that is not asked of a keeper was just opened.
  std::optional<Instant> fresh_at;
  std::map<SubscriberId, Subscriber> subscribers;
  async::Event work_wanted;
  async::Event news_heard;
  async::Event refreshed;
  async::Event looked;
  async::Event never;
  async::Scope scope;  // last: its coroutines use all of the above
};

// Runs `function` with the store on the storage thread, for the calling core.
template <class F>
auto Databroker::Native::read(Native* self, F function, Deadline deadline)
    -> Task<Result<typename std::invoke_result_t<F&, Store&>::value_type>> {
  async::Core* core = async::Core::current();
  CHECK(core != nullptr);
  Port& port = self->port_of(*core);
  if (port.reads >= self->limits.reads_per_core_max) {
    co_return fail(ErrorKind::ResourceExhausted, "databroker: too many reads are waiting");
  }
  const ReadSlot slot(port);
  auto call = [store = self->store.get(), function = std::move(function)]() mutable {
    return function(*store);
  };
  auto result = co_await self->pool.run(*core, std::move(call), deadline);
  if (!result) {
    self->note_failure(result.error());
  }
  co_return result;
}

}  // namespace vallum::databroker
