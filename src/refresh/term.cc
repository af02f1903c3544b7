#include "refresh/term.h"

#include <algorithm>
#include <utility>

#include "async/sleep.h"
#include "refresh/kept_session.h"
#include "refresh/limits.h"

namespace vallum::refresh {
namespace {

Moment held_since(Moment asked) {
  return {.instant = asked.instant + Limits::kLeaseTime, .wall = asked.wall + Limits::kLeaseTime};
}

}  // namespace

Renewal::Term::Term(Renewal& renewal, const databroker::Lease& lease, Moment asked)
    : renewal_(renewal),
      parts_(renewal.parts_),
      tally_(renewal.tally_),
      fence_{.lease = lease.name, .epoch = lease.epoch},
      held_until_(held_since(asked)),
      schedule_(renewal.parts_.core.entropy()),
      resync_(renewal.parts_.core),
      wake_(renewal.parts_.core),
      jobs_(renewal.parts_.core),
      helpers_(renewal.parts_.core) {}

Renewal::Term::~Term() = default;

Task<void> Renewal::Term::run(async::CancelToken stop) {
  const async::CancelCallback on_stop(stop, [this] {
    is_stopping_ = true;
    wake_.set();
  });
  subscription_ = parts_.broker.subscribe(
      parts_.core, [this](const databroker::FeedEvent& event) { note(event); });
  helpers_.spawn(keep_lease());
  helpers_.spawn(read_all());
  while (!is_lost_ && !is_stopping_) {
    wake_.reset();
    begin_due();
    report();
    Instant until = parts_.core.now() + Limits::kLook;
    if (may_begin()) {
      until = std::min(until, schedule_.next(moment()));
    }
    co_await wake_.wait(Deadline(until));
  }
  // The lease goes on being renewed meanwhile, unless it is lost: that happens to whoever cannot
  // reach the store, and tokens that could not be kept are held for as long as it takes.
  co_await jobs_.drain(
      parts_.core.deadline_in(is_stopping_ ? Limits::kLeaseLeft : Limits::kHoldTokens));
  subscription_.reset();
  helpers_.cancel_children();
}

Moment Renewal::Term::moment() const {
  return {.instant = parts_.core.now(), .wall = parts_.core.clock().wall()};
}

// Enough of the lease must be left for the answer to come and be kept: so no two processes ever
// have an exchange under way at the same time.
bool Renewal::Term::may_begin() {
  const Moment now = moment();
  if (now.wall >= held_until_.wall) {
    // Somebody else may have taken it, which is not undone when civil time jumps back.
    held_until_.wall = WallTime::min();
  }
  return !is_lost_ && !is_stopping_ && !is_store_failing_ &&
         now.instant + Limits::kLeaseLeft <= held_until_.instant &&
         now.wall + Limits::kLeaseLeft <= held_until_.wall;
}

void Renewal::Term::begin_due() {
  while (may_begin()) {
    auto job = schedule_.take(moment());
    if (!job) {
      return;
    }
    jobs_.spawn(work(*std::move(job)));
  }
}

void Renewal::Term::report() {
  if (parts_.core.now() >= report_at_) {
    report_at_ = parts_.core.now() + Limits::kLook;
    tally_.set_sessions(schedule_.size(), schedule_.overdue(moment()));
  }
}

Task<void> Renewal::Term::keep_lease() {
  Duration pause = Limits::kLeaseRenewal;
  while (!is_lost_) {
    co_await async::sleep_for(parts_.core, pause);
    const Moment asked = moment();
    const Result<databroker::Lease> lease = co_await parts_.broker.renew_lease(
        fence_.lease, renewal_.lease_id_, Limits::kLeaseTime, store_deadline());
    pause = Limits::kLeaseRenewal;
    is_store_failing_ = !lease;
    if (lease && lease->epoch == fence_.epoch) {
      held_until_ = held_since(asked);
      wake_.set();
    } else if (lease || lease.error().kind() == ErrorKind::Conflict ||
               parts_.core.now() >= held_until_.instant) {
      lose();
    } else {
      pause = Limits::kStorePause;
    }
  }
}

void Renewal::Term::lose() {
  if (!is_lost_) {
    is_lost_ = true;
    parts_.log.warn("the lease to refresh sessions was lost", {{"epoch", fence_.epoch}});
    wake_.set();
  }
}

void Renewal::Term::note(const databroker::FeedEvent& event) {
  if (event.kind == databroker::FeedEvent::Kind::Resync) {
    resync_.set();
    return;
  }
  for (const databroker::Record& record : event.batch->records) {
    if (record.type == session::kSessionType) {
      note(record);
    }
  }
  wake_.set();
}

void Renewal::Term::note(const databroker::Record& record) {
  if (record.is_deleted()) {
    forget(record.id);
    return;
  }
  Known& known = known_[record.id];
  known.round = round_;
  if (record.version <= known.version) {
    return;
  }
  known.version = record.version;
  const auto session = session::decode_session(record.value);
  if (!session || session->id != record.id) {
    // Nobody can use it, and nobody knows when it ends.
    schedule_.forget(record.id);
    return;
  }
  const std::string_view provider =
      parts_.provider == nullptr ? std::string_view() : parts_.provider->id();
  schedule_.track(record.id, times_of(*session, provider), moment());
}

void Renewal::Term::forget(std::string_view id) {
  schedule_.forget(id);
  if (const auto known = known_.find(id); known != known_.end()) {
    known_.erase(known);
  }
}

// Reads every session when changes may have been missed.
Task<void> Renewal::Term::read_all() {
  while (true) {
    co_await resync_.wait();
    resync_.reset();
    ++round_;
    const Result<void> done = co_await read_round();
    if (!done) {
      parts_.log.warn("sessions cannot be read to refresh them",
                      {{"error", done.error().message()}});
      co_await async::sleep_for(parts_.core, Limits::kPauseMin);
      resync_.set();
      continue;
    }
    std::erase_if(known_, [this](const auto& item) {
      const bool is_gone = item.second.round != round_;
      if (is_gone) {
        schedule_.forget(item.first);
      }
      return is_gone;
    });
    wake_.set();
  }
}

Async<void> Renewal::Term::read_round() {
  databroker::Page page{.after_version = 0, .records_max = Limits::kPageRecords};
  while (true) {
    CO_TRY(const databroker::FetchedPage fetched,
           co_await parts_.broker.list(std::string(session::kSessionType), page, store_deadline()));
    if (fetched.records.empty()) {
      co_return {};
    }
    for (const databroker::Record& record : fetched.records) {
      note(record);
    }
    page.after_version = fetched.records.back().version;
    wake_.set();
  }
}

Deadline Renewal::Term::store_deadline() const {
  return parts_.core.deadline_in(Limits::kStoreTimeout);
}

}  // namespace vallum::refresh
