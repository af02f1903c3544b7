#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "async/core.h"
#include "async/event.h"
#include "async/scope.h"
#include "async/task.h"
#include "base/strings.h"
#include "base/time.h"
#include "databroker/databroker.h"
#include "policy/record_source.h"
#include "session/handle.h"
#include "session/identity_table.h"
#include "session/joined_identity.h"

namespace vallum::session {

// The session to look up, and what its reader must have seen.
struct SessionWanted {
  std::string session_id;
  bool is_service_account = false;
  std::uint64_t server_version = 0;
  std::uint64_t record_version = 0;

  static SessionWanted of(const Handle& handle);
};

// What identities hold beyond what everybody needs.
struct IdentityWishes {
  // The tokens of their session: only where somebody uses them, since they are most of its memory.
  bool tokens = false;
  // Users' own records.
  std::vector<policy::RecordSource> records;

  bool operator==(const IdentityWishes&) const = default;
};

struct IdentityRead;

// One core's joined identities by session id, the absent ones too. Changes of the records they were
// made from throw them out as the databroker tells of them, so what is found here is as fresh as
// the feed; a handle that names a newer version of the store than an identity was read from asks
// for a new look.
//
// Several requests for one session share one look-up. Its callers may give up; it goes on for the
// others. Destroyed when no caller waits.
class IdentityCache {
 public:
  struct Limits {
    std::size_t identities_max = 20000;
    // Groups of one user whose names are looked up; the rest stay without names.
    std::size_t group_names_max = 1000;
    Duration load_timeout = std::chrono::seconds(10);
  };
  // On its core, which must outlive it as the databroker must.
  IdentityCache(async::Core& core, databroker::Databroker& broker, Limits limits);
  IdentityCache(const IdentityCache&) = delete;
  IdentityCache& operator=(const IdentityCache&) = delete;
  ~IdentityCache();

  // Nothing: not known here or too old, load() it. Null as well for a session whose tokens ended
  // longer than `outage_grace` ago. Never allocates.
  std::optional<IdentityRef> find(const Handle& handle, WallTime now, Duration outage_grace);

  // Reads it from the databroker, for find() to find, unless a change throws it out at once again.
  // Fails when the records could not be read (Unavailable, DeadlineExceeded, ...): then nobody
  // knows whether there is a session.
  Async<void> load(SessionWanted wanted, Deadline deadline);

  // A change forgets everything.
  void set_wishes(IdentityWishes wishes);

  // Changes could not be followed for too long: nothing is known, and nobody is let in.
  bool is_stale() const { return broker_.is_stale(); }

  std::size_t size() const { return entries_.size(); }
  // Look-ups in the databroker since the start.
  std::uint64_t loads() const { return loads_; }

 private:
  struct Flight;
  class FlightHold;

  std::uint64_t ensure_flight(const SessionWanted& wanted);
  static Task<void> fly(IdentityCache* cache, std::uint64_t number);
  void land(Flight& flight, Result<IdentityRead> found);
  void keep(const SessionWanted& wanted, IdentityRef identity, databroker::StoreState as_of);
  void forget_session(const databroker::Record& change);
  void forget_user(const databroker::Record& change);
  void forget_owner(const policy::RecordSource& source, const databroker::Record& change);
  void forget_all();
  void note(const databroker::FeedEvent& event);

  async::Core& core_;
  databroker::Databroker& broker_;
  const Limits limits_;
  IdentityTable entries_;
  std::map<std::uint64_t, std::unique_ptr<Flight>> flights_;
  std::unordered_map<std::string, std::uint64_t, StringHash, std::equal_to<>> open_flights_;
  IdentityWishes wishes_;
  std::uint64_t last_flight_ = 0;
  std::uint64_t loads_ = 0;
  async::Scope scope_;
  std::unique_ptr<databroker::Subscription> subscription_;
};

}  // namespace vallum::session
