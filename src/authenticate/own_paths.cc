#include <utility>

#include "authenticate/answers.h"
#include "authenticate/authenticator.h"
#include "authenticate/parameters.h"
#include "authenticate/redirect_uri.h"
#include "codec/http_date.h"
#include "codec/json_writer.h"
#include "crypto/digest.h"
#include "identity/limits.h"
#include "pages/answer.h"
#include "session/assertion_claims.h"
#include "session/joined_identity.h"

namespace vallum::authenticate {

namespace {

bool is_read(const http::Request& request) {
  return request.method == http::Method::Get || request.method == http::Method::Head;
}

// Anybody may read these, from any page.
http::Response open_to_all(http::Response response) {
  response.headers.set("Access-Control-Allow-Origin", "*");
  response.headers.set("Cache-Control", "max-age=60");
  return response;
}

http::Response preflight() {
  http::Response response{.status = 204, .headers = {}, .body = {}};
  response.headers.add("Access-Control-Allow-Origin", "*");
  response.headers.add("Access-Control-Allow-Methods", "GET, HEAD");
  return response;
}

}  // namespace

Authenticator::Authenticator(const Parts& parts,
                             AuthenticatorSettings settings,
                             async::Snapshot<route::RouteTable> routes)
    : parts_(parts),
      settings_(std::move(settings)),
      routes_(std::move(routes)),
      signer_(parts.shared_key),
      states_(parts.cookie_key),
      handles_(parts.shared_key),
      seal_(parts.shared_key),
      // As long as a state or a signed URL can be used at all, leeway included.
      states_used_(LoginStates::kLifetime * 2 + std::chrono::minutes(1), 100'000),
      callbacks_used_(UrlSigner::kLifetime + 2 * UrlSigner::kLeeway, 100'000),
      logout_tokens_used_(identity::Limits::kLogoutTokenAge + 2 * identity::Limits::kLeeway,
                          100'000) {
  constexpr telemetry::MetricRegistry::Name kEnded{"vallum_sessions_ended_total",
                                                   "Sessions ended over time, by reason"};
  const telemetry::MetricLabel person{"reason", "signed-out"};
  const telemetry::MetricLabel provider{"reason", "provider-logout"};
  ended_by_person_ = parts.metrics.counter(kEnded, {&person, 1});
  ended_by_provider_ = parts.metrics.counter(kEnded, {&provider, 1});
}

Authenticator::~Authenticator() = default;

void Authenticator::use(AuthenticatorSettings settings, async::Snapshot<route::RouteTable> routes) {
  settings_ = std::move(settings);
  routes_ = std::move(routes);
}

void Authenticator::use(const SecretList& shared_keys, const SecretList& cookie_keys) {
  signer_ = UrlSigner(shared_keys);
  states_ = LoginStates(cookie_keys);
  handles_ = session::HandleCodec(shared_keys);
  seal_ = crypto::XChaCha20Poly1305List(shared_keys);
}

bool Authenticator::is_authenticate_host(const http::Authority& host) const {
  return settings_.signs_in && settings_.service_url &&
         host.without_port(443) == settings_.service_url->authority().without_port(443);
}

http::Response Authenticator::refuse(const http::Request& request,
                                     std::uint16_t status,
                                     std::string_view explanation) const {
  const pages::Refusal refusal{
      .status = status, .explanation = explanation, .request_id = request.request_id};
  return pages::refuse(
      refusal, pages::choose_representation(audience_of(request)), parts_.core.entropy());
}

Async<http::Response> Authenticator::answer(Visit visit, Deadline deadline) {
  const http::Request& request = visit.request;
  const std::string_view path = request.path;
  if (path == "/ping" || path == "/healthz") {
    http::Response response =
        is_read(request) ? text_answer(200, "OK\n") : text_answer(405, "Method Not Allowed\n");
    response.headers.set("Content-Type", "text/plain");
    co_return response;
  }
  if (path == "/.pomerium") {
    http::Response response = redirect_to("/.pomerium/");
    response.status = 301;
    co_return response;
  }
  if (path.starts_with("/.well-known/pomerium")) {
    co_return well_known(request);
  }
  if (path == "/.pomerium/" && is_read(request)) {
    co_return user_page(visit);
  }
  if (path == "/.pomerium/user" && is_read(request)) {
    co_return user_json(visit);
  }
  if (is_authenticate_host(request.authority)) {
    co_return co_await answer_authenticate_host(std::move(visit), deadline);
  }
  co_return co_await answer_route_host(std::move(visit), deadline);
}

Async<http::Response> Authenticator::answer_authenticate_host(Visit visit, Deadline deadline) {
  http::Request request = std::move(visit.request);
  const std::string_view path = request.path;
  if (path == "/") {
    co_return redirect_to("/.pomerium/");
  }
  if (path == "/robots.txt") {
    co_return text_answer(200, "User-agent: *\nDisallow: /");
  }
  if (path == "/.pomerium/sign_in") {
    co_return co_await sign_in(std::move(request), deadline);
  }
  if (path == "/oauth2/callback") {
    co_return co_await callback(std::move(request), deadline);
  }
  if (path == "/.pomerium/sign_out") {
    co_return co_await sign_out(std::move(request), deadline);
  }
  if (path == "/.pomerium/signed_out" && is_read(request)) {
    co_return pages::signed_out_page(
        "", {.request_id = request.request_id, .entropy = parts_.core.entropy()});
  }
  const bool has_provider = parts_.provider != nullptr;
  if (path == "/.pomerium/backchannel_logout" && has_provider &&
      settings_.takes_backchannel_logout) {
    co_return co_await backchannel_logout(std::move(request), deadline);
  }
  if (path == "/.pomerium/frontchannel_logout" && has_provider &&
      settings_.takes_frontchannel_logout) {
    co_return co_await frontchannel_logout(std::move(request), deadline);
  }
  co_return refuse(request, 404, "There is no such page.");
}

Async<http::Response> Authenticator::answer_route_host(Visit visit, Deadline deadline) {
  const http::Request& request = visit.request;
  const std::string_view path = request.path;
  if (path == "/.pomerium/callback/") {
    if (!is_read(request)) {
      co_return refuse(request, 405, "A sign-in comes back by a link.");
    }
    Result<http::Response> response = route_callback(request);
    if (!response) {
      co_return refuse(request, 400, response.error().message());
    }
    co_return *std::move(response);
  }
  if (path == "/.pomerium/api/v1/login") {
    co_return programmatic_login(request);
  }
  if (path == "/.pomerium/sign_out") {
    co_return co_await sign_out_of_route(std::move(visit), deadline);
  }
  if (path == "/.pomerium/login" && is_read(request)) {
    if (visit.identity != nullptr) {
      co_return redirect_to("/.pomerium/");
    }
    visit.request.path = "/.pomerium/";
    visit.request.query.clear();
    co_return co_await start_login(std::move(visit), deadline);
  }
  co_return refuse(request, 404, "There is no such page.");
}

// Configuration specification 5.3.
http::Response Authenticator::well_known(const http::Request& request) const {
  const std::string_view path = request.path;
  const bool is_keys = path == "/.well-known/pomerium/jwks.json";
  if (!is_keys && path != "/.well-known/pomerium" && path != "/.well-known/pomerium/") {
    return refuse(request, 404, "There is no such page.");
  }
  if (request.method == http::Method::Options) {
    return preflight();
  }
  if (!is_read(request)) {
    return refuse(request, 405, "This can only be read.");
  }
  if (is_keys) {
    return jwks(request);
  }
  const std::string host = "https://" + std::string(request.authority.without_port(443).text());
  std::string json;
  codec::JsonWriter writer(json);
  writer.begin_object().member("issuer", host + "/");
  if (settings_.service_url) {
    writer.member("authentication_callback_endpoint",
                  std::string(settings_.service_url->origin()) + "/oauth2/callback");
  }
  writer.member("jwks_uri", host + "/.well-known/pomerium/jwks.json")
      .member("frontchannel_logout_uri", host + "/.pomerium/sign_out")
      .end_object();
  return open_to_all(json_answer(std::move(json)));
}

http::Response Authenticator::jwks(const http::Request& request) const {
  const crypto::Digest256 digest = crypto::sha256(as_bytes(settings_.jwks));
  const std::string etag = "\"" + to_hex(ByteView(digest).first(8)) + "\"";
  http::Response response = json_answer(settings_.jwks);
  if (request.headers.value("if-none-match") == etag) {
    response.status = 304;
    response.body.clear();
  }
  response.headers.add("ETag", etag);
  return open_to_all(std::move(response));
}

http::Response Authenticator::user_page(const Visit& visit) const {
  pages::UserView view;
  std::vector<std::string_view> groups;
  const session::JoinedIdentity* identity = visit.identity.get();
  std::string name;
  std::string expires;
  if (identity != nullptr) {
    view.email = identity->assertion_email();
    view.user_id = identity->user_id();
    view.session_id = identity->session_id();
    name = session::assertion_name(*identity);
    view.name = name;
    for (const policy::Value& id : identity->group_ids()) {
      groups.push_back(id.text());
    }
    view.groups = groups;
    if (identity->valid_until() != WallTime::max()) {
      expires = codec::http_date(identity->valid_until());
      view.expires = expires;
    }
    view.sign_out_url = "/.pomerium/sign_out";
  } else if (settings_.service_url && !is_authenticate_host(visit.request.authority)) {
    view.sign_in_url = "/.pomerium/login";
  }
  return pages::user_page(
      view, {.request_id = visit.request.request_id, .entropy = parts_.core.entropy()});
}

// Identity specification 1.12: what an application is told, without what is about the assertion
// itself.
http::Response Authenticator::user_json(const Visit& visit) const {
  if (visit.identity == nullptr) {
    return refuse(visit.request, 401, "Nobody is signed in.");
  }
  if (visit.identity->user_id().empty()) {
    return refuse(visit.request, 404, "The session has no user.");
  }
  std::string json;
  codec::JsonWriter writer(json);
  writer.begin_object();
  session::append_assertion_claims(writer,
                                   visit.identity.get(),
                                   settings_.extra_claims,
                                   session::GroupsFilter(settings_.groups_filter));
  writer.end_object();
  http::Response response = json_answer(std::move(json));
  response.headers.add("Cache-Control", "no-store");
  return response;
}

// Identity specification 1.7.
http::Response Authenticator::programmatic_login(const http::Request& request) {
  if (request.method != http::Method::Get) {
    return refuse(request, 405, "The login URL can only be read.");
  }
  const Result<codec::Query> query = codec::Query::parse(request.query);
  if (!query || query->all(parameter::kRedirectUri).size() > 1) {
    return refuse(request, 400, "The query cannot be read.");
  }
  const std::string* wanted = query->find(parameter::kRedirectUri);
  if (wanted == nullptr) {
    return refuse(request, 404, "pomerium_redirect_uri is missing.");
  }
  if (!settings_.service_url || (settings_.signs_in && parts_.provider == nullptr)) {
    return refuse(request, 503, "Signing in is not configured: authenticate_service_url.");
  }
  const Result<http::Uri> target = parse_program_url(*wanted, settings_.programmatic_hosts);
  if (!target) {
    return refuse(request, 400, "invalid redirect uri: " + std::string(target.error().message()));
  }
  if (!routes_->serves(request.authority)) {
    return refuse(request, 404, "No route is served on this host.");
  }
  codec::Query extra;
  extra.add(parameter::kCallbackUri,
            "https://" + std::string(request.authority.without_port(443).text()) +
                "/.pomerium/callback/");
  extra.add(parameter::kProgrammatic, "true");
  return text_answer(200, sign_in_url(*target, std::move(extra)));
}

}  // namespace vallum::authenticate
