#include <array>

#include "base/strings.h"
#include "codec/accept.h"
#include "http/syntax/list_items.h"
#include "pages/answer.h"
#include "pages/representation.h"
#include "proxy/connection.h"
#include "session/joined_identity.h"

namespace vallum::proxy {

using http::FieldId;
using policy::Outcome;

namespace {

// The address `hops` from the right of X-Forwarded-For as received (configuration
// specification 4.7).
std::optional<IpAddress> forwarded_address(const http::Fields& fields, unsigned hops) {
  constexpr std::size_t kHopsMax = 64;
  std::array<std::string_view, kHopsMax> ring;
  std::size_t count = 0;
  for (const http::Field& field : fields) {
    if (field.id == FieldId::XForwardedFor) {
      http::for_each_item(field.value, [&](std::string_view item) {
        ring[count % kHopsMax] = item;
        ++count;
        return true;
      });
    }
  }
  if (hops == 0 || hops > kHopsMax || count < hops) {
    return std::nullopt;
  }
  return IpAddress::parse(ring[(count - hops) % kHopsMax]);
}

}  // namespace

void Connection::find_client(Exchange& x) {
  const IpAddress peer = stream_->peer_address().ip;
  x.peer_text = peer.text();
  x.client_ip = peer;
  const unsigned hops = x.generation->forward.trusted_hops;
  if (hops > 0) {
    const std::optional<IpAddress> forwarded = forwarded_address(x.head.fields, hops);
    if (forwarded) {
      x.client_ip = forwarded;
    }
  }
}

// Brings the request into its one form, finds what it is for, and decides.
Connection::Step Connection::plan(Exchange& x) {
  if (x.head.method == http::Method::Connect) {
    reply_error(x, 404, "Not Found", "route_not_found");
    return Step::Replied;
  }
  const Result<http::NormalizedTarget> target =
      http::normalize_target(x.head.path_and_query, x.generation->normalize, x.target_scratch);
  if (!target) {
    reply_error(x, 400, "Bad Request", "path_normalization_failed");
    return Step::Replied;
  }
  x.target = *target;
  x.decoded_path = http::decode_path(x.target.path, x.path_scratch);
  const route::RouteTable::Match match =
      x.generation->table.find(x.head.authority, x.target.path, x.head.method);
  if (match.own == route::OwnEndpoint::None && !match.route) {
    reply_error(x, 404, "Not Found", "route_not_found");
    return Step::Replied;
  }
  if (match.route) {
    x.route_index = static_cast<policy::RouteIndex>(*match.route);
    x.route = &x.generation->routes[*match.route];
  }
  if (x.generation->settings->client_certificates.all != nullptr && refuse_client(x)) {
    return Step::Replied;
  }
  return decide(x);
}

// Asks the authorizer; again after a session was loaded.
Connection::Step Connection::decide(Exchange& x) {
  const config::RouteSettings* settings = x.route == nullptr ? nullptr : x.route->settings;
  core_.authorizer().check({.head = x.head,
                            .query = x.target.query,
                            .path = x.decoded_path,
                            .client_ip = x.client_ip,
                            .certificate = certificate_.get(),
                            .route = settings,
                            .terms = {.exchange = x.id,
                                      .generation = x.generation->id,
                                      .route = x.route_index,
                                      .session = {}}},
                           x.check);
  switch (x.check.state) {
    case authorize::Check::State::NeedsIdentity:
      return Step::LoadIdentity;
    case authorize::Check::State::Ambiguous:
      reply_error(x, 400, "Bad Request", "ambiguous_session");
      return Step::Replied;
    case authorize::Check::State::Decided:
      break;
  }
  if (x.route == nullptr) {
    return Step::AnswerOwn;
  }
  x.authorize_time = core_.core().clock().now() - x.head_complete;
  if (x.check.outcome == Outcome::Allowed && x.check.permit) {
    if (!settings->not_served_because.empty()) {
      // Nothing is forwarded, but that this person would have been let in is on record.
      if (!record_decision(x)) {
        reply_error(x, 503, "Service Unavailable", "decision_not_recorded");
        return Step::Replied;
      }
      reply_error(x, 503, "Service Unavailable", "route_not_served");
      return Step::Replied;
    }
    return Step::Forward;
  }
  return deny(x);
}

bool Connection::wants_login_redirect(const Exchange& x) const {
  const pages::Audience audience = audience_of(x);
  const pages::Representation form = pages::choose_representation(audience);
  return form != pages::Representation::Grpc && form != pages::Representation::GrpcWeb &&
         form != pages::Representation::Kubernetes && form != pages::Representation::Robots &&
         !x.check.presented_token && pages::is_navigation(audience.fetch_mode) &&
         x.head.upgrade.empty() && codec::accepts_redirect(audience.accept);
}

// Everything but forwarding: sign in, or a refusal that says why (policy specification 3.6, 3.7).
Connection::Step Connection::deny(Exchange& x) {
  const bool redirects = x.check.outcome == Outcome::Login && wants_login_redirect(x);
  if (!record_decision(x)) {
    reply_error(x, 503, "Service Unavailable", "decision_not_recorded");
    return Step::Replied;
  }
  if (redirects) {
    return Step::StartLogin;
  }
  pages::Refusal refusal{.request_id = x.request_id.view()};
  std::string login_url;
  std::string_view who;
  if (x.check.identity != nullptr) {
    who = x.check.identity->user_email().empty() ? x.check.identity->user_id()
                                                 : x.check.identity->user_email();
  }
  switch (x.check.outcome) {
    case Outcome::Login:
    case Outcome::DeviceEnroll:
      refusal.status = x.check.outcome == Outcome::Login ? 401 : 450;
      if (x.check.outcome == Outcome::Login) {
        refusal.reason = "Unauthenticated";
        login_url = "https://" + std::string(x.head.authority.text()) + "/.pomerium/login";
        refusal.login_url = login_url;
      }
      break;
    case Outcome::RouteNotFound:
      refusal.status = 404;
      break;
    case Outcome::DeviceRefused:
      refusal.status = 450;
      break;
    case Outcome::CertificateRequired:
      refusal.status = 495;
      // A certificate is shown in a handshake only: the next one may bring a better.
      x.keep_alive = false;
      break;
    case Outcome::McpUnauthorized:
      refusal.status = 401;
      break;
    case Outcome::Allowed:
    case Outcome::Forbidden:
    case Outcome::McpError:
      refusal.status = 403;
      break;
  }
  refusal.signed_in_as = who;
  refusal.sign_out_url = who.empty() ? std::string_view() : "/.pomerium/sign_out";
  reply_refusal(x, refusal);
  return Step::Replied;
}

}  // namespace vallum::proxy
