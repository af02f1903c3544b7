#pragma once

#include <string_view>

#include "async/intrusive_list.h"
#include "policy/permit.h"

namespace vallum::proxy {

// An upgraded connection that goes on after its answer. Linked for as long as bytes flow, so that
// it ends when its session, user or route no longer allow it. Lives in the frame of the coroutine
// that copies the bytes.
class LiveStream : public async::ListHook<LiveStream> {
 public:
  // Asks again whether the stream is allowed, and closes it if not. Destroys nothing.
  virtual void check_again() = 0;
  // The session it belongs to; the tag of "" when anonymous.
  virtual policy::SessionTag session() const = 0;

 protected:
  ~LiveStream() = default;
};

// The live streams of one core. Home core only.
class LiveStreams {
 public:
  // Until the stream dies.
  void add(LiveStream& stream) { streams_.push_back(stream); }
  // After a change of configuration, and now and then, because time passes, too.
  void check_all();
  // After a change of the session or of what belongs to it.
  void check_session(policy::SessionTag session);

 private:
  async::List<LiveStream> streams_;
};

}  // namespace vallum::proxy
