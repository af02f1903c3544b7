#include <algorithm>
#include <utility>

#include "authenticate/answers.h"
#include "authenticate/authenticator.h"
#include "authenticate/parameters.h"
#include "identity/stored_user.h"
#include "pages/answer.h"
#include "session/records.h"

// Hops C and D: to the identity provider, back with its answer, and the session made of that.

namespace vallum::authenticate {

namespace {

constexpr std::size_t kCodeBytesMax = 8 * 1024;

// The one value of a parameter; nothing when it is absent, and an error when it stands twice.
Result<std::optional<std::string>> single(const codec::Query& query, std::string_view name) {
  const std::vector<std::string_view> values = query.all(name);
  if (values.size() > 1) {
    return fail(ErrorKind::InvalidInput, "parameter '" + std::string(name) + "' stands twice");
  }
  return values.empty() ? std::nullopt : std::optional(std::string(values.front()));
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
  if (LoginStates::is_expired(*state, now())) {
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
// sees it may begin again. The page that was wanted is told for as long as the attempt could have
// been finished: several tabs of one browser come here, and they are to keep their places. Later
// a `state` found in somebody's records tells no more than the route.
http::Response Authenticator::not_begun_here(const http::Request& request,
                                             std::string_view state,
                                             std::string_view explanation) const {
  const Result<LoginState> begun = states_.open_of_anybody(state);
  std::string retry = begun ? wanted_page(begun->sign_in_url) : std::string();
  if (begun && LoginStates::is_expired(*begun, now())) {
    const Result<http::Uri> page = http::Uri::parse(retry);
    retry = page ? std::string(page->origin()) + "/" : std::string();
  }
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
  record.claims = identity::claim_set(signed_in.claims);
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
                                 .claims = identity::claim_set(signed_in.claims)};
  constexpr int kTries = 3;
  for (int attempt = 1;; ++attempt) {
    databroker::Batch batch;
    CO_TRY(databroker::Value session_value, session::encode_session(record));
    CO_TRY(databroker::Value user_value, session::encode_user(user));
    batch.push_back(
        databroker::Write::put(session::session_key(record.id), std::move(session_value))
            .if_absent());
    batch.push_back(databroker::Write::put(session::user_key(user.id), std::move(user_value)));
    std::optional<identity::ClaimedGroups> claimed = identity::claimed_groups(
        settings_.groups_claim, signed_in.user_id, signed_in.name, signed_in.claims, now());
    if (claimed) {
      CO_TRY(std::optional<databroker::Write> groups,
             co_await identity::directory_write(&parts_.broker, *std::move(claimed), deadline));
      if (groups) {
        batch.push_back(*std::move(groups));
      }
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

}  // namespace vallum::authenticate
