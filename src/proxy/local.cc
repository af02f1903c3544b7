#include <utility>

#include "codec/accept.h"
#include "http/status_of.h"
#include "pages/answer.h"
#include "pages/representation.h"
#include "proxy/connection.h"
#include "session/joined_identity.h"

namespace vallum::proxy {

using async::Ready;
using http::FieldId;
using net::IoResult;

pages::Audience Connection::audience_of(const Exchange& x) {
  return {.path = x.target.path,
          .accept = x.head.fields.value(FieldId::Accept),
          .content_type = x.head.fields.value(FieldId::ContentType),
          .user_agent = x.head.fields.value(FieldId::UserAgent),
          .fetch_mode = x.head.fields.value(FieldId::SecFetchMode)};
}

// Makes a failure into an answer. What a client is told never depends on secrets of the failure.
void Connection::reply_error(Exchange& x,
                             std::uint16_t status,
                             std::string_view reason,
                             std::string_view details) {
  const pages::Refusal failure{
      .status = status, .reason = reason, .request_id = x.request_id.view()};
  reply_ = pages::report_failure(
      failure, pages::choose_failure_representation(audience_of(x)), core_.entropy());
  x.details = details;
  x.ending = Ending::LocalReply;
}

void Connection::reply_refusal(Exchange& x, const pages::Refusal& refusal) {
  reply_ = pages::refuse(refusal, pages::choose_representation(audience_of(x)), core_.entropy());
  x.details = "ext_authz_denied";
  x.ending = Ending::LocalReply;
}

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

http::Request Connection::owned_request(const Exchange& x, std::string body) const {
  http::Request request{.method = x.head.method,
                        .scheme = http::Scheme::Https,
                        .authority = x.head.authority,
                        .path = std::string(x.target.path),
                        .query = std::string(x.target.query),
                        .headers = {},
                        .body = std::move(body),
                        .peer = x.client_ip.value_or(IpAddress()),
                        .request_id = std::string(x.request_id.view())};
  for (const http::Field& field : x.head.fields) {
    request.headers.add(field.name, field.value);
  }
  return request;
}

// The assertion about whoever asks, for scripts of an application (policy specification 5.3).
void Connection::reply_assertion(Exchange& x) {
  x.ending = Ending::OwnEndpoint;
  const bool is_read = x.head.method == http::Method::Get || x.head.method == http::Method::Head;
  if (!is_read || x.check.identity == nullptr || x.check.identity->user_id().empty()) {
    reply_refusal(x,
                  {.status = is_read ? std::uint16_t{404} : std::uint16_t{405},
                   .request_id = x.request_id.view()});
  } else {
    http::Response response{.status = 200, .headers = {}, .body = {}};
    response.headers.add("Content-Type", "application/jwt");
    response.headers.add("Cache-Control", "no-store");
    response.body = core_.authorizer().sign_assertion({.identity = x.check.identity.get(),
                                                       .host = x.head.authority.host(),
                                                       .rules = x.generation->settings->assertion});
    reply_ = std::move(response);
  }
  x.details = "own_endpoint";
}

Task<void> Connection::answer_own(Exchange* x) {
  if (x->target.path == "/.pomerium/jwt" && x->generation->settings->flags.pomerium_jwt_endpoint) {
    reply_assertion(*x);
    co_return;
  }
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
  authenticate::Visit visit{.request = owned_request(*x, *std::move(body)),
                            .identity = x->check.identity};
  const Deadline deadline = core_.core().deadline_in(x->generation->limits.own_endpoint_timeout);
  Result<http::Response> response =
      co_await core_.own_endpoints().answer(std::move(visit), deadline);
  x->ending = Ending::OwnEndpoint;
  x->details = "own_endpoint";
  if (!response) {
    reply_error(*x, 503, "Service Unavailable", "own_endpoint_failed");
    co_return;
  }
  reply_ = *std::move(response);
}

Task<void> Connection::start_login(Exchange* x) {
  authenticate::Visit visit{.request = owned_request(*x, {}), .identity = x->check.identity};
  const Deadline deadline = core_.core().deadline_in(x->generation->limits.own_endpoint_timeout);
  Result<http::Response> response =
      co_await core_.own_endpoints().start_login(std::move(visit), deadline);
  x->details = "ext_authz_denied";
  x->ending = Ending::LocalReply;
  if (!response) {
    reply_error(*x, 503, "Service Unavailable", "login_unavailable");
    co_return;
  }
  reply_ = *std::move(response);
}

// Writes the answer in reply_ and forgets it.
Task<void> Connection::send_reply(Exchange* x) {
  http::Response response = *std::exchange(reply_, std::nullopt);
  x->status = response.status;
  // A body nobody read ends the connection, unless it is here already.
  if (!x->body_finished && !x->head.expects_continue) {
    BodyRelay skipped(
        core_.scratch(), core_.blocks(), http::BodyDecoder(x->head.framing), http::BodyFraming());
    x->out.clear();
    x->body_finished = skipped.take_buffered(in_, x->out) == RelayFault::None && skipped.finished();
  }
  x->keep_alive = x->keep_alive && x->body_finished && !core_.is_draining();
  const std::vector<HeaderLine>& configured = x->route == nullptr
                                                  ? x->generation->own_response_headers
                                                  : x->route->forward.set_response_headers;
  for (const HeaderLine& line : configured) {
    if (response.headers.find(line.name) == nullptr) {
      response.headers.add(line.name, line.value);
    }
  }
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
