#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "databroker/rpc/record_client.h"
#include "session/records.h"

// Who is signed in, for operators. No token is ever shown: only whether there is one.
namespace vallum::recordtools {

// "" matches everything.
struct SessionFilter {
  std::string user_id;
  // Whatever the case of its letters.
  std::string email;
};

struct ListedSession {
  std::string id;
  std::string user_id;
  std::string email;
  std::string idp_id;
  std::optional<WallTime> issued_at;
  std::optional<WallTime> expires_at;
  std::optional<WallTime> accessed_at;
};

// The latest sign-in first. Sessions that cannot be read let nobody in and are left out.
Result<std::vector<ListedSession>> list_sessions(databroker::RecordClient& client,
                                                 const SessionFilter& filter);
std::string sessions_text(const std::vector<ListedSession>& sessions, WallTime now);

// NotFound: there is none with this id. The user is absent when there is no record of it.
struct ShownSession {
  session::SessionRecord session;
  std::optional<session::UserRecord> user;
};
Result<ShownSession> find_session(databroker::RecordClient& client, const std::string& id);
std::string session_text(const ShownSession& which, WallTime now);

// NotFound: there is none with this id. Every node ends it soon after.
Result<void> revoke_session(databroker::RecordClient& client, const std::string& id);
// How many were ended. A sign-in that is under way now may end up with a session.
Result<std::size_t> revoke_sessions_of(databroker::RecordClient& client,
                                       const std::string& user_id);

}  // namespace vallum::recordtools
