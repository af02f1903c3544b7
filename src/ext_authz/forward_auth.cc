#include "ext_authz/forward_auth.h"

#include <utility>

#include "base/ip_address.h"

namespace vallum::ext_authz {

namespace {

http::Response plain_text(std::uint16_t status, std::string_view text) {
  http::Response response{.status = status, .headers = {}, .body = std::string(text)};
  response.headers.add("Content-Type", "text/plain; charset=UTF-8");
  response.headers.add("Cache-Control", "no-store");
  response.body.append("\n");
  return response;
}

// Cookie and Authorization always stand there when the application is to get them, because proxies
// that copy the headers they are told to copy remove the client's own first.
http::Response granted(const Grant& grant) {
  http::Response response{.status = 200, .headers = grant.changes.set, .body = {}};
  if (!grant.cookie.empty()) {
    response.headers.set("Cookie", grant.cookie);
  }
  if (!grant.authorization.empty()) {
    response.headers.set("Authorization", grant.authorization);
  }
  response.headers.set("Cache-Control", "no-store");
  return response;
}

// nginx makes 500 of everything but 2xx, 401 and 403; what it is to redirect to stands in Location.
std::uint16_t status_for_nginx(std::uint16_t status) {
  if (status == 401 || (status >= 300 && status < 400)) {
    return 401;
  }
  return status >= 400 && status < 500 ? 403 : status;
}

}  // namespace

http::Response response_of(Family family, Answer answer) {
  if (const auto* grant = std::get_if<Grant>(&answer.verdict)) {
    return granted(*grant);
  }
  http::Response response = std::get<Denial>(std::move(answer.verdict)).response;
  if (response.status < 300) {
    // To the proxy that asks, 2xx would mean that the request may go on to the application.
    return plain_text(403, "pass /.pomerium/ and /.well-known/pomerium/ to Vallum's own listener");
  }
  if (family == Family::Original) {
    response.status = status_for_nginx(response.status);
  }
  return response;
}

Task<void> ForwardAuth::answer(proxy::Exchange* x) {
  const config::ExtAuthzSettings& settings = x->generation->settings->ext_authz;
  x->ending = proxy::Ending::LocalReply;
  if (!peers_.may_ask(IpAddress::parse(x->peer_text), settings)) {
    x->details = "forward_auth_stranger";
    x->reply = plain_text(403, "this address is not one of ext_authz_peers");
    co_return;
  }
  const Result<ForwardedQuestion> asked = read_forwarded(x->head);
  if (!asked) {
    x->details = "forward_auth_question";
    x->reply = plain_text(400, asked.error().message());
    co_return;
  }
  x->details = "forward_auth";
  const Deadline deadline = core_.core().deadline_in(settings.check_timeout);
  Answer answer = co_await decide(&core_, &asked->question, deadline);
  x->request_id = answer.request_id;  // so that both records of the question have one
  x->reply = response_of(asked->family, std::move(answer));
}

}  // namespace vallum::ext_authz
