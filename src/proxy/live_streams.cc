#include "proxy/live_streams.h"

namespace vallum::proxy {

void LiveStreams::check_all() {
  if (streams_.empty()) {
    return;
  }
  for (LiveStream* stream = &streams_.front(); stream != nullptr; stream = streams_.next(*stream)) {
    stream->check_again();
  }
}

void LiveStreams::check_session(policy::SessionTag session) {
  if (streams_.empty()) {
    return;
  }
  for (LiveStream* stream = &streams_.front(); stream != nullptr; stream = streams_.next(*stream)) {
    if (stream->session() == session) {
      stream->check_again();
    }
  }
}

}  // namespace vallum::proxy
