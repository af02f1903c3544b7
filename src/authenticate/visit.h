#pragma once

#include <string>

#include "async/snapshot.h"
#include "http/message.h"

namespace vallum::session {
class JoinedIdentity;
}  // namespace vallum::session

namespace vallum::authenticate {

// A request to one of our own paths, with who asks. A value: it travels to the core that answers.
struct Visit {
  http::Request request;
  // Who is signed in on this host; null when nobody is.
  async::Snapshot<session::JoinedIdentity> identity;
};

}  // namespace vallum::authenticate
