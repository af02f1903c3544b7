#include <utility>

#include "codec/accept.h"
#include "http/status_of.h"
#include "pages/answer.h"
#include "pages/representation.h"
#include "proxy/connection.h"
#include "session/joined_identity.h"

namespace vallum::proxy {

using async::Ready;
using net::IoResult;

// Reads the whole body of a request to an own endpoint.
Async<std::string> Connection::read_own_body(Exchange* x) {
  const Limits& limits = x->generation->limits;
  const Deadline deadline = core_.core().deadline_in(
      limits.read_timeout == Duration::zero() ? limits.own_endpoint_timeout : limits.read_timeout);
  std::string body;
  http::BodyDecoder decoder(x->head.framing);
  if (x->head.expects_continue && !decoder.finished()) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    CO_TRY_OK(co_await net::write_all(stream_.get(), as_bytes(kContinue), deadline));
  }
  while (!decoder.finished()) {
    const auto step = decoder.feed(in_.text());
    if (!step) {
      co_return fail(ErrorKind::InvalidInput, "malformed body");
    }
    if (body.size() + step->data.size() > limits.own_body_bytes_max) {
      co_return fail(ErrorKind::ResourceExhausted, "the body is too large");
    }
    body.append(step->data);
    in_.consume(step->consumed);
    if (decoder.finished() || step->consumed > 0) {
      continue;
    }
    const IoResult result = stream_->try_read(in_.space(in_.size() + RelayScratch::kReadBytes));
    if (result.is_done()) {
      in_.produced(result.bytes);
      continue;
    }
    if (result.status != IoResult::Status::WouldBlock) {
      co_return fail(ErrorKind::Cancelled, "the client went away");
    }
    const Ready ready = co_await stream_->readable(deadline);
    if (ready != Ready::Ready) {
      co_return fail(ErrorKind::DeadlineExceeded, "the body did not come in time");
    }
  }
  x->body_finished = true;
  x->request_body_bytes = body.size();
  co_return body;
}

Task<void> Connection::answer_own(Exchange* x) {
  Result<std::string> body = co_await read_own_body(x);
  if (!body) {
    const http::StatusOf& status = http::status_of(body.error().kind());
    const bool too_large = body.error().kind() == ErrorKind::ResourceExhausted;
    reply_error(*x,
                too_large ? std::uint16_t{413} : status.http,
                too_large ? "Content Too Large" : http::reason_phrase(status.http),
                "own_endpoint_body");
    co_return;
  }
  const Deadline deadline = core_.core().deadline_in(x->generation->limits.own_endpoint_timeout);
  co_await planner_.answer_own(x, *std::move(body), deadline);
}

// Writes the answer in x->reply and forgets it.
Task<void> Connection::send_reply(Exchange* x) {
  http::Response response = *std::exchange(x->reply, std::nullopt);
  x->status = response.status;
  // A body nobody read ends the connection, unless it is here already.
  if (!x->body_finished && !x->head.expects_continue) {
    BodyRelay skipped(
        core_.scratch(), core_.blocks(), http::BodyDecoder(x->head.framing), http::BodyFraming());
    x->out.clear();
    x->body_finished = skipped.take_buffered(in_, x->out) == RelayFault::None && skipped.finished();
  }
  x->keep_alive = x->keep_alive && x->body_finished && !core_.is_draining();
  Planner::add_configured_headers(*x, response);
  x->out.clear();
  append_own_response(x->out,
                      response,
                      {.request_id = x->request_id.view(),
                       .date = core_.http_date(),
                       .method = x->head.method,
                       .keep_alive = x->keep_alive});
  x->response_body_bytes = x->head.method == http::Method::Head ? 0 : response.body.size();
  const Deadline deadline = core_.core().deadline_in(x->generation->limits.stream_idle_timeout);
  const Result<void> sent = co_await net::write_all(stream_.get(), as_bytes(x->out), deadline);
  if (!sent) {
    x->cut = true;
  }
}

}  // namespace vallum::proxy
