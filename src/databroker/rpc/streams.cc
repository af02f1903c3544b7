#include "databroker/rpc/streams.h"

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "databroker/messages.h"
#include "databroker/rpc/limits.h"
#include "proto/databroker.pb.h"

namespace vallum::databroker {

namespace wire = ::databroker;

namespace {

Unexpected other_data() {
  return fail(ErrorKind::Conflict, "invalid server version");
}

Unexpected gone_data() {
  return fail(ErrorKind::Conflict, "invalid record version");
}

// One call that is being answered.
template <class Request, class Message>
struct Sending {
  Desk* desk = nullptr;
  rpc::Call* caller = nullptr;
  const CallFacts* facts = nullptr;
  const Request* request = nullptr;
  // What is being written.
  Message message = {};
};
using SyncSending = Sending<wire::SyncRequest, wire::SyncResponse>;
using SyncLatestSending = Sending<wire::SyncLatestRequest, wire::SyncLatestResponse>;

template <class Call>
Async<void> send(Call* call) {
  return Desk::send(call->desk, call->caller, &call->message);
}

// The options of one type, empty ones too, or of all types that have some.
std::vector<wire::TypedOptions> wanted_options(const OptionsByType& options,
                                               const std::string& type) {
  std::vector<wire::TypedOptions> wanted;
  const auto add = [&wanted](const std::string& name, const TypeOptions& of_type) {
    wire::TypedOptions& message = wanted.emplace_back();
    message.set_typeurl(name);
    write_options(of_type, *message.mutable_options());
  };
  if (!type.empty()) {
    const auto found = options.find(type);
    add(type, found == options.end() ? TypeOptions() : found->second);
    return wanted;
  }
  for (const auto& [name, of_type] : options) {
    add(name, of_type);
  }
  return wanted;
}

template <class Call>
Async<void> send_options(Call* call) {
  Desk* const desk = call->desk;
  CO_TRY(const OptionsByType options,
         co_await desk->broker().options(desk->core().deadline_in(kCallTimeout)));
  for (wire::TypedOptions& message : wanted_options(options, call->request->type())) {
    call->message.Clear();
    *call->message.mutable_options() = std::move(message);
    CO_TRY_OK(co_await send(call));
  }
  co_return Result<void>();
}

// Follows the changes for one caller: what the subscription tells while there is room, what the
// store says after there was none.
class Follower {
 public:
  explicit Follower(SyncSending* call)
      : desk_(call->desk), call_(call), after_(call->request->record_version()) {}

  static Async<void> run(Follower* self) {
    const wire::SyncRequest& request = *self->call_->request;
    CO_TRY(const StoreState state, co_await self->desk_->broker().state(self->soon()));
    if (state.server_version != request.server_version()) {
      co_return other_data();
    }
    if (self->after_ < state.pruned_version) {
      co_return gone_data();
    }
    const bool waits = !request.has_wait() || request.wait();
    std::unique_ptr<Subscription> subscription;
    if (waits) {
      subscription = self->desk_->broker().subscribe(
          self->desk_->core(), [self](const FeedEvent& event) { self->hear(event); });
    }
    CO_TRY_OK(co_await send_options(self->call_));
    CO_TRY_OK(co_await catch_up(self));
    if (!waits) {
      co_return Result<void>();
    }
    for (;;) {
      CO_TRY_OK(co_await next(self));
    }
  }

 private:
  Deadline soon() const { return desk_->core().deadline_in(kCallTimeout); }

  void hear(const FeedEvent& event) {
    if (event.kind == FeedEvent::Kind::Resync ||
        heard_changes_ + event.batch->records.size() > kFollowerChangesMax) {
      is_behind_ = true;
      heard_.clear();
      heard_changes_ = 0;
    } else if (!is_behind_) {
      heard_changes_ += event.batch->records.size();
      heard_.push_back(event.batch);
    }
    call_->caller->turned().set();
  }

  // Sends what the store has, to its end.
  static Async<void> catch_up(Follower* self) {
    for (;;) {
      // From here on the subscription tells again what comes after the page that is read now.
      self->is_behind_ = false;
      const Page page{.after_version = self->after_, .records_max = kStreamPage};
      auto fetched = co_await self->desk_->broker().changes(page, self->soon());
      if (!fetched && fetched.error().kind() == ErrorKind::Conflict) {
        CO_TRY(const StoreState state, co_await self->desk_->broker().state(self->soon()));
        co_return state.server_version == self->call_->request->server_version() ? gone_data()
                                                                                 : other_data();
      }
      CO_TRY(FetchedPage changes, std::move(fetched));
      const bool is_last = changes.records.size() < kStreamPage;
      CO_TRY_OK(co_await send_all(self, std::move(changes.records), changes.state));
      if (is_last) {
        co_return Result<void>();
      }
    }
  }

  static Async<void> next(Follower* self) {
    if (self->call_->caller->is_gone() || self->desk_->is_stopping()) {
      co_return Desk::ended(*self->desk_);
    }
    if (self->is_behind_) {
      auto caught_up = co_await catch_up(self);
      co_return caught_up;
    }
    if (!self->heard_.empty()) {
      const async::Snapshot<ChangeBatch> batch = std::move(self->heard_.front());
      self->heard_.pop_front();
      self->heard_changes_ -= batch->records.size();
      auto sent = co_await send_all(self, batch->records, batch->state);
      co_return sent;
    }
    co_await self->call_->caller->turned().wait();
    self->call_->caller->turned().reset();
    co_return Result<void>();
  }

  static Async<void> send_all(Follower* self, std::vector<Record> records, StoreState state) {
    if (state.server_version != self->call_->request->server_version()) {
      co_return other_data();
    }
    const std::string& type = self->call_->request->type();
    for (Record& record : records) {
      if (record.version <= self->after_) {
        continue;  // told already
      }
      self->after_ = record.version;
      if (!type.empty() && record.type != type) {
        continue;
      }
      if (self->call_->facts->without_values) {
        record.value = {};
      }
      self->call_->message.Clear();
      write_record(std::move(record), *self->call_->message.mutable_record());
      CO_TRY_OK(co_await send(self->call_));
    }
    co_return Result<void>();
  }

  Desk* desk_;
  SyncSending* call_;
  // The last version that was sent, or left out.
  std::uint64_t after_;
  bool is_behind_ = false;
  std::size_t heard_changes_ = 0;
  std::deque<async::Snapshot<ChangeBatch>> heard_;  // kFollowerChangesMax changes
};

// Sends the records of one type that are not newer than `state`: what is newer comes with sync().
Async<void> send_latest(SyncLatestSending* call, std::string type, StoreState state) {
  Desk* const desk = call->desk;
  Page page{.after_version = call->facts->after_version, .records_max = kStreamPage};
  for (;;) {
    CO_TRY(FetchedPage fetched,
           co_await desk->broker().list(type, page, desk->core().deadline_in(kCallTimeout)));
    if (fetched.state.server_version != state.server_version) {
      co_return other_data();
    }
    for (Record& record : fetched.records) {
      page.after_version = record.version;
      if (record.version > state.latest_version) {
        co_return Result<void>();
      }
      call->message.Clear();
      write_record(std::move(record), *call->message.mutable_record());
      CO_TRY_OK(co_await send(call));
    }
    if (fetched.records.size() < kStreamPage) {
      co_return Result<void>();
    }
  }
}

Async<void> run_latest(SyncLatestSending* call) {
  Desk* const desk = call->desk;
  // Before the records: a change that comes in between is sent again by sync(), never left out.
  CO_TRY(const StoreState state,
         co_await desk->broker().state(desk->core().deadline_in(kCallTimeout)));
  std::vector<std::string> types = {call->request->type()};
  if (types.front().empty()) {
    CO_TRY(types, co_await desk->broker().types(desk->core().deadline_in(kCallTimeout)));
  }
  for (std::string& type : types) {
    CO_TRY_OK(co_await send_latest(call, std::move(type), state));
  }
  CO_TRY_OK(co_await send_options(call));
  call->message.Clear();
  call->message.mutable_versions()->set_server_version(state.server_version);
  call->message.mutable_versions()->set_latest_record_version(state.latest_version);
  CO_TRY_OK(co_await send(call));
  co_return Result<void>();
}

}  // namespace

Async<void> sync(Desk* desk,
                 rpc::Call* call,
                 const CallFacts* facts,
                 const wire::SyncRequest* request) {
  call->send_head();
  SyncSending sending{
      .desk = desk, .caller = call, .facts = facts, .request = request, .message = {}};
  Follower follower(&sending);
  co_return co_await Follower::run(&follower);
}

Async<void> sync_latest(Desk* desk,
                        rpc::Call* call,
                        const CallFacts* facts,
                        const wire::SyncLatestRequest* request) {
  call->send_head();
  SyncLatestSending sending{
      .desk = desk, .caller = call, .facts = facts, .request = request, .message = {}};
  co_return co_await run_latest(&sending);
}

}  // namespace vallum::databroker
