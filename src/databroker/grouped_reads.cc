#include "databroker/grouped_reads.h"

#include <iterator>
#include <utility>

#include "base/check.h"
#include "databroker/store_calls.h"

namespace vallum::databroker {
namespace {

// Keys of one group; what is beyond waits for the next.
constexpr std::size_t kKeysMax = 1024;

// A read that waits, for as long as its coroutine lives.
class Awaited {
 public:
  Awaited(Port& port, async::OneShot<Result<Fetched>>& answer)
      : port_(port), number_(++port.last_number) {
    port_.grouped_reads.emplace(number_, &answer);
  }
  Awaited(const Awaited&) = delete;
  Awaited& operator=(const Awaited&) = delete;
  ~Awaited() { port_.grouped_reads.erase(number_); }

  std::uint64_t number() const { return number_; }

 private:
  Port& port_;
  std::uint64_t number_;
};

}  // namespace

GroupedReads::GroupedReads(Parts parts)
    : parts_(std::move(parts)),
      reading_({.name = "reading",
                .threads = static_cast<unsigned>(parts_.readers.size()),
                .queued_max = parts_.readers.size() + 1}),
      wanted_(parts_.home) {}

Async<Fetched> GroupedReads::get_many(GroupedReads* self,
                                      std::vector<RecordKey> keys,
                                      Deadline deadline) {
  async::Core* const core = async::Core::current();
  CHECK(core != nullptr && core->index() < self->parts_.ports.size());
  async::OneShot<Result<Fetched>> answer(*core);
  const Awaited awaited(self->parts_.ports[core->index()], answer);
  self->parts_.home.post(
      [self,
       read = Waiting{.keys = std::move(keys),
                      .caller = core,
                      .number = awaited.number(),
                      .deadline = deadline}]() mutable { self->enqueue(std::move(read)); });
  CO_TRY(auto fetched, co_await answer.take(deadline));
  co_return fetched;
}

void GroupedReads::enqueue(Waiting read) {
  if (waiting_.size() >= parts_.waiting_max) {
    reply(read, fail(ErrorKind::ResourceExhausted, "databroker: too many reads are waiting"));
    return;
  }
  waiting_.push_back(std::move(read));
  wanted_.set();
}

void GroupedReads::reply(const Waiting& read, Result<Fetched> answer) {
  Port& port = parts_.ports[read.caller->index()];
  read.caller->post([&port, number = read.number, answer = std::move(answer)]() mutable {
    if (const auto found = port.grouped_reads.find(number); found != port.grouped_reads.end()) {
      found->second->complete(std::move(answer));
      port.grouped_reads.erase(found);
    }
  });
}

// Leaves out those that nobody waits for any more.
std::vector<GroupedReads::Waiting> GroupedReads::take_group() {
  std::vector<Waiting> group;
  std::size_t keys = 0;
  while (!waiting_.empty() && (group.empty() || keys + waiting_.front().keys.size() <= kKeysMax)) {
    if (!waiting_.front().deadline.has_passed(parts_.home.clock())) {
      keys += waiting_.front().keys.size();
      group.push_back(std::move(waiting_.front()));
    }
    waiting_.pop_front();
  }
  return group;
}

void GroupedReads::finish(const std::vector<Waiting>& group, Result<Fetched> answer) {
  if (!answer) {
    parts_.call_failed.set();
    for (const Waiting& read : group) {
      reply(read, fail(answer.error()));
    }
    return;
  }
  auto next = answer->records.begin();
  for (const Waiting& read : group) {
    const auto end = next + static_cast<std::ptrdiff_t>(read.keys.size());
    reply(read,
          Fetched{.records = {std::move_iterator(next), std::move_iterator(end)},
                  .state = answer->state});
    next = end;
  }
}

void GroupedReads::run(async::Scope& scope, const StoreState& state) {
  for (const auto& reader : parts_.readers) {
    scope.spawn(serve(this, reader.get(), &state));
  }
  if (parts_.readers.empty()) {
    scope.spawn(serve(this, nullptr, &state));
  }
}

Task<void> GroupedReads::serve(GroupedReads* self, PointReader* reader, const StoreState* state) {
  for (;;) {
    co_await self->wanted_.wait();
    self->wanted_.reset();
    while (!self->waiting_.empty()) {
      const std::vector<Waiting> group = self->take_group();
      if (group.empty()) {
        continue;
      }
      std::vector<RecordKey> keys;
      for (const Waiting& read : group) {
        keys.insert(keys.end(), read.keys.begin(), read.keys.end());
      }
      self->finish(group, co_await fetch_group(self, reader, std::move(keys), *state));
    }
  }
}

Async<Fetched> GroupedReads::fetch_group(GroupedReads* self,
                                         PointReader* reader,
                                         std::vector<RecordKey> keys,
                                         StoreState state) {
  if (reader != nullptr) {
    auto beside = [reader, keys] { return reader->get_many(keys); };
    CO_TRY(auto records,
           co_await self->reading_.run(self->parts_.home, std::move(beside), Deadline::never()));
    if (records) {
      co_return Fetched{.records = *std::move(records), .state = state};
    }
  }
  auto ask = [store = &self->parts_.store, keys = std::move(keys)] { return fetch(*store, keys); };
  co_return co_await self->parts_.pool.run(self->parts_.home, std::move(ask), Deadline::never());
}

}  // namespace vallum::databroker
