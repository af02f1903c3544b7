#include "proxy/plain_server.h"

#include <utility>

#include "codec/http_date.h"
#include "http/status_of.h"
#include "http/syntax/body.h"
#include "proxy/message_heads.h"

namespace vallum::proxy {

namespace {

http::Response plain_text(std::uint16_t status, std::string_view text) {
  http::Response response{.status = status, .headers = {}, .body = std::string(text)};
  response.headers.add("Content-Type", "text/plain; charset=UTF-8");
  response.body.append("\n");
  return response;
}

// Appends what the peer sends next. Fails when it sends nothing more in time.
Async<void> read_more(net::Stream* stream, std::string* into, Deadline deadline) {
  Bytes piece(4096);
  CO_TRY(const std::size_t count, co_await net::read_some(stream, piece, deadline));
  if (count == 0) {
    co_return fail(ErrorKind::Cancelled, "the client went away");
  }
  into->append(as_text(ByteView(piece).first(count)));
  co_return Result<void>{};
}

}  // namespace

PlainServer::PlainServer(async::Core& core,
                         std::unique_ptr<net::Listener> listener,
                         Handler handler,
                         const Limits& limits)
    : core_(core),
      listener_(std::move(listener)),
      handler_(std::move(handler)),
      limits_(limits),
      connections_(core) {}

PlainServer::PlainServer(async::Core& core,
                         std::unique_ptr<net::Listener> listener,
                         SlowHandler handler,
                         const Limits& limits)
    : core_(core),
      listener_(std::move(listener)),
      slow_handler_(std::move(handler)),
      limits_(limits),
      connections_(core) {}

Task<void> PlainServer::run() {
  while (true) {
    Result<std::unique_ptr<net::Stream>> accepted = co_await listener_->accept();
    if (!accepted) {
      co_return;
    }
    if (connections_.size() < kConnectionsMax) {
      connections_.spawn(serve(*std::move(accepted)));
    }
  }
}

Task<void> PlainServer::serve(std::unique_ptr<net::Stream> stream) {
  bool is_head = false;
  Result<http::Response> response = co_await read_and_answer(stream.get(), &is_head);
  if (!response && response.error().kind() == ErrorKind::Cancelled) {
    co_return;
  }
  if (!response) {
    const std::uint16_t status = response.error().kind() == ErrorKind::DeadlineExceeded
                                     ? 408
                                     : http::status_of(response.error().kind()).http;
    response = plain_text(status, response.error().message());
  }
  std::string out;
  const std::string date = codec::http_date(core_.clock().wall());
  append_own_response(out,
                      *response,
                      {.request_id = "",
                       .date = date,
                       .method = is_head ? http::Method::Head : http::Method::Get,
                       .keep_alive = false});
  const Deadline deadline = core_.deadline_in(limits_.header_timeout);
  const Result<void> written = co_await net::write_all(stream.get(), as_bytes(out), deadline);
  if (!written) {
    co_return;
  }
  co_await net::close_lingering(
      std::move(stream), core_.deadline_in(limits_.linger_timeout), limits_.linger_bytes_max);
}

Async<http::Response> PlainServer::read_and_answer(net::Stream* stream, bool* is_head) {
  const Deadline deadline = core_.deadline_in(limits_.header_timeout);
  std::string text;
  http::RequestHead head;
  http::HeadReader reader(limits_.request_head);
  http::HeadStep step;
  while (!step.done()) {
    CO_TRY_OK(co_await read_more(stream, &text, deadline));
    step = reader.read_request(text, head);
    if (step.failed()) {
      const http::H1Refusal& refusal = http::describe(step.error);
      co_return plain_text(refusal.status, refusal.text);
    }
  }
  *is_head = head.method == http::Method::Head;
  const std::size_t mark = head.path_and_query.find('?');
  http::Request request{.method = head.method,
                        .scheme = http::Scheme::Http,
                        .authority = head.authority,
                        .path = std::string(head.path_and_query.substr(0, mark)),
                        .query = {},
                        .headers = {},
                        .body = {},
                        .peer = stream->peer_address().ip,
                        .request_id = core_.entropy().uuid()};
  if (mark != std::string_view::npos) {
    request.query = head.path_and_query.substr(mark + 1);
  }
  for (const http::Field& field : head.fields) {
    request.headers.add(field.name, field.value);
  }
  const http::BodyFraming framing = head.framing;
  const bool expects_continue = head.expects_continue;
  text.erase(0, step.consumed);
  if (expects_continue) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    CO_TRY_OK(co_await net::write_all(stream, as_bytes(kContinue), deadline));
  }
  CO_TRY(request.body, co_await read_body(stream, &text, framing, deadline));
  if (handler_) {
    co_return handler_(request);
  }
  co_return co_await slow_handler_(std::move(request));
}

Async<std::string> PlainServer::read_body(net::Stream* stream,
                                          std::string* buffered,
                                          http::BodyFraming framing,
                                          Deadline deadline) {
  http::BodyDecoder decoder(framing);
  std::string body;
  while (!decoder.finished()) {
    const auto step = decoder.feed(*buffered);
    if (!step) {
      co_return fail(ErrorKind::InvalidInput, "malformed body");
    }
    if (body.size() + step->data.size() > limits_.own_body_bytes_max) {
      co_return fail(ErrorKind::InvalidInput, "the body is too large");
    }
    body.append(step->data);
    buffered->erase(0, step->consumed);
    if (!decoder.finished() && step->consumed == 0) {
      CO_TRY_OK(co_await read_more(stream, buffered, deadline));
    }
  }
  co_return body;
}

}  // namespace vallum::proxy
