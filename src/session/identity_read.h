#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "async/task.h"
#include "base/time.h"
#include "databroker/databroker.h"
#include "session/identity_cache.h"

namespace vallum::session {

// What a look-up found, and where the store stood when it began.
struct IdentityRead {
  IdentityRef identity;
  databroker::StoreState as_of;
};

// Reads the records of a session and joins them (identity specification 3.2). `user_id` is set once
// the session named it, and `user_email` once the user did, so that the caller can tell which
// changes concern the look-up.
class IdentityReader {
 public:
  struct Options {
    std::size_t group_names_max = 0;
    IdentityWishes wishes = {};
  };
  IdentityReader(databroker::Databroker& broker, Options options)
      : broker_(broker), options_(std::move(options)) {}

  // The reader outlives the task.
  Async<IdentityRead> read(SessionWanted wanted, WallTime now, Deadline deadline);
  const std::string& user_id() const { return user_id_; }
  // Of the user's record, once that is read.
  const std::string& user_email() const { return user_email_; }
  // Of what is read from now on.
  void set_wishes(IdentityWishes wishes) { options_.wishes = std::move(wishes); }

 private:
  // False: no usable session.
  Async<bool> read_session(IdentityParts* parts, SessionWanted wanted, Deadline deadline);
  Async<void> read_user(IdentityParts* parts, Deadline deadline);
  Async<void> read_groups(IdentityParts* parts, Deadline deadline);
  Async<void> read_devices(IdentityParts* parts, Deadline deadline);
  Async<void> read_own_records(IdentityParts* parts, Deadline deadline);

  databroker::Databroker& broker_;
  Options options_;
  std::string user_id_;
  std::string user_email_;
};

}  // namespace vallum::session
