#include "session/identity_cache.h"

#include <algorithm>
#include <utility>

#include "session/identity_read.h"

namespace vallum::session {
namespace {

// A look-up whose records change under it is made again, this often in all.
constexpr int kReadsMax = 3;

}  // namespace

SessionWanted SessionWanted::of(const Handle& handle) {
  return {.session_id = handle.session_id,
          .is_service_account = handle.is_service_account(),
          .server_version = handle.server_version.value_or(0),
          .record_version = handle.record_version.value_or(0)};
}

// One look-up in progress.
struct IdentityCache::Flight {
  Flight(async::Core& core,
         SessionWanted session,
         databroker::Databroker& broker,
         IdentityReader::Options options)
      : wanted(std::move(session)), reader(broker, std::move(options)), done(core) {}

  SessionWanted wanted;
  IdentityReader reader;
  async::Event done;
  // Where the store stood when it was read.
  Result<databroker::StoreState> result = fail(ErrorKind::Internal, "a look-up that did not end");
  // Something that was read may have changed since.
  bool is_outdated = false;
  // Whoever waits, and the look-up itself, which begins a moment after it is made.
  std::size_t holders = 1;
};

// Keeps a flight, which ends with the last holder.
class IdentityCache::FlightHold {
 public:
  enum class Share : std::uint8_t { Another, TheFirst };
  FlightHold(IdentityCache& cache, std::uint64_t number, Share share)
      : cache_(cache), at_(cache.flights_.find(number)) {
    at_->second->holders += share == Share::Another ? 1U : 0U;
  }
  FlightHold(const FlightHold&) = delete;
  FlightHold& operator=(const FlightHold&) = delete;
  ~FlightHold() {
    if (--at_->second->holders == 0) {
      cache_.flights_.erase(at_);
    }
  }
  Flight& operator*() const { return *at_->second; }
  Flight* operator->() const { return at_->second.get(); }

 private:
  IdentityCache& cache_;
  std::map<std::uint64_t, std::unique_ptr<Flight>>::iterator at_;
};

IdentityCache::IdentityCache(async::Core& core, databroker::Databroker& broker, Limits limits)
    : core_(core), broker_(broker), limits_(limits), entries_(limits.identities_max), scope_(core) {
  subscription_ =
      broker_.subscribe(core_, [this](const databroker::FeedEvent& event) { note(event); });
}

IdentityCache::~IdentityCache() = default;

std::optional<IdentityRef> IdentityCache::find(const Handle& handle,
                                               WallTime now,
                                               Duration outage_grace) {
  const KnownIdentity* entry = entries_.find(handle.session_id);
  if (entry == nullptr || entry->is_service_account != handle.is_service_account()) {
    return std::nullopt;
  }
  const bool asks_for_newer = handle.server_version == entry->as_of.server_version &&
                              handle.record_version.value_or(0) >
                                  std::max(entry->as_of.latest_version, entry->asked_version);
  if (asks_for_newer || broker_.is_stale()) {
    return std::nullopt;
  }
  if (entry->identity != nullptr && !entry->identity->is_valid(now, outage_grace)) {
    return IdentityRef();
  }
  return entry->identity;
}

Async<void> IdentityCache::load(SessionWanted wanted, Deadline deadline) {
  if (broker_.is_stale()) {
    co_return fail(ErrorKind::Unavailable, "what is known of sessions is too old");
  }
  // A look-up that began before this handle was written may have missed what it names: then, once
  // more.
  for (int turn = 0;; ++turn) {
    const FlightHold flight(*this, ensure_flight(wanted), FlightHold::Share::Another);
    const bool is_done = co_await flight->done.wait(deadline);
    if (!is_done) {
      co_return fail(ErrorKind::DeadlineExceeded, "the session could not be looked up in time");
    }
    if (!flight->result) {
      co_return fail(flight->result.error());
    }
    const databroker::StoreState& as_of = *flight->result;
    const bool may_have_missed = as_of.server_version == wanted.server_version &&
                                 as_of.latest_version < wanted.record_version;
    if (!may_have_missed || turn > 0) {
      co_return {};
    }
  }
}

std::uint64_t IdentityCache::ensure_flight(const SessionWanted& wanted) {
  if (const auto open = open_flights_.find(wanted.session_id); open != open_flights_.end()) {
    Flight& flight = *flights_.find(open->second)->second;
    if (flight.wanted.is_service_account == wanted.is_service_account) {
      flight.wanted.record_version = std::max(flight.wanted.record_version, wanted.record_version);
      return open->second;
    }
  }
  const std::uint64_t number = ++last_flight_;
  const IdentityReader::Options options{.group_names_max = limits_.group_names_max,
                                        .wishes = wishes_};
  flights_.emplace(number, std::make_unique<Flight>(core_, wanted, broker_, options));
  open_flights_.insert_or_assign(wanted.session_id, number);
  scope_.spawn(fly(this, number));
  return number;
}

Task<void> IdentityCache::fly(IdentityCache* cache, std::uint64_t number) {
  const FlightHold flight(*cache, number, FlightHold::Share::TheFirst);
  const Deadline deadline = cache->core_.deadline_in(cache->limits_.load_timeout);
  Result<IdentityRead> found = fail(ErrorKind::Internal, "a look-up that did not begin");
  for (int read = 0; read < kReadsMax; ++read) {
    flight->is_outdated = false;
    ++cache->loads_;
    const WallTime now = cache->core_.clock().wall();
    found = co_await flight->reader.read(flight->wanted, now, deadline);
    if (!found || !flight->is_outdated) {
      break;
    }
  }
  cache->land(*flight, std::move(found));
}

void IdentityCache::land(Flight& flight, Result<IdentityRead> found) {
  const auto open = open_flights_.find(flight.wanted.session_id);
  if (open != open_flights_.end() && flights_.find(open->second)->second.get() == &flight) {
    open_flights_.erase(open);
  }
  if (!found) {
    flight.result = fail(std::move(found).error());
  } else if (flight.is_outdated) {
    flight.result = fail(ErrorKind::Unavailable, "the session's records change too fast to read");
  } else {
    flight.result = found->as_of;
    keep(flight.wanted, std::move(found->identity), found->as_of);
  }
  flight.done.set();
}

void IdentityCache::keep(const SessionWanted& wanted,
                         IdentityRef identity,
                         databroker::StoreState as_of) {
  const bool has_asked_version = wanted.server_version == as_of.server_version;
  entries_.put(wanted.session_id,
               {.identity = std::move(identity),
                .is_service_account = wanted.is_service_account,
                .as_of = as_of,
                .asked_version = has_asked_version ? wanted.record_version : 0});
}

void IdentityCache::note(const databroker::FeedEvent& event) {
  if (event.kind == databroker::FeedEvent::Kind::Resync) {
    forget_all();
    return;
  }
  for (const databroker::Record& change : event.batch->records) {
    if (change.type == kSessionType || change.type == kServiceAccountType) {
      forget_session(change);
    } else if (change.type == kUserType || change.type == kDirectoryUserType) {
      forget_user(change);
    } else if (change.type == kDirectoryGroupType || change.type == kDeviceCredentialType ||
               change.type == kDeviceEnrollmentType) {
      // Rare, and it may be a group or a device of anybody.
      forget_all();
    } else if (const auto* source = policy::find_source(wishes_.records, change.type)) {
      forget_owner(*source, change);
    }
  }
}

void IdentityCache::forget_session(const databroker::Record& change) {
  const KnownIdentity* entry = entries_.find(change.id);
  if (entry != nullptr && change.version > entry->as_of.latest_version) {
    entries_.erase(change.id);
  }
  if (const auto open = open_flights_.find(change.id); open != open_flights_.end()) {
    flights_.find(open->second)->second->is_outdated = true;
  }
}

void IdentityCache::forget_user(const databroker::Record& change) {
  entries_.erase_user(change.id, change.version);
  for (auto& [number, flight] : flights_) {
    flight->is_outdated = flight->is_outdated || flight->reader.user_id() == change.id;
  }
}

void IdentityCache::forget_owner(const policy::RecordSource& source,
                                 const databroker::Record& change) {
  if (source.key == policy::RecordKey::UserId) {
    forget_user(change);
    return;
  }
  entries_.erase_email(change.id, change.version);
  for (auto& [number, flight] : flights_) {
    flight->is_outdated = flight->is_outdated || flight->reader.user_email() == change.id;
  }
}

void IdentityCache::set_wishes(IdentityWishes wishes) {
  if (wishes_ == wishes) {
    return;
  }
  wishes_ = std::move(wishes);
  for (auto& [number, flight] : flights_) {
    flight->reader.set_wishes(wishes_);
  }
  forget_all();
}

void IdentityCache::forget_all() {
  entries_.clear();
  for (auto& [number, flight] : flights_) {
    flight->is_outdated = true;
  }
}

}  // namespace vallum::session
