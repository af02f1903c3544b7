#include <algorithm>
#include <utility>

#include "authenticate/answers.h"
#include "authenticate/authenticator.h"
#include "authenticate/parameters.h"
#include "authenticate/redirect_uri.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "pages/answer.h"
#include "session/records.h"

namespace vallum::authenticate {

namespace {

constexpr std::string_view kSignInPath = "/.pomerium/sign_in";
constexpr std::string_view kCallbackPath = "/.pomerium/callback/";
// A longer way back would not survive being carried through three redirects.
constexpr std::size_t kTargetBytesMax = 2048;
constexpr std::size_t kCodeBytesMax = 8 * 1024;
constexpr std::size_t kAdditionalHostsMax = 16;
constexpr Duration kAttemptAge = LoginStates::kLifetime;
constexpr Duration kLoopWindow = std::chrono::seconds(30);
constexpr std::uint64_t kLoginsBeforeLoop = 2;

// The one value of a parameter; nothing when it is absent, and an error when it stands twice.
Result<std::optional<std::string>> single(const codec::Query& query, std::string_view name) {
  const std::vector<std::string_view> values = query.all(name);
  if (values.size() > 1) {
    return fail(ErrorKind::InvalidInput, "parameter '" + std::string(name) + "' stands twice");
  }
  return values.empty() ? std::nullopt : std::optional(std::string(values.front()));
}

session::ClaimSet claim_set(const identity::Claims& claims) {
  session::ClaimSet set;
  for (const auto& [name, values] : claims) {
    set.push_back({.name = name, .values = codec::Node::list(values)});
  }
  return set;
}

std::vector<http::Authority> additional_hosts(const codec::Query& query,
                                              const route::RouteTable& routes) {
  std::vector<http::Authority> hosts;
  const std::string* text = query.find(parameter::kAdditionalHosts);
  if (text == nullptr) {
    return hosts;
  }
  for (const std::string_view piece : split(*text, ',')) {
    const Result<http::Authority> host = http::Authority::parse(piece);
    // A host that is no route of ours gets no session, whoever signed its name.
    if (!piece.empty() && host && routes.serves(*host)) {
      hosts.push_back(*host);
    }
  }
  return hosts;
}

std::size_t additional_hosts_named(const codec::Query& query) {
  const std::string* text = query.find(parameter::kAdditionalHosts);
  return text == nullptr || text->empty()
             ? 0
             : static_cast<std::size_t>(std::ranges::count(*text, ',')) + 1;
}

pages::LoginProblem problem_of(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::Unauthenticated:
    case ErrorKind::PermissionDenied:
      return pages::LoginProblem::ProviderRefused;
    case ErrorKind::InvalidInput:
      return pages::LoginProblem::AttemptInvalid;
    case ErrorKind::DeadlineExceeded:
      return pages::LoginProblem::ProviderTimeout;
    case ErrorKind::Unavailable:
    case ErrorKind::ResourceExhausted:
    case ErrorKind::Cancelled:
      return pages::LoginProblem::ProviderUnreachable;
    case ErrorKind::NotFound:
    case ErrorKind::Conflict:
    case ErrorKind::Internal:
      break;
  }
  return pages::LoginProblem::ProviderAnswer;
}

}  // namespace

// A sealed session on its way to a route host.
struct Authenticator::Handed {
  codec::Query query;
  std::string handle_text;
  session::Handle handle;
};

http::Response Authenticator::login_problem(const http::Request& request,
                                            const Error& error,
                                            std::string_view retry_url) const {
  pages::Refusal refusal = pages::refusal_of(problem_of(error));
  refusal.request_id = request.request_id;
  refusal.retry_url = retry_url;
  parts_.log.warn("sign-in failed",
                  {{"request-id", request.request_id}, {"error", error.message()}});
  return pages::refuse(
      refusal, pages::choose_representation(audience_of(request)), parts_.core.entropy());
}

std::string_view Authenticator::idp_id() const {
  return parts_.provider == nullptr ? std::string_view() : std::string_view(parts_.provider->id());
}

std::string Authenticator::sign_in_url(const http::Uri& target, codec::Query extra) {
  extra.set(parameter::kIdpId, idp_id());
  extra.set(parameter::kRedirectUri, target.text());
  std::string base(settings_.service_url->origin());
  base.append(kSignInPath);
  return signer_.sign(base, std::move(extra), now());
}

// Hop A.
Async<http::Response> Authenticator::start_login(Visit visit, Deadline deadline) {
  const http::Request& request = visit.request;
  if (!settings_.service_url || parts_.provider == nullptr) {
    const std::vector<std::string_view> missing(settings_.missing_options.begin(),
                                                settings_.missing_options.end());
    co_return pages::setup_page(
        {.missing_options = missing},
        {.request_id = request.request_id, .entropy = parts_.core.entropy()});
  }
  CO_TRY(std::optional<http::Response> loop, co_await break_loop(&visit, deadline));
  if (loop) {
    co_return *std::move(loop);
  }
  std::string target = request.path;
  if (!request.query.empty()) {
    target.append("?").append(request.query);
  }
  if (target.size() > kTargetBytesMax) {
    target = "/";
  }
  CO_TRY(const http::Uri url,
         http::Uri::of_request(http::Scheme::Https, request.authority.without_port(443), target));
  co_return redirect_to(sign_in_url(url, {}));
}

// A browser that signed in twice within half a minute and still comes without a session will not do
// better the third time: says why instead of sending it round again.
Async<std::optional<http::Response>> Authenticator::break_loop(const Visit* visit,
                                                               Deadline deadline) {
  const http::Request& request = visit->request;
  const std::optional<std::string> attempts = cookie(request, "_login");
  if (!attempts) {
    co_return std::nullopt;
  }
  const std::size_t dot = attempts->find('.');
  const std::optional<std::uint64_t> first = parse_u64(attempts->substr(0, dot));
  const std::optional<std::uint64_t> count =
      dot == std::string::npos ? std::nullopt : parse_u64(attempts->substr(dot + 1));
  if (!first || !count || *count < kLoginsBeforeLoop || *first > 9'000'000'000U ||
      from_unix_seconds(static_cast<std::int64_t>(*first)) + kLoopWindow < now()) {
    co_return std::nullopt;
  }
  pages::LoginLoopView view{.retry_url = request.path};
  std::string detail;
  const std::optional<std::string> presented = cookie(request, "");
  if (!presented) {
    view.cause = pages::LoopCause::CookieNotReturned;
    detail = "The browser did not send the cookie " + settings_.cookie_name + " back to " +
             std::string(request.authority.host()) + ".";
  } else if (const Result<session::Handle> handle = handles_.verify(*presented); handle) {
    if (!handle->covers_host(request.authority.host())) {
      view.cause = pages::LoopCause::HostMismatch;
      detail = "The session was made for another host than " +
               std::string(request.authority.host()) + ".";
    } else if (!handle->is_current(now())) {
      view.cause = pages::LoopCause::ClockSkew;
    } else {
      const Result<databroker::Record> record =
          co_await parts_.broker.get(session::session_key(handle->session_id), deadline);
      view.cause = record ? pages::LoopCause::ClockSkew : pages::LoopCause::StoreLag;
    }
  }
  view.detail = detail;
  http::Response response = pages::login_loop_page(
      view, {.request_id = request.request_id, .entropy = parts_.core.entropy()});
  set_cookie(response, attempts_cookie("").cleared());
  co_return response;
}

// Hop B. The signature is checked before anything else is believed.
Async<http::Response> Authenticator::sign_in(http::Request request, Deadline deadline) {
  if (request.method != http::Method::Get) {
    co_return refuse(request, 405, "Signing in begins with a link, not with a form.");
  }
  const Result<codec::Query> query = signer_.verify(signed_base(request), request.query, now());
  if (!query) {
    co_return refuse(request, 400, query.error().message());
  }
  const std::string* idp = query->find(parameter::kIdpId);
  if (parts_.provider == nullptr || (idp != nullptr && *idp != idp_id())) {
    co_return refuse(request, 400, "The link names an identity provider that is not configured.");
  }
  const Result<http::Uri> target = target_of(*query);
  if (!target) {
    co_return refuse(request, 400, target.error().message());
  }
  if (iequals(request.headers.value("x-requested-with"), "xmlhttprequest")) {
    co_return refuse(request, 401, "Sign-in needs a page of its own.");
  }
  CO_TRY(std::optional<session::Handle> handle, co_await current_session(&request, deadline));
  if (!handle) {
    co_return co_await to_provider(std::move(request), deadline);
  }
  Result<http::Response> response = hand_over(*query, *std::move(handle));
  if (!response) {
    co_return refuse(request, 400, response.error().message());
  }
  co_return *std::move(response);
}

// Where the browser is to end up: a route, or a program that asked for its token.
Result<http::Uri> Authenticator::target_of(const codec::Query& query) const {
  const std::string* text = query.find(parameter::kRedirectUri);
  if (text == nullptr) {
    return fail(ErrorKind::InvalidInput, "The link does not say where to go back to.");
  }
  const std::string* programmatic = query.find(parameter::kProgrammatic);
  return programmatic != nullptr && *programmatic == "true"
             ? parse_program_url(*text, settings_.programmatic_hosts)
             : parse_route_url(*text, *routes_);
}

// The session of the authenticate host's own cookie, if it still is one.
Async<std::optional<session::Handle>> Authenticator::current_session(const http::Request* request,
                                                                     Deadline deadline) {
  const std::optional<std::string> text = cookie(*request, "_authenticate");
  if (!text) {
    co_return std::nullopt;
  }
  Result<session::Handle> handle = handles_.verify(*text);
  if (!handle || handle->idp_id != idp_id() || !handle->is_current(now()) ||
      !handle->covers_host(request->authority.host())) {
    co_return std::nullopt;
  }
  const Result<databroker::Record> record =
      co_await parts_.broker.get(session::session_key(handle->session_id), deadline);
  if (!record) {
    if (record.error().kind() == ErrorKind::NotFound) {
      co_return std::nullopt;
    }
    co_return fail(record.error());
  }
  const Result<session::SessionRecord> session = session::decode_session(record->value);
  if (!session || session->valid_until() <= now()) {
    co_return std::nullopt;
  }
  co_return *std::move(handle);
}

// Hop C. One cookie per browser, however many tabs are signing in.
Async<http::Response> Authenticator::to_provider(http::Request request, Deadline deadline) {
  const CsrfToken token = csrf_token(request).value_or(make_csrf_token(parts_.core.entropy()));
  std::string here(settings_.service_url->origin());
  here.append(request.path).append("?").append(request.query);
  identity::LoginAttempt attempt;
  attempt.state = states_.make_state(token, here, now(), parts_.core.entropy());
  attempt.nonce = states_.nonce(token, attempt.state);
  attempt.pkce_verifier = states_.pkce_verifier(token, attempt.state);
  const Result<std::string> url =
      co_await parts_.provider->authorization_url(std::move(attempt), deadline);
  if (!url) {
    co_return login_problem(request, url.error(), here);
  }
  http::Response response = redirect_to(*url);
  set_cookie(response, csrf_cookie(token));
  if (cookie(request, "_authenticate")) {
    set_cookie(response, authenticate_cookie("").cleared());
  }
  co_return response;
}

// Hop D: the provider sends the browser back.
Async<http::Response> Authenticator::callback(http::Request request, Deadline deadline) {
  const bool is_form = request.method == http::Method::Post;
  if (!is_form && request.method != http::Method::Get) {
    co_return refuse(request, 405, "The identity provider comes back by GET or POST.");
  }
  const Result<codec::Query> query = codec::Query::parse(is_form ? request.body : request.query);
  if (!query) {
    co_return refuse(request, 400, "The identity provider's answer cannot be read.");
  }
  Result<std::optional<std::string>> state_text = single(*query, "state");
  Result<std::optional<std::string>> code = single(*query, "code");
  Result<std::optional<std::string>> issuer = single(*query, "iss");
  const Result<std::optional<std::string>> error = single(*query, "error");
  if (!state_text || !code || !issuer || !error) {
    co_return refuse(request, 400, "The identity provider's answer names something twice.");
  }
  const std::optional<CsrfToken> token = csrf_token(request);
  Result<LoginState> state = token && *state_text
                                 ? states_.open_state(*token, **state_text)
                                 : Result<LoginState>(fail(ErrorKind::InvalidInput, "no state"));
  if (*error) {
    co_return provider_refused(request, *query, **error, state.has_value());
  }
  if (!token) {
    co_return not_begun_here(request,
                             state_text->value_or(""),
                             "The browser did not send back the cookie that began this sign-in. "
                             "Cookies must be allowed for this host.");
  }
  if (!state) {
    co_return not_begun_here(
        request, state_text->value_or(""), "This sign-in was not begun in this browser.");
  }
  if (!*code || (*code)->empty() || (*code)->size() > kCodeBytesMax) {
    co_return refuse(request, 400, "The identity provider's answer lacks its code.");
  }
  const Duration age = now() - state->issued;
  if (age > kAttemptAge || age < -kAttemptAge) {
    co_return restart(request, *state);
  }
  if (!states_used_.take(**state_text, parts_.core.now())) {
    co_return not_begun_here(request, **state_text, "This sign-in has been completed already.");
  }
  identity::LoginAnswer answer{.code = **code,
                               .issuer = *issuer,
                               .nonce = states_.nonce(*token, **state_text),
                               .pkce_verifier = states_.pkce_verifier(*token, **state_text)};
  co_return co_await finish_login(
      std::move(request), *std::move(state), std::move(answer), deadline);
}

// What the provider said is repeated only in an answer to an attempt of this browser: otherwise
// anybody could put words on our pages.
http::Response Authenticator::provider_refused(const http::Request& request,
                                               const codec::Query& query,
                                               std::string_view error,
                                               bool is_ours) const {
  const bool refused = error == "access_denied" || error == "unauthorized_client";
  std::string text = "The identity provider refused this sign-in.";
  if (is_ours) {
    text.assign("The identity provider answered: ").append(error);
    const Result<std::optional<std::string>> about = single(query, "error_description");
    if (about && *about) {
      text.append(": ").append(**about);
    }
  }
  return refuse(request, refused ? 401 : 400, text);
}

// Where the person who began at this sign-in URL wanted to go, "" when that is no route any more.
// Its signature may have expired: this is for a way back and nothing else.
std::string Authenticator::wanted_page(std::string_view sign_in_url) const {
  const std::size_t mark = sign_in_url.find('?');
  const Result<codec::Query> query =
      codec::Query::parse(mark == std::string_view::npos ? "" : sign_in_url.substr(mark + 1));
  const Result<http::Uri> target =
      query ? target_of(*query) : Result<http::Uri>(fail(ErrorKind::InvalidInput, ""));
  return target ? target->text() : std::string();
}

// A tab that lost its cookie, came twice or belongs to another browser signs nobody in; whoever
// sees it may begin again.
http::Response Authenticator::not_begun_here(const http::Request& request,
                                             std::string_view state,
                                             std::string_view explanation) const {
  const std::string retry = wanted_page(states_.sign_in_url_of_anybody(state));
  const pages::Refusal refusal{.status = 400,
                               .explanation = explanation,
                               .request_id = request.request_id,
                               .retry_url = retry};
  return pages::refuse(
      refusal, pages::choose_representation(audience_of(request)), parts_.core.entropy());
}

// An attempt that took too long begins again at the page that was wanted; its code is not redeemed.
http::Response Authenticator::restart(const http::Request& request, const LoginState& state) const {
  const std::string retry = wanted_page(state.sign_in_url);
  pages::Refusal refusal = pages::refusal_of(pages::LoginProblem::AttemptInvalid);
  refusal.status = 400;
  refusal.title = "Signing in took too long";
  refusal.explanation = "The attempt has expired, so it begins again by itself.";
  refusal.request_id = request.request_id;
  refusal.retry_url = retry;
  http::Response response = pages::refuse(
      refusal, pages::choose_representation(audience_of(request)), parts_.core.entropy());
  if (!retry.empty()) {
    response.headers.add("Refresh", "1; url=" + retry);
  }
  return response;
}

Async<http::Response> Authenticator::finish_login(http::Request request,
                                                  LoginState state,
                                                  identity::LoginAnswer answer,
                                                  Deadline deadline) {
  const Result<http::Uri> sign_in_at = http::Uri::parse(state.sign_in_url);
  const Result<codec::Query> query = codec::Query::parse(
      sign_in_at && sign_in_at->query() ? *sign_in_at->query() : std::string_view());
  const std::string* idp = query ? query->find(parameter::kIdpId) : nullptr;
  if (!query || parts_.provider == nullptr || (idp != nullptr && *idp != idp_id())) {
    co_return refuse(
        request, 400, "The sign-in names an identity provider that is not configured.");
  }
  Result<identity::SignedIn> signed_in =
      co_await parts_.provider->complete_login(std::move(answer), deadline);
  const Result<http::Uri> target = target_of(*query);
  const std::string retry = target ? target->text() : std::string();
  if (!signed_in) {
    co_return login_problem(request, signed_in.error(), retry);
  }
  const std::string host(target ? target->host() : request.authority.host());
  Result<session::Handle> handle = co_await store_session(*std::move(signed_in), host, deadline);
  if (!handle) {
    parts_.log.error("a session could not be stored",
                     {{"request-id", request.request_id}, {"error", handle.error().message()}});
    pages::Refusal refusal = pages::refusal_of(pages::LoginProblem::StoreUnavailable);
    refusal.request_id = request.request_id;
    refusal.retry_url = retry;
    co_return pages::refuse(
        refusal, pages::choose_representation(audience_of(request)), parts_.core.entropy());
  }
  http::Response response = redirect_to(state.sign_in_url);
  set_cookie(response, authenticate_cookie(handles_.sign(*handle)));
  co_return response;
}

// Writes what was learnt, durably, before anybody is told. Nothing of the provider's claims gets
// into the handle.
Async<session::Handle> Authenticator::store_session(identity::SignedIn signed_in,
                                                    std::string host,
                                                    Deadline deadline) {
  const WallTime at = now();
  session::SessionRecord record;
  record.id = parts_.core.entropy().uuid();
  record.user_id = signed_in.user_id;
  record.idp_id = idp_id();
  record.issued_at = at;
  record.accessed_at = at;
  record.expires_at = at + settings_.session_lifetime;
  record.claims = claim_set(signed_in.claims);
  record.id_token = session::IdToken{.issuer = signed_in.id_token.issuer,
                                     .subject = signed_in.id_token.subject,
                                     .issued_at = signed_in.id_token.issued_at,
                                     .expires_at = signed_in.id_token.expires_at,
                                     .raw = std::move(signed_in.id_token.raw)};
  record.oauth_token =
      session::OauthToken{.access_token = std::move(signed_in.tokens.access_token),
                          .token_type = signed_in.tokens.token_type,
                          .expires_at = signed_in.tokens.expires_at,
                          .refresh_token = std::move(signed_in.tokens.refresh_token)};
  const session::UserRecord user{.id = signed_in.user_id,
                                 .name = signed_in.name,
                                 .email = signed_in.email,
                                 .claims = claim_set(signed_in.claims)};
  constexpr int kTries = 3;
  for (int attempt = 1;; ++attempt) {
    databroker::Batch batch;
    CO_TRY(databroker::Value session_value, session::encode_session(record));
    CO_TRY(databroker::Value user_value, session::encode_user(user));
    batch.push_back(
        databroker::Write::put(session::session_key(record.id), std::move(session_value))
            .if_absent());
    batch.push_back(databroker::Write::put(session::user_key(user.id), std::move(user_value)));
    CO_TRY(std::optional<databroker::Write> groups, co_await directory_write(&signed_in, deadline));
    if (groups) {
      batch.push_back(*std::move(groups));
    }
    const Result<databroker::Committed> done =
        co_await parts_.broker.put(std::move(batch), deadline);
    if (done) {
      session::Handle handle;
      handle.session_id = record.id;
      handle.user_id = record.user_id;
      handle.issuer = settings_.service_url->authority().text();
      handle.audience = {std::string(settings_.service_url->host()), host};
      handle.issued_at = at;
      handle.idp_id = record.idp_id;
      handle.server_version = done->server_version;
      handle.record_version = std::ranges::max(done->versions);
      co_return handle;
    }
    // Two sign-ins of one user at once: the other one has written the directory's record meanwhile.
    if (done.error().kind() != ErrorKind::Conflict || attempt == kTries) {
      co_return fail(done.error());
    }
  }
}

// The user's groups as the provider's claim has them, unless a directory knows better.
Async<std::optional<databroker::Write>> Authenticator::directory_write(
    const identity::SignedIn* signed_in, Deadline deadline) {
  if (settings_.groups_claim.empty()) {
    co_return std::nullopt;
  }
  const databroker::RecordKey key = session::directory_user_key(signed_in->user_id);
  const Result<databroker::Record> present = co_await parts_.broker.get(key, deadline);
  std::uint64_t version = 0;
  if (present) {
    const Result<session::DirectoryUser> known = session::decode_directory_user(present->value);
    if (known && !known->is_from_claim) {
      co_return std::nullopt;
    }
    version = present->version;
  } else if (present.error().kind() != ErrorKind::NotFound) {
    co_return fail(present.error());
  }
  std::vector<codec::Node> groups;
  if (const auto found = signed_in->claims.find(settings_.groups_claim);
      found != signed_in->claims.end()) {
    groups = found->second;
  }
  session::DirectoryUser user;
  user.id = signed_in->user_id;
  user.display_name = signed_in->name;
  user.group_ids = codec::Node::list(std::move(groups));
  user.is_from_claim = true;
  CO_TRY(databroker::Value value, session::encode_directory_user(user));
  co_return databroker::Write::put(key, std::move(value)).if_version(version);
}

// Hop E: the session travels sealed to the route host.
Result<http::Response> Authenticator::hand_over(const codec::Query& query, session::Handle handle) {
  TRY(const http::Uri target, target_of(query));
  const std::string* programmatic = query.find(parameter::kProgrammatic);
  const bool is_programmatic = programmatic != nullptr && *programmatic == "true";
  std::string callback_base = std::string(target.origin()) + std::string(kCallbackPath);
  std::string callback_host(target.host());
  if (const std::string* text = query.find(parameter::kCallbackUri); text != nullptr) {
    TRY(const http::Uri callback_url, parse_route_url(*text, *routes_));
    if (callback_url.path() != kCallbackPath || callback_url.query() || callback_url.fragment()) {
      return fail(ErrorKind::InvalidInput, "The link's callback is not one of ours.");
    }
    callback_base = callback_url.text();
    callback_host = callback_url.host();
  } else if (is_programmatic) {
    return fail(ErrorKind::InvalidInput, "The link does not say which route it is for.");
  }
  handle.issuer = settings_.service_url->authority().text();
  handle.issued_at = now();
  handle.audience = {std::string(settings_.service_url->host()), callback_host};
  codec::Query onward;
  onward.add(parameter::kRedirectUri, target.text());
  if (is_programmatic) {
    onward.add(parameter::kProgrammatic, "true");
  }
  if (additional_hosts_named(query) > kAdditionalHostsMax) {
    return fail(ErrorKind::InvalidInput, "The link names too many hosts.");
  }
  std::string more;
  for (const http::Authority& host : additional_hosts(query, *routes_)) {
    handle.audience.emplace_back(host.host());
    more.append(more.empty() ? "" : ",").append(host.text());
  }
  if (!more.empty()) {
    onward.add(parameter::kAdditionalHosts, more);
  }
  const Bytes sealed = seal_.seal(as_bytes(handles_.sign(handle)), {}, parts_.core.entropy());
  onward.add(parameter::kSessionEncrypted, codec::encode_base64(sealed, codec::Base64::Url));
  return redirect_to(signer_.sign(callback_base, std::move(onward), now()));
}

Result<Authenticator::Handed> Authenticator::open_callback(const http::Request& request) {
  TRY(codec::Query query, signer_.verify(signed_base(request), request.query, now()));
  const std::string* sealed_text = query.find(parameter::kSessionEncrypted);
  const std::optional<Bytes> sealed = sealed_text == nullptr
                                          ? std::nullopt
                                          : codec::decode_base64(*sealed_text, codec::Base64::Url);
  if (!sealed) {
    return fail(ErrorKind::InvalidInput, "The link carries no session.");
  }
  const Result<Bytes> opened = seal_.open(*sealed, {});
  if (!opened) {
    return fail(ErrorKind::InvalidInput, "The link's session cannot be opened.");
  }
  Handed handed{
      .query = std::move(query), .handle_text = std::string(as_text(*opened)), .handle = {}};
  Result<session::Handle> handle = handles_.verify(handed.handle_text);
  if (!handle || !handle->is_current(now()) || !handle->covers_host(request.authority.host())) {
    return fail(ErrorKind::InvalidInput, "The link's session is not for this host.");
  }
  handed.handle = *std::move(handle);
  return handed;
}

// Hop F: the route host gets its cookie. Works once.
Result<http::Response> Authenticator::route_callback(const http::Request& request) {
  TRY(const Handed handed, open_callback(request));
  TRY(const http::Uri target, target_of(handed.query));
  const std::string* programmatic = handed.query.find(parameter::kProgrammatic);
  const bool is_programmatic = programmatic != nullptr && *programmatic == "true";
  const std::string* session = handed.query.find(parameter::kSessionEncrypted);
  if (!callbacks_used_.take(*session + std::string(request.authority.text()), parts_.core.now())) {
    return fail(ErrorKind::InvalidInput, "The link has been used already.");
  }
  std::vector<http::Authority> more = additional_hosts(handed.query, *routes_);
  std::string next;
  if (!more.empty()) {
    codec::Query onward = handed.query;
    onward.remove(parameter::kAdditionalHosts);
    std::string rest;
    for (std::size_t i = 1; i < more.size(); ++i) {
      rest.append(rest.empty() ? "" : ",").append(more[i].text());
    }
    if (!rest.empty()) {
      onward.add(parameter::kAdditionalHosts, rest);
    }
    std::string base = "https://";
    base.append(more.front().without_port(443).text()).append(kCallbackPath);
    next = signer_.sign(base, std::move(onward), now());
  } else {
    next = target.text();
    if (is_programmatic) {
      // A program reads its token from the query, so the fragment stays behind it.
      const std::size_t hash = next.find('#');
      const std::string fragment = hash == std::string::npos ? "" : next.substr(hash);
      next.resize(std::min(hash, next.size()));
      next.append(target.query() ? "&" : "?").append(parameter::kJwt).append("=");
      next.append(handed.handle_text).append(fragment);
    }
  }
  http::Response response = redirect_to(next);
  set_cookie(response, session_cookie(handed.handle_text));
  set_cookie(response, attempts_cookie(counted_attempts(request)));
  return response;
}

// How often this browser has signed in within the last half minute, this time included.
std::string Authenticator::counted_attempts(const http::Request& request) const {
  const std::int64_t at = unix_seconds(now());
  const std::optional<std::string> before = cookie(request, "_login");
  if (before) {
    const std::size_t dot = before->find('.');
    const std::optional<std::uint64_t> first = parse_u64(before->substr(0, dot));
    const std::optional<std::uint64_t> count =
        dot == std::string::npos ? std::nullopt : parse_u64(before->substr(dot + 1));
    const auto window = std::chrono::duration_cast<std::chrono::seconds>(kLoopWindow).count();
    if (first && count && *count < 100 && *first <= static_cast<std::uint64_t>(at) &&
        static_cast<std::int64_t>(*first) + window >= at) {
      return std::to_string(*first) + "." + std::to_string(*count + 1);
    }
  }
  return std::to_string(at) + ".1";
}

}  // namespace vallum::authenticate
