#include <array>

#include "base/strings.h"
#include "codec/accept.h"
#include "http/syntax/list_items.h"
#include "pages/answer.h"
#include "pages/representation.h"
#include "proxy/message_heads.h"
#include "proxy/planner.h"
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

Planner::Planner(ServingCore& core,
                 tls::Introduction client,
                 const async::Snapshot<tls::ServerContext>& context)
    : core_(core),
      server_name_(to_lower(client.server_name)),
      asked_(context == nullptr ? nullptr : context->clients().authorities) {
  if (client.certificates != nullptr) {
    certificate_ = std::make_unique<authorize::ClientCertificate>(std::move(*client.certificates));
  }
}

void Planner::begin(Exchange& x) {
  x.id = core_.next_exchange_id();
  x.request_id = core_.entropy().uuid_text();
  x.head_complete = core_.core().now();
  x.wall = core_.core().clock().wall();
}

void Planner::find_client(Exchange& x, const IpAddress& peer) {
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

Task<Planner::Step> Planner::settle(Exchange* x, Deadline deadline) {
  Step step = plan(*x);
  // A session that is thrown out as fast as it is read is not waited for.
  constexpr int kLoadsMax = 3;
  for (int loads = 0; step == Step::LoadIdentity; ++loads) {
    const Result<void> loaded =
        loads < kLoadsMax
            ? co_await core_.authorizer().load(&x->check, deadline)
            : Result<void>(fail(ErrorKind::Unavailable, "the session keeps changing"));
    if (!loaded) {
      // Fail closed: a session that cannot be read allows nothing, and is not a reason to log in
      // again.
      const bool is_stale = core_.authorizer().is_stale();
      reply_error(*x,
                  503,
                  "Service Unavailable",
                  is_stale ? "sessions_out_of_date" : "session_unavailable");
      co_return Step::Replied;
    }
    step = decide(*x);
  }
  co_return step;
}

// Brings the request into its one form, finds what it is for, and decides.
Planner::Step Planner::plan(Exchange& x) {
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

authorize::Question Planner::question_of(const Exchange& x) const {
  return {
      .head = x.head,
      .query = x.target.query,
      .path = x.decoded_path,
      .client_ip = x.client_ip,
      .certificate = certificate_.get(),
      .route = x.route == nullptr ? nullptr : x.route->settings,
      .terms = {
          .exchange = x.id, .generation = x.generation->id, .route = x.route_index, .session = {}}};
}

// Asks the authorizer; again after a session was loaded.
Planner::Step Planner::decide(Exchange& x) {
  const config::RouteSettings* settings = x.route == nullptr ? nullptr : x.route->settings;
  core_.authorizer().check(question_of(x), x.check);
  switch (x.check.state) {
    case authorize::Check::State::NeedsIdentity:
      return Step::LoadIdentity;
    case authorize::Check::State::Ambiguous:
      reply_refusal(x, {.status = 400, .request_id = x.request_id.view()});
      x.details = "ambiguous_session";
      return Step::Replied;
    case authorize::Check::State::TokenRefused:
      return refuse_token(x);
    case authorize::Check::State::Decided:
      break;
  }
  x.authorize_time = core_.core().clock().now() - x.head_complete;
  if (x.route == nullptr && x.check.outcome == Outcome::Allowed) {
    if (!record_decision(x)) {
      reply_error(x, 503, "Service Unavailable", "decision_not_recorded");
      return Step::Replied;
    }
    return Step::AnswerOwn;
  }
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

// Policy specification 3.2, step 5: no policy is asked about somebody who shows a bad token.
Planner::Step Planner::refuse_token(Exchange& x) {
  x.status = 403;
  if (!record_decision(x)) {
    reply_error(x, 503, "Service Unavailable", "decision_not_recorded");
    return Step::Replied;
  }
  reply_refusal(
      x,
      {.status = 403,
       .title = "The token is not accepted here",
       .explanation = "The bearer token of the request is not valid for this application. "
                      "Whoever runs it finds the reason under the request number below.",
       .request_id = x.request_id.view()});
  x.details = "bearer_token_refused";
  return Step::Replied;
}

// What show_error_details tells: which policies there are, and what each made of the request.
class Planner::Details {
 public:
  Details(authorize::Authorizer& authorizer, const authorize::Question& question, Exchange& x)
      : answers_(authorizer.explain(question, x.check)) {
    views_.reserve(answers_.size());
    for (const authorize::PolicyAnswer& answer : answers_) {
      views_.push_back({.id = answer.policy->id,
                        .explanation = answer.policy->explanation,
                        .remediation = answer.policy->remediation,
                        .allow = answer.decision.allow.value,
                        .deny = answer.decision.deny.value,
                        .reasons = {}});
      // A deny that holds is the answer, whatever allows.
      const policy::Verdict& verdict =
          answer.decision.deny.value ? answer.decision.deny : answer.decision.allow;
      for (const policy::Reason reason : verdict.reasons) {
        views_.back().reasons.push_back(policy::to_string(reason));
      }
    }
  }
  std::span<const pages::PolicyView> views() const { return views_; }

 private:
  std::vector<authorize::PolicyAnswer> answers_;
  std::vector<pages::PolicyView> views_;
};

// Policy specification 3.7: whether this client can follow a redirect to a page.
bool Planner::follows_redirects(const Exchange& x) {
  const pages::Audience audience = audience_of(x);
  const pages::Representation form = pages::choose_representation(audience);
  return form != pages::Representation::Grpc && form != pages::Representation::GrpcWeb &&
         form != pages::Representation::Kubernetes && form != pages::Representation::Robots &&
         !x.check.presented_token && pages::is_navigation(audience.fetch_mode) &&
         x.head.upgrade.empty() && codec::accepts_redirect(audience.accept);
}

// The status of an outcome, and words where those of the status do not say enough.
pages::Refusal Planner::refusal_of(const Exchange& x) {
  pages::Refusal refusal{.status = 403, .request_id = x.request_id.view()};
  switch (x.check.outcome) {
    case Outcome::Login:
    case Outcome::McpUnauthorized:
      refusal.status = 401;
      break;
    case Outcome::DeviceEnroll:
      refusal.status = follows_redirects(x) ? 450 : 401;
      refusal.title = "This page is for registered devices";
      refusal.explanation =
          "Your device is not registered, and there is no page yet to register it on. Ask whoever "
          "runs this application.";
      break;
    case Outcome::RouteNotFound:
      refusal.status = 404;
      break;
    case Outcome::DeviceRefused:
      refusal.status = 450;
      break;
    case Outcome::CertificateRequired:
      refusal.status = 495;
      break;
    case Outcome::Allowed:
    case Outcome::Forbidden:
    case Outcome::McpError:
      break;
  }
  return refusal;
}

// Everything but forwarding: sign in, or a refusal that says why (policy specification 3.6, 3.7).
Planner::Step Planner::deny(Exchange& x) {
  const bool redirects = x.check.outcome == Outcome::Login && follows_redirects(x);
  pages::Refusal refusal = refusal_of(x);
  x.status = redirects ? 302 : refusal.status;
  // A certificate is shown in a handshake only: the next one may bring a better.
  x.keep_alive = x.keep_alive && x.check.outcome != Outcome::CertificateRequired;
  if (!record_decision(x)) {
    reply_error(x, 503, "Service Unavailable", "decision_not_recorded");
    return Step::Replied;
  }
  if (redirects) {
    return Step::StartLogin;
  }
  std::string login_url;
  if (x.check.outcome == Outcome::Login) {
    login_url = "https://" + std::string(x.head.authority.text()) + "/.pomerium/login";
    refusal.login_url = login_url;
  }
  if (x.check.identity != nullptr) {
    refusal.signed_in_as = x.check.identity->user_email().empty() ? x.check.identity->user_id()
                                                                  : x.check.identity->user_email();
    refusal.sign_out_url =
        refusal.signed_in_as.empty() ? std::string_view() : "/.pomerium/sign_out";
  }
  // Nobody is told before it is known who asks.
  if (x.route == nullptr || x.route->settings->explained.empty() ||
      x.check.outcome == Outcome::Login) {
    reply_refusal(x, refusal);
    return Step::Replied;
  }
  const Details details(core_.authorizer(), question_of(x), x);
  refusal.policies = details.views();
  reply_refusal(x, refusal);
  return Step::Replied;
}

bool Planner::upgrade_is_allowed(const Exchange& x) {
  if (!x.body_finished) {
    return false;
  }
  const bool is_get = x.head.method == http::Method::Get;
  if (iequals(x.head.upgrade, "websocket")) {
    return x.route->forward.allow_websockets && is_get;
  }
  return x.route->forward.allow_spdy && iequals(x.head.upgrade, "SPDY/3.1") &&
         (is_get || x.head.method == http::Method::Post);
}

HeaderFacts Planner::header_facts(const Exchange& x, std::string_view assertion) const {
  HeaderFacts facts{.assertion = assertion,
                    .leaf = certificate_ == nullptr ? nullptr : certificate_->leaf()};
  if (x.check.identity != nullptr) {
    facts.access_token = x.check.identity->access_token().expose_text();
    facts.id_token = x.check.identity->id_token().expose_text();
  }
  return facts;
}

Task<bool> Planner::prepare_upstream_request(Exchange* x, Deadline deadline) {
  if (!x->head.upgrade.empty() && !upgrade_is_allowed(*x)) {
    reply_error(*x, 403, "Forbidden", "upgrade_failed");
    co_return false;
  }
  const std::string& audience = x->route->settings->serverless_audience;
  std::string serverless_token;
  if (!audience.empty()) {
    serverless_token = co_await core_.serverless_tokens().token(audience, deadline);
  }
  const authorize::IdentityLines identity = core_.authorizer().identity_lines(
      x->check, *x->route->settings, x->terms(), x->head.authority);
  x->out.clear();
  append_upstream_request(
      x->out,
      {.client = x->head,
       .rules = x->route->forward,
       .settings = x->generation->forward,
       .path = x->target.path,
       .query = x->target.has_query ? std::optional(x->target.query) : std::nullopt,
       .peer_ip = x->peer_text,
       .request_id = x->request_id.view(),
       .identity_lines = identity.lines,
       .serverless_token = serverless_token,
       .facts = header_facts(*x, identity.assertion),
       .upgrade = x->head.upgrade});
  co_return true;
}

}  // namespace vallum::proxy
