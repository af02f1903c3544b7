#include "proxy/exchange.h"

namespace vallum::proxy {

namespace {

// A text that once held something unusually long does not keep its memory for ever.
void clear_bounded(std::string& text) {
  constexpr std::size_t kKeptMax = 32 * 1024;
  if (text.capacity() > kKeptMax) {
    std::string().swap(text);
  }
  text.clear();
}

}  // namespace

void Exchange::reset() {
  generation.reset();
  head_bytes.clear();
  head_bytes.release();
  head.clear();
  target = {};
  clear_bounded(target_scratch);
  clear_bounded(path_scratch);
  decoded_path = {};
  client_ip.reset();
  route = nullptr;
  route_index = {};
  check.reset();
  decided = false;
  clear_bounded(out);
  upstream_bytes.clear();
  upstream_bytes.release();
  answer.clear();
  upstream_peer.clear();
  clear_bounded(record_subject);
  reply.reset();
  ending = Ending::None;
  status = 0;
  details = {};
  outcome = {};
  request_body_bytes = 0;
  response_body_bytes = 0;
  authorize_time.reset();
  connect_time.reset();
  first_byte_time.reset();
  keep_alive = true;
  body_finished = true;
  cut = false;
}

policy::PermitTerms Exchange::terms() const {
  return {
      .exchange = id, .generation = generation->id, .route = route_index, .session = check.session};
}

}  // namespace vallum::proxy
