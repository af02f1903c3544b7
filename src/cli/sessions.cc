#include "recordtools/sessions.h"

#include <string>

#include "cli/answer.h"
#include "cli/record_commands.h"
#include "cli/with_databroker.h"
#include "recordtools/text.h"

namespace vallum::cli {

int list_sessions(const recordtools::WrittenConnection& connection,
                  const recordtools::SessionFilter& filter) {
  Databroker databroker;
  if (const auto found = databroker.find(connection); !found) {
    return cannot_say(found.error());
  }
  const auto sessions = recordtools::list_sessions(*databroker.client, filter);
  if (!sessions) {
    return cannot_say(sessions.error());
  }
  print_answer(recordtools::sessions_text(*sessions, databroker.clock.wall()));
  return 0;
}

int show_session(const recordtools::WrittenConnection& connection, const std::string& id) {
  Databroker databroker;
  if (const auto found = databroker.find(connection); !found) {
    return cannot_say(found.error());
  }
  const auto session = recordtools::find_session(*databroker.client, id);
  if (!session) {
    return not_done(session.error());
  }
  print_answer(recordtools::session_text(*session, databroker.clock.wall()));
  return 0;
}

int revoke_sessions(const recordtools::WrittenConnection& connection,
                    const std::string& id,
                    const std::string& user) {
  if (id.empty() && user.empty()) {
    return cannot_say(
        Error(ErrorKind::InvalidInput, "whose sessions is not said: write ID, or --user ID"));
  }
  Databroker databroker;
  if (const auto found = databroker.find(connection); !found) {
    return cannot_say(found.error());
  }
  if (!id.empty()) {
    const auto revoked = recordtools::revoke_session(*databroker.client, id);
    if (!revoked) {
      return not_done(revoked.error());
    }
    say("session " + recordtools::shown(id) + " is revoked\n");
    return 0;
  }
  const auto count = recordtools::revoke_sessions_of(*databroker.client, user);
  if (!count) {
    return cannot_say(count.error());
  }
  say(std::to_string(*count) + " sessions of user " + recordtools::shown(user) + " are revoked\n");
  return *count > 0 ? 0 : 1;
}

}  // namespace vallum::cli
