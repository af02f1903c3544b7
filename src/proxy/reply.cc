#include <utility>

#include "pages/answer.h"
#include "pages/representation.h"
#include "proxy/planner.h"
#include "session/joined_identity.h"

namespace vallum::proxy {

using http::FieldId;

pages::Audience Planner::audience_of(const Exchange& x) {
  return {.path = x.target.path,
          .accept = x.head.fields.value(FieldId::Accept),
          .content_type = x.head.fields.value(FieldId::ContentType),
          .user_agent = x.head.fields.value(FieldId::UserAgent),
          .fetch_mode = x.head.fields.value(FieldId::SecFetchMode)};
}

// Makes a failure into an answer. What a client is told never depends on secrets of the failure.
void Planner::reply_error(Exchange& x,
                          std::uint16_t status,
                          std::string_view reason,
                          std::string_view details) {
  const pages::Refusal failure{
      .status = status, .reason = reason, .request_id = x.request_id.view()};
  x.reply = pages::report_failure(
      failure, pages::choose_failure_representation(audience_of(x)), core_.entropy());
  x.details = details;
  x.ending = Ending::LocalReply;
}

void Planner::reply_refusal(Exchange& x, const pages::Refusal& refusal) {
  x.reply = pages::refuse(refusal, pages::choose_representation(audience_of(x)), core_.entropy());
  x.details = "ext_authz_denied";
  x.ending = Ending::LocalReply;
}

http::Request Planner::owned_request(const Exchange& x, std::string body) {
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
void Planner::reply_assertion(Exchange& x) {
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
    x.reply = std::move(response);
  }
  x.details = "own_endpoint";
}

Task<void> Planner::answer_own(Exchange* x, std::string body, Deadline deadline) {
  if (x->target.path == "/.pomerium/jwt" && x->generation->settings->flags.pomerium_jwt_endpoint) {
    reply_assertion(*x);
    co_return;
  }
  authenticate::Visit visit{.request = owned_request(*x, std::move(body)),
                            .identity = x->check.identity};
  Result<http::Response> response =
      co_await core_.own_endpoints().answer(std::move(visit), deadline);
  x->ending = Ending::OwnEndpoint;
  x->details = "own_endpoint";
  if (!response) {
    reply_error(*x, 503, "Service Unavailable", "own_endpoint_failed");
    co_return;
  }
  x->reply = *std::move(response);
}

Task<void> Planner::start_login(Exchange* x, Deadline deadline) {
  authenticate::Visit visit{.request = owned_request(*x, {}), .identity = x->check.identity};
  Result<http::Response> response =
      co_await core_.own_endpoints().start_login(std::move(visit), deadline);
  x->details = "ext_authz_denied";
  x->ending = Ending::LocalReply;
  if (!response) {
    reply_error(*x, 503, "Service Unavailable", "login_unavailable");
    co_return;
  }
  x->reply = *std::move(response);
}

void Planner::add_configured_headers(const Exchange& x, http::Response& response) {
  const std::vector<HeaderLine>& configured = x.route == nullptr
                                                  ? x.generation->own_response_headers
                                                  : x.route->forward.set_response_headers;
  for (const HeaderLine& line : configured) {
    if (response.headers.find(line.name) == nullptr) {
      response.headers.add(line.name, line.value);
    }
  }
}

}  // namespace vallum::proxy
