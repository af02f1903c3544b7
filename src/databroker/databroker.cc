#include "databroker/databroker.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "async/blocking_pool.h"
#include "async/event.h"
#include "async/on_core.h"
#include "async/run_on.h"
#include "async/scope.h"
#include "base/check.h"
#include "base/strings.h"
#include "databroker/grouped_reads.h"
#include "databroker/housekeeping.h"
#include "databroker/news.h"
#include "databroker/payload.h"
#include "databroker/port.h"
#include "databroker/store/keeper.h"
#include "databroker/store_calls.h"

namespace vallum::databroker {
namespace {

constexpr Duration kPruneEvery = std::chrono::minutes(1);
// What other processes changed is looked for when they say so, and this often in any case.
constexpr Duration kRefreshEvery = std::chrono::seconds(30);
constexpr Duration kRefreshAgainAfter = std::chrono::seconds(1);
// And so often within the time that what is known may be used, so that it does not end in between.
constexpr int kRefreshesPerStaleness = 4;
// How often patch() reads again what another writer changed under it.
constexpr int kPatchAttempts = 8;

}  // namespace

struct Databroker::Native {
  explicit Native(Parts parts)
      : home(parts.home),
        limits(parts.limits),
        max_staleness(parts.max_staleness),
        store(std::move(parts.store)),
        housekeeping(*store),
        ports(parts.cores),
        pool({.name = "storage",
              .threads = parts.storage == Storage::OwnThread ? 1U : 0U,
              .queued_max = parts.cores * limits.reads_per_core_max + 2}),
        listener(parts.storage == Storage::OwnThread ? store->listen() : nullptr),
        listening({.name = "changes", .threads = listener != nullptr ? 1U : 0U, .queued_max = 1}),
        grouped_reads({.home = home,
                       .pool = pool,
                       .store = *store,
                       .ports = ports,
                       .waiting_max = parts.cores * limits.reads_per_core_max}),
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
      scope.spawn(GroupedReads::run(&grouped_reads));
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
  async::BlockingPool pool;  // of one thread
  std::unique_ptr<ChangeListener> listener;
  async::BlockingPool listening;  // of one thread, if there is anything to hear
  GroupedReads grouped_reads;     // of a store with a keeper

  // The home core's.
  StoreState state;  // up to which subscribers were told
  std::uint64_t told_news = 0;
  std::deque<PendingWrite> pending;
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

// Writes and refreshes one after the other, so that what they bring is told in version order.
Task<void> Databroker::Native::work_loop(Native* self) {
  for (;;) {
    co_await self->work_wanted.wait();
    self->work_wanted.reset();
    while (self->refresh_wanted || !self->pending.empty()) {
      if (self->refresh_wanted) {
        self->refresh_wanted = false;
        co_await refresh(self);
      }
      co_await write_group(self);
    }
  }
}

Task<void> Databroker::Native::write_group(Native* self) {
  std::vector<PendingWrite> group = self->take_group();
  if (group.empty()) {
    co_return;
  }
  std::vector<Batch> batches;
  batches.reserve(group.size());
  for (PendingWrite& write : group) {
    batches.push_back(std::move(write.batch));
  }
  auto commit = [self,
                 batches = std::move(batches),
                 now = self->home.clock().wall(),
                 told = self->state]() mutable {
    auto outcomes = self->store->commit(std::move(batches), now);
    if (outcomes && self->store->keeper() == nullptr) {
      self->housekeeping.make_room(*outcomes, now);
    }
    return self->answer_with_news(std::move(outcomes), told);
  };
  auto answer = co_await self->pool.run(self->home, std::move(commit), Deadline::never());
  self->finish(group, std::move(answer));
}

Task<void> Databroker::Native::refresh(Native* self) {
  const Instant began = self->home.clock().now();
  const std::uint64_t number = ++self->refreshes_begun;
  auto look = [self, told = self->state]() -> Result<News> {
    TRY_OK(self->store->refresh());
    TRY(News news, news_since(*self->store, told, self->limits.feed_changes_max));
    news.number = ++self->last_news;
    return news;
  };
  auto news = co_await self->pool.run(self->home, std::move(look), Deadline::never());
  self->refresh_failure = news ? std::nullopt : std::optional(news.error());
  if (news) {
    self->publish(*std::move(news));
    self->tell_fresh(began);
  } else if (news.error().kind() == ErrorKind::Internal) {
    self->damage = news.error();
  }
  self->refreshes_ended = number;
  self->refreshed.set();
  self->looked.set();
}

// One that is under way may have looked before the caller's question came up.
Async<StoreState> Databroker::Native::look(Native* self, Deadline deadline) {
  const std::uint64_t wanted = self->refreshes_begun + 1;
  self->refresh_wanted = true;
  self->work_wanted.set();
  while (self->refreshes_ended < wanted) {
    self->looked.reset();
    const bool turned = co_await self->looked.wait(deadline);
    if (!turned) {
      co_return fail(ErrorKind::DeadlineExceeded, "databroker: no look at the changes in time");
    }
  }
  if (self->refresh_failure) {
    co_return fail(*self->refresh_failure);
  }
  co_return self->state;
}

// After the changes themselves, so that no core is fresh that was not told of one.
void Databroker::Native::tell_fresh(Instant at) {
  fresh_at = at;
  const async::Core* told = nullptr;
  for (const auto& [id, subscriber] : subscribers) {  // in the cores' order
    if (subscriber.core != told && !subscriber.is_behind) {
      subscriber.core->post([port = &ports[id.core], at] { port->fresh_at = at; });
      told = subscriber.core;
    }
  }
}

Duration Databroker::Native::refresh_pause() const {
  if (refresh_failure) {
    return kRefreshAgainAfter;
  }
  return max_staleness ? std::min(kRefreshEvery, *max_staleness / kRefreshesPerStaleness)
                       : kRefreshEvery;
}

// Asks for a refresh whenever news were heard, and now and then in any case: what was said while
// nobody listened is lost.
Task<void> Databroker::Native::refresh_loop(Native* self) {
  // Whoever asks a keeper knows nothing to begin with.
  bool waits = self->store->keeper() == nullptr;
  for (;;) {
    if (std::exchange(waits, true)) {
      const Deadline next = self->home.deadline_in(self->refresh_pause());
      co_await self->news_heard.wait(next);
      self->news_heard.reset();
    }
    self->refresh_wanted = true;
    self->work_wanted.set();
    co_await self->refreshed.wait();
    self->refreshed.reset();
  }
}

Task<void> Databroker::Native::listen_loop(Native* self) {
  for (;;) {
    auto wait = [listener = self->listener.get()] {
      listener->wait(kRefreshEvery);
      return true;
    };
    auto heard = co_await self->listening.run(self->home, std::move(wait), Deadline::never());
    if (heard) {
      self->news_heard.set();
    }
  }
}

CommitAnswer Databroker::Native::answer_with_news(Result<std::vector<BatchOutcome>> outcomes,
                                                  const StoreState& told) {
  CommitAnswer answer{.outcomes = std::move(outcomes), .news = {}};
  if (answer.outcomes) {
    answer.news = news_of_commit(*store, *answer.outcomes, told, limits.feed_changes_max);
    answer.news.number = ++last_news;
  }
  return answer;
}

Task<void> Databroker::Native::prune_loop(Native* self) {
  for (;;) {
    if (auto swept = co_await sweep(self); !swept) {
      self->note_storage(swept);
    }
    const Deadline next = self->home.deadline_in(kPruneEvery);
    co_await self->never.wait(next);
    auto prune = [store = self->store.get(),
                  before = self->home.clock().wall() - self->limits.tombstone_retention] {
      return store->prune_tombstones(before);
    };
    auto pruned = co_await self->pool.run(self->home, std::move(prune), Deadline::never());
    if (!pruned) {
      self->note_storage(fail(std::move(pruned).error()));
    }
  }
}

// Deletes what is too old or too much by the types' options, a bounded number at a time, so that
// writes come in between.
Async<void> Databroker::Native::sweep(Native* self) {
  for (;;) {
    auto round =
        [self, now = self->home.clock().wall(), told = self->state]() -> Result<CommitAnswer> {
      auto outcomes = self->housekeeping.sweep(now);
      if (!outcomes) {
        return fail(std::move(outcomes).error());
      }
      return self->answer_with_news(std::move(outcomes), told);
    };
    CO_TRY(CommitAnswer answer, co_await self->pool.run(self->home, round, Deadline::never()));
    if (answer.outcomes->empty()) {
      co_return Result<void>();
    }
    self->finish({}, std::move(answer));
  }
}

Async<Cleared> Databroker::Native::clear(Native* self) {
  auto begin_anew = [self]() -> Result<News> {
    TRY_OK(self->store->clear());
    if (self->store->keeper() == nullptr) {
      self->housekeeping.begin_anew();
    }
    return News{.number = ++self->last_news,
                .is_resync = true,
                .changes = {},
                .state = self->store->state()};
  };
  const std::uint64_t before = self->state.server_version;
  CO_TRY(News news, co_await self->pool.run(self->home, begin_anew, Deadline::never()));
  const std::uint64_t after = news.state.server_version;
  self->publish(std::move(news));
  co_return Cleared{.old_server_version = before, .new_server_version = after};
}

void Databroker::Native::enqueue(PendingWrite write) {
  if (pending.size() >= limits.pending_batches_max) {
    reply(write, fail(ErrorKind::ResourceExhausted, "databroker: too many writes are waiting"));
    return;
  }
  pending.push_back(std::move(write));
  work_wanted.set();
}

// Leaves out writes that nobody waits for any more: one that was given up must not happen at some
// later time.
std::vector<PendingWrite> Databroker::Native::take_group() {
  std::vector<PendingWrite> group;
  while (!pending.empty() && group.size() < limits.commit_batches_max) {
    if (!pending.front().deadline.has_passed(home.clock())) {
      group.push_back(std::move(pending.front()));
    }
    pending.pop_front();
  }
  return group;
}

void Databroker::Native::finish(const std::vector<PendingWrite>& group,
                                Result<CommitAnswer> answer) {
  if (!answer || !answer->outcomes) {
    const Error error = answer ? answer->outcomes.error() : answer.error();
    note_storage(fail(error));
    for (const PendingWrite& write : group) {
      reply(write, fail(error));
    }
    return;
  }
  note_storage({});
  const std::uint64_t server_version = answer->news.state.server_version;

  std::vector<Result<Committed>> results;
  results.reserve(group.size());
  for (BatchOutcome& outcome : *answer->outcomes) {
    if (!outcome) {
      results.emplace_back(fail(std::move(outcome).error()));
      continue;
    }
    Committed committed{.server_version = server_version, .versions = {}};
    for (const Record& record : *outcome) {
      committed.versions.push_back(record.version);
      committed.modified_at = record.modified_at;
    }
    results.emplace_back(std::move(committed));
  }
  // Subscribers first: who is told that a write happened finds its own core up to date.
  publish(std::move(answer->news));
  for (std::size_t i = 0; i < group.size(); ++i) {
    reply(group[i], std::move(results[i]));
  }
}

void Databroker::Native::reply(const PendingWrite& write, Result<Committed> result) {
  Port& port = ports[write.caller->index()];
  write.caller->post([&port, ticket = write.ticket, result = std::move(result)]() mutable {
    if (const auto waiting = port.writes.find(ticket); waiting != port.writes.end()) {
      waiting->second->complete(std::move(result));
      port.writes.erase(waiting);
    }
  });
}

void Databroker::Native::note_storage(const Result<void>& outcome) {
  failure = outcome ? std::nullopt : std::optional(outcome.error());
}

// What was told already, by news that were looked up meanwhile, is left out.
void Databroker::Native::publish(News news) {
  if (news.number <= told_news) {
    return;
  }
  told_news = news.number;
  const StoreState before = std::exchange(state, news.state);
  if (news.is_resync) {
    publish_resync();
    return;
  }
  if (before.server_version == state.server_version) {
    std::erase_if(news.changes, [&before](const Record& record) {
      return record.version <= before.latest_version;
    });
  }
  if (news.changes.empty() || subscribers.empty()) {
    return;
  }
  const auto batch = async::make_snapshot<ChangeBatch>(std::move(news.changes), state);
  const std::size_t count = batch->records.size();
  for (auto& [id, subscriber] : subscribers) {
    if (subscriber.is_behind) {
      continue;
    }
    if (subscriber.changes_unseen + count <= limits.feed_changes_max) {
      subscriber.changes_unseen += count;
      post_event(
          id, subscriber, {.kind = FeedEvent::Kind::Changes, .state = state, .batch = batch});
    } else if (subscriber.changes_unseen == 0) {
      post_event(id, subscriber, resync());
    } else {
      subscriber.is_behind = true;
    }
  }
}

void Databroker::Native::publish_resync() {
  for (auto& [id, subscriber] : subscribers) {
    if (!subscriber.is_behind) {
      post_event(id, subscriber, resync());
    }
  }
}

void Databroker::Native::post_event(SubscriberId id, Subscriber& subscriber, FeedEvent event) {
  subscriber.core->post([this, id, event = std::move(event)] {
    Port& port = ports[id.core];
    const auto found = port.subscriptions.find(id.number);
    if (found == port.subscriptions.end()) {
      return;
    }
    found->second->callback_(event);
    if (event.batch != nullptr) {
      home.post([this, id, count = event.batch->records.size()] { acknowledge(id, count); });
    }
  });
}

void Databroker::Native::add_subscriber(SubscriberId id, async::Core& core) {
  Subscriber& subscriber = subscribers[id];
  subscriber.core = &core;
  post_event(id, subscriber, resync());
  if (fresh_at) {
    tell_fresh(*fresh_at);
  }
}

void Databroker::Native::acknowledge(SubscriberId id, std::size_t changes) {
  const auto found = subscribers.find(id);
  if (found == subscribers.end()) {
    return;
  }
  Subscriber& subscriber = found->second;
  subscriber.changes_unseen -= changes;
  if (subscriber.is_behind && subscriber.changes_unseen == 0) {
    subscriber.is_behind = false;
    post_event(id, subscriber, resync());
  }
}

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
  if (!result && result.error().kind() == ErrorKind::Internal) {
    self->home.post([self, error = result.error()] { self->damage = error; });
  }
  co_return result;
}

Subscription::Subscription(Databroker& broker, async::Core& core, Callback callback)
    : broker_(broker), core_(core), callback_(std::move(callback)) {
  Port& port = broker_.native_->port_of(core);
  id_ = ++port.last_number;
  port.subscriptions.emplace(id_, this);
  auto* native = broker_.native_.get();
  native->home.post(
      [native, &core, id = SubscriberId{core.index(), id_}] { native->add_subscriber(id, core); });
}

Subscription::~Subscription() {
  broker_.native_->port_of(core_).subscriptions.erase(id_);
  auto* native = broker_.native_.get();
  native->home.post(
      [native, id = SubscriberId{core_.index(), id_}] { native->subscribers.erase(id); });
}

Databroker::Databroker(Parts parts) : native_(std::make_unique<Native>(std::move(parts))) {}
Databroker::~Databroker() = default;

const Limits& Databroker::limits() const {
  return native_->limits;
}

Async<Committed> Databroker::put(Batch batch, Deadline deadline) {
  CO_TRY_OK(check_batch(batch, native_->limits));
  async::Core* core = async::Core::current();
  CHECK(core != nullptr);
  async::OneShot<Result<Committed>> answer(*core);
  const Ticket ticket(native_->port_of(*core), answer);
  native_->home.post([native = native_.get(),
                      write = PendingWrite{.batch = std::move(batch),
                                           .caller = core,
                                           .ticket = ticket.number(),
                                           .deadline = deadline}]() mutable {
    native->enqueue(std::move(write));
  });
  CO_TRY(auto result, co_await answer.take(deadline));
  co_return result;
}

Async<Record> Databroker::get(RecordKey key, Deadline deadline) {
  CO_TRY_OK(check_key(key, native_->limits));
  if (native_->store->keeper() != nullptr) {
    std::vector<RecordKey> keys;
    keys.push_back(std::move(key));
    CO_TRY(Fetched fetched, co_await get_many(std::move(keys), deadline));
    if (!fetched.records.front()) {
      co_return fail(ErrorKind::NotFound, "record not found");
    }
    co_return *std::move(fetched.records.front());
  }
  auto read = [key = std::move(key)](Store& store) { return store.get(key); };
  co_return co_await Native::read(native_.get(), std::move(read), deadline);
}

Async<Fetched> Databroker::get_many(std::vector<RecordKey> keys, Deadline deadline) {
  if (keys.size() > native_->limits.read_records_max) {
    co_return fail(ErrorKind::InvalidInput, "databroker: too many records in one read");
  }
  for (const RecordKey& key : keys) {
    CO_TRY_OK(check_key(key, native_->limits));
  }
  if (native_->store->keeper() != nullptr) {
    co_return co_await GroupedReads::get_many(&native_->grouped_reads, std::move(keys), deadline);
  }
  auto read = [keys = std::move(keys)](Store& store) { return fetch(store, keys); };
  co_return co_await Native::read(native_.get(), std::move(read), deadline);
}

Async<FetchedPage> Databroker::list(std::string type, Page page, Deadline deadline) {
  page.records_max = std::min(page.records_max, native_->limits.read_records_max);
  auto read = [type = std::move(type), page](Store& store) {
    return with_state(store, store.list(type, page));
  };
  co_return co_await Native::read(native_.get(), std::move(read), deadline);
}

Async<FetchedPage> Databroker::changes(Page page, Deadline deadline) {
  page.records_max = std::min(page.records_max, native_->limits.read_records_max);
  auto read = [page](Store& store) { return with_state(store, store.changes(page)); };
  co_return co_await Native::read(native_.get(), std::move(read), deadline);
}

Async<StoreState> Databroker::state(Deadline deadline) {
  auto read = [](Store& store) { return Result<StoreState>(store.state()); };
  co_return co_await Native::read(native_.get(), std::move(read), deadline);
}

Async<StoreState> Databroker::look(Deadline deadline) {
  auto look = [native = native_.get(), deadline] { return Native::look(native, deadline); };
  co_return co_await async::run_on(native_->home, native_->scope, std::move(look));
}

bool Databroker::is_stale() const {
  if (!native_->max_staleness) {
    return false;
  }
  const async::Core* const core = async::Core::current();
  CHECK(core != nullptr);
  const std::optional<Instant> fresh_at = native_->port_of(*core).fresh_at;
  return !fresh_at || core->now() - *fresh_at >= *native_->max_staleness;
}

Async<Patched> Databroker::patch(Patch patch, Deadline deadline) {
  std::vector<RecordKey> keys;
  keys.reserve(patch.items.size());
  for (const Patch::Item& item : patch.items) {
    keys.push_back(item.key);
  }
  for (int attempt = 1;; ++attempt) {
    CO_TRY(Fetched fetched, co_await get_many(keys, deadline));
    Patched patched{.server_version = fetched.state.server_version, .records = {}};
    Batch batch;
    for (std::size_t i = 0; i < patch.items.size(); ++i) {
      if (!fetched.records[i]) {
        continue;
      }
      Record& record = *fetched.records[i];
      CO_TRY(record.value, merge_masked(patch.items[i].value, record.value, patch.mask));
      batch.push_back(Write::put(record.key(), record.value).if_version(record.version));
      batch.back().fence = patch.fence;
      patched.records.push_back(std::move(record));
    }
    if (batch.empty()) {
      co_return patched;
    }
    auto committed = co_await put(std::move(batch), deadline);
    if (committed) {
      patched.server_version = committed->server_version;
      for (std::size_t i = 0; i < patched.records.size(); ++i) {
        patched.records[i].version = committed->versions[i];
        patched.records[i].modified_at = committed->modified_at;
      }
      co_return patched;
    }
    if (committed.error().kind() != ErrorKind::Conflict || attempt == kPatchAttempts) {
      co_return fail(std::move(committed).error());
    }
  }
}

Async<QueryAnswer> Databroker::query(Query query, Deadline deadline) {
  CO_TRY_OK(check_key({.type = query.type, .id = "any"}, native_->limits));
  auto read = [native = native_.get(), query = std::move(query)](Store& store) {
    if (Keeper* const keeper = store.keeper(); keeper != nullptr) {
      return keeper->query(query);
    }
    return run_query(store, native->housekeeping.options(), query, native->limits);
  };
  co_return co_await Native::read(native_.get(), std::move(read), deadline);
}

Async<std::vector<std::string>> Databroker::types(Deadline deadline) {
  co_return co_await Native::read(
      native_.get(), [](Store& store) { return store.types(); }, deadline);
}

Async<KeyFacts> Databroker::key_facts(Deadline deadline) {
  auto list = [](Store& store) -> Result<KeyFacts> {
    TRY(KeysAtRest* const keys, keys_of(store));
    return keys->facts();
  };
  co_return co_await Native::read(native_.get(), list, deadline);
}

Async<bool> Databroker::begin_key_rotation(Deadline deadline) {
  auto begin = [now = native_->home.clock().wall()](Store& store) -> Result<bool> {
    TRY(KeysAtRest* const keys, keys_of(store));
    return keys->begin_rotation(now);
  };
  co_return co_await Native::read(native_.get(), begin, deadline);
}

Async<KeysAtRest::Step> Databroker::reseal_some(Deadline deadline) {
  auto reseal = [](Store& store) -> Result<KeysAtRest::Step> {
    TRY(KeysAtRest* const keys, keys_of(store));
    return keys->reseal();
  };
  co_return co_await Native::read(native_.get(), reseal, deadline);
}

Async<bool> Databroker::rewrap_keys(Deadline deadline) {
  auto rewrap = [](Store& store) -> Result<bool> {
    TRY(KeysAtRest* const keys, keys_of(store));
    return keys->rewrap();
  };
  co_return co_await Native::read(native_.get(), rewrap, deadline);
}

Async<OptionsByType> Databroker::options(Deadline deadline) {
  co_return co_await Native::read(
      native_.get(), [](Store& store) { return store.options(); }, deadline);
}

Async<void> Databroker::set_options(std::string type, TypeOptions options, Deadline deadline) {
  CO_TRY_OK(check_options(type, options, native_->limits));
  auto change = [native = native_.get(), type = std::move(type), options = std::move(options)](
                    Store& store) -> Result<StoreState> {
    TRY_OK(store.set_options(type, options));
    if (store.keeper() == nullptr) {
      TRY_OK(native->housekeeping.reload());
    }
    return store.state();
  };
  CO_TRY_OK(co_await Native::read(native_.get(), std::move(change), deadline));
  if (native_->store->keeper() != nullptr) {
    co_return Result<void>();
  }
  auto sweep = [native = native_.get()] { return Native::sweep(native); };
  co_return co_await async::run_on(native_->home, native_->scope, std::move(sweep));
}

Async<Lease> Databroker::acquire_lease(std::string name,
                                       std::string id,
                                       Duration duration,
                                       Deadline deadline) {
  CO_TRY_OK(check_lease(name, duration, native_->limits));
  auto acquire =
      [name = std::move(name), id = std::move(id), duration, clock = &native_->home.clock()](
          Store& store) { return store.acquire_lease(name, id, duration, clock->wall()); };
  co_return co_await Native::read(native_.get(), std::move(acquire), deadline);
}

Async<Lease> Databroker::renew_lease(std::string name,
                                     std::string id,
                                     Duration duration,
                                     Deadline deadline) {
  CO_TRY_OK(check_lease(name, duration, native_->limits));
  auto renew =
      [name = std::move(name), id = std::move(id), duration, clock = &native_->home.clock()](
          Store& store) { return store.renew_lease(name, id, duration, clock->wall()); };
  co_return co_await Native::read(native_.get(), std::move(renew), deadline);
}

Async<void> Databroker::release_lease(std::string name, std::string id, Deadline deadline) {
  auto release = [name = std::move(name), id = std::move(id)](Store& store) -> Result<StoreState> {
    TRY_OK(store.release_lease(name, id));
    return store.state();
  };
  CO_TRY_OK(co_await Native::read(native_.get(), std::move(release), deadline));
  co_return Result<void>();
}

Async<Cleared> Databroker::clear(Deadline deadline) {
  if (deadline.has_passed(native_->home.clock())) {
    co_return fail(ErrorKind::DeadlineExceeded, "databroker: too late to clear");
  }
  auto clear = [native = native_.get()] { return Native::clear(native); };
  co_return co_await async::run_on(native_->home, native_->scope, std::move(clear));
}

Async<std::optional<Error>> Databroker::storage_failure() {
  auto look = [native = native_.get()] {
    return native->damage    ? native->damage
           : native->failure ? native->failure
                             : native->refresh_failure;
  };
  co_return co_await async::on(native_->home, std::move(look));
}

std::unique_ptr<Subscription> Databroker::subscribe(async::Core& core,
                                                    Subscription::Callback callback) {
  DCHECK(core.on_home_core());
  return std::unique_ptr<Subscription>(new Subscription(*this, core, std::move(callback)));
}

}  // namespace vallum::databroker
