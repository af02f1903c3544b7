#include "databroker/databroker.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "databroker/databroker_native.h"

// What the databroker does on its home core by itself.
namespace vallum::databroker {
namespace {

constexpr Duration kPruneEvery = std::chrono::minutes(1);
// What other processes changed is looked for when they say so, and this often in any case.
constexpr Duration kRefreshEvery = std::chrono::seconds(30);
constexpr Duration kRefreshAgainAfter = std::chrono::seconds(1);
// And so often within the time that what is known may be used, so that it does not end in between.
constexpr int kRefreshesPerStaleness = 4;
// Sessions with a database beside the one that writes: one is waited for while another's answer is
// opened.
constexpr std::size_t kReaders = 2;

}  // namespace

std::unique_ptr<GroupedReads> Databroker::Native::make_grouped_reads(const Parts& parts) {
  auto readers = parts.storage == Storage::OwnThread ? store->readers(kReaders)
                                                     : std::vector<std::unique_ptr<PointReader>>();
  if (readers.empty() && store->keeper() == nullptr) {
    return nullptr;
  }
  return std::make_unique<GroupedReads>(
      GroupedReads::Parts{.home = home,
                          .pool = pool,
                          .store = *store,
                          .readers = std::move(readers),
                          .ports = ports,
                          .call_failed = call_failed,
                          .waiting_max = parts.cores * limits.reads_per_core_max});
}

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

// A keeper that did not answer a call, or answered nonsense, is asked for nothing but changes until
// it answers that, which others wait for: so it is asked soon, and not again and again.
Task<void> Databroker::Native::retry_loop(Native* self) {
  for (;;) {
    co_await self->call_failed.wait();
    const Deadline soon = self->home.deadline_in(kRefreshAgainAfter);
    co_await self->never.wait(soon);
    self->call_failed.reset();
    self->news_heard.set();
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
  if (pending.size() >= limits.pending_batches_max ||
      pending_bytes + write.bytes > limits.pending_bytes_max) {
    reply(write, fail(ErrorKind::ResourceExhausted, "databroker: too many writes are waiting"));
    return;
  }
  pending_bytes += write.bytes;
  pending.push_back(std::move(write));
  work_wanted.set();
}

// Leaves out writes that nobody waits for any more: one that was given up must not happen at some
// later time. The first is taken whatever its size, so that none waits for ever.
std::vector<PendingWrite> Databroker::Native::take_group() {
  std::vector<PendingWrite> group;
  std::size_t bytes = 0;
  while (!pending.empty() && group.size() < limits.commit_batches_max) {
    const std::size_t next_bytes = pending.front().bytes;
    if (!pending.front().deadline.has_passed(home.clock())) {
      if (!group.empty() && bytes + next_bytes > limits.commit_bytes_max) {
        break;
      }
      bytes += next_bytes;
      group.push_back(std::move(pending.front()));
    }
    pending_bytes -= next_bytes;
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
      if (outcome.error().kind() == ErrorKind::DeadlineExceeded) {
        call_failed.set();
      }
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
  if (failure) {
    call_failed.set();
  }
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

}  // namespace vallum::databroker
