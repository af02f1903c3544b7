#include <utility>

#include "authenticate/answers.h"
#include "authenticate/authenticator.h"
#include "authenticate/parameters.h"
#include "authenticate/same_origin.h"
#include "codec/base64.h"
#include "pages/answer.h"
#include "session/joined_identity.h"
#include "session/records.h"

namespace vallum::authenticate {

namespace {

constexpr std::string_view kSignOutPath = "/.pomerium/sign_out";
constexpr std::string_view kSignedOutPath = "/.pomerium/signed_out";
constexpr std::string_view kSealPurpose = "sign_out";
constexpr std::size_t kIdTokenBytesMax = 8192;

std::string_view who(const session::JoinedIdentity* identity) {
  if (identity == nullptr) {
    return {};
  }
  return identity->user_email().empty() ? std::string_view(identity->user_id())
                                        : identity->user_email();
}

}  // namespace

// A session that has ended, and what follows.
struct Authenticator::Ended {
  std::string session_id;
  Secret id_token;  // empty: not known
  std::string target;
};

// Ends a session for everybody who holds it: the record first, then the provider's tokens. Returns
// the ID token of its sign-in, empty when it is not known. A session that is gone already has
// ended; one that cannot be deleted is an error.
Async<Secret> Authenticator::end_session(std::string session_id, EndedBy by, Deadline deadline) {
  const Result<databroker::Record> record =
      co_await parts_.broker.get(session::session_key(session_id), deadline);
  databroker::Batch batch;
  batch.push_back(databroker::Write::remove(session::session_key(session_id)));
  const Result<databroker::Committed> done = co_await parts_.broker.put(std::move(batch), deadline);
  if (!done && done.error().kind() != ErrorKind::NotFound) {
    co_return fail(done.error());
  }
  if (!record) {
    co_return Secret();
  }
  note_end(session_id, by);
  Result<session::SessionRecord> known = session::decode_session(record->value);
  if (!known) {
    co_return Secret();
  }
  if (known->oauth_token && parts_.provider != nullptr) {
    identity::OAuthTokens tokens;
    tokens.access_token = std::move(known->oauth_token->access_token);
    tokens.refresh_token = std::move(known->oauth_token->refresh_token);
    const Result<void> revoked = co_await parts_.provider->revoke(std::move(tokens), deadline);
    if (!revoked && revoked.error().kind() != ErrorKind::NotFound) {
      parts_.log.warn("the provider did not revoke a token",
                      {{"error", revoked.error().message()}});
    }
  }
  co_return known->id_token ? std::move(known->id_token->raw) : Secret();
}

void Authenticator::note_end(std::string_view session_id, EndedBy by) {
  const bool is_person = by == EndedBy::Person;
  parts_.metrics.shard(parts_.metric_shard).add(is_person ? ended_by_person_ : ended_by_provider_);
  parts_.log.info(
      "session ended",
      {{"session-id", session_id}, {"reason", is_person ? "signed-out" : "provider-logout"}});
}

// Where a browser goes after signing out: what the configuration says, or the caller where that is
// allowed.
std::string Authenticator::sign_out_target(const codec::Query& query) const {
  const std::string* wanted = query.find(parameter::kRedirectUri);
  if (wanted != nullptr && settings_.allow_any_sign_out_redirect) {
    const Result<http::Uri> url = http::Uri::parse(*wanted);
    if (url && url->is_https()) {
      return url->text();
    }
  }
  return settings_.signout_redirect_url ? settings_.signout_redirect_url->text() : std::string();
}

// Identity specification 1.11, step 1. A link or an image of another site must not sign anybody
// out, so only a form of this host does; everything else asks first.
Async<http::Response> Authenticator::sign_out_of_route(Visit visit, Deadline deadline) {
  const http::Request& request = visit.request;
  if (request.method == http::Method::Get) {
    std::string action(kSignOutPath);
    if (!request.query.empty()) {
      action.append("?").append(request.query);
    }
    co_return pages::sign_out_page(
        who(visit.identity.get()),
        action,
        {.request_id = request.request_id, .entropy = parts_.core.entropy()});
  }
  if (request.method != http::Method::Post) {
    co_return refuse(request, 405, "Signing out is a form.");
  }
  if (!is_same_origin(request)) {
    co_return refuse(request, 400, "Signing out must be asked for on this host.");
  }
  const Result<codec::Query> query = codec::Query::parse(request.query);
  if (!query) {
    co_return refuse(request, 400, "The link cannot be read.");
  }
  std::string session_id;
  Secret id_token;
  if (visit.identity != nullptr && !visit.identity->is_service_account()) {
    session_id = visit.identity->session_id();
    Result<Secret> ended = co_await end_session(session_id, EndedBy::Person, deadline);
    if (!ended) {
      co_return refuse(request, 503, "The session could not be ended. Please try again.");
    }
    id_token = *std::move(ended);
  }
  const std::string target = sign_out_target(*query);
  std::string next = "/.pomerium/";
  if (settings_.service_url) {
    codec::Query onward;
    if (!target.empty()) {
      onward.add(parameter::kRedirectUri, target);
    }
    if (!session_id.empty()) {
      onward.add(parameter::kSessionEncrypted, seal_ended(session_id, id_token));
    }
    std::string base(settings_.service_url->origin());
    base.append(kSignOutPath);
    next = signer_.sign(base, std::move(onward), now());
  }
  http::Response response = pages::onward_page(
      next, {.request_id = request.request_id, .entropy = parts_.core.entropy()});
  set_cookie(response, session_cookie("").cleared());
  // Whoever leaves on purpose is not going round: signing in again at once is no loop.
  set_cookie(response, attempts_cookie("").cleared());
  co_return response;
}

// Step 2, on the authenticate host: with a link that step 1 made for the session of this browser,
// or with a form of this host, at once; else asks. A link made for somebody else's session would
// otherwise sign out whoever follows it.
Async<http::Response> Authenticator::sign_out(http::Request request, Deadline deadline) {
  const bool is_form = request.method == http::Method::Post;
  if (!is_form && request.method != http::Method::Get) {
    co_return refuse(request, 405, "Signing out is a link or a form.");
  }
  if (is_form && !is_same_origin(request)) {
    co_return refuse(request, 400, "Signing out must be asked for on this host.");
  }
  const std::string session_id = own_session_id(request);
  std::optional<Ended> ended = is_form ? std::nullopt : open_link(request);
  if (ended && ended->session_id != session_id) {
    ended.reset();
  }
  if (!is_form && !ended) {
    co_return pages::sign_out_page(
        "", kSignOutPath, {.request_id = request.request_id, .entropy = parts_.core.entropy()});
  }
  if (!ended) {
    ended.emplace(Ended{.session_id = session_id, .id_token = {}, .target = sign_out_target({})});
    if (!session_id.empty()) {
      Result<Secret> id_token = co_await end_session(session_id, EndedBy::Person, deadline);
      if (!id_token) {
        co_return refuse(request, 503, "The session could not be ended. Please try again.");
      }
      ended->id_token = *std::move(id_token);
    }
  }
  const std::string next =
      co_await leave_provider(std::move(ended->id_token), std::move(ended->target), deadline);
  // A redirect that follows a form is held to form-action 'self', which the provider is not.
  http::Response response =
      is_form ? pages::onward_page(
                    next, {.request_id = request.request_id, .entropy = parts_.core.entropy()})
              : redirect_to(next);
  set_cookie(response, authenticate_cookie("").cleared());
  co_return response;
}

// The session of the authenticate host's own cookie, "" without one. It may have ended.
std::string Authenticator::own_session_id(const http::Request& request) {
  const std::optional<std::string> text = cookie(request, "_authenticate");
  if (!text) {
    return {};
  }
  Result<session::Handle> handle = handles_.verify(*text);
  return handle ? std::move(handle->session_id) : std::string();
}

// What step 2 needs of a session that step 1 has ended. Sealed, since the link passes through
// histories and logs of others.
std::string Authenticator::seal_ended(std::string_view session_id, const Secret& id_token) const {
  std::string text(session_id);
  // Without the hint the provider asks before it signs out; a link that is too long is worse.
  if (id_token.expose_text().size() <= kIdTokenBytesMax) {
    text.append("\n").append(id_token.expose_text());
  }
  const Bytes sealed = seal_.seal(as_bytes(text), as_bytes(kSealPurpose), parts_.core.entropy());
  return codec::encode_base64(sealed, codec::Base64::Url);
}

// Nothing unless the link is fresh, signed and names a session that step 1 has ended.
std::optional<Authenticator::Ended> Authenticator::open_link(const http::Request& request) {
  const Result<codec::Query> query = signer_.verify(signed_base(request), request.query, now());
  const std::string* text = query ? query->find(parameter::kSessionEncrypted) : nullptr;
  const std::optional<Bytes> sealed =
      text == nullptr ? std::nullopt : codec::decode_base64(*text, codec::Base64::Url);
  const Result<Bytes> opened = sealed ? seal_.open(*sealed, as_bytes(kSealPurpose))
                                      : Result<Bytes>(fail(ErrorKind::InvalidInput, ""));
  if (!opened) {
    return std::nullopt;
  }
  const std::string_view parts = as_text(*opened);
  const std::size_t line = parts.find('\n');
  Ended ended{
      .session_id = std::string(parts.substr(0, line)),
      .id_token = line == std::string_view::npos ? Secret() : Secret(parts.substr(line + 1)),
      .target = {}};
  const std::string* wanted = query->find(parameter::kRedirectUri);
  const Result<http::Uri> url = wanted == nullptr ? Result<http::Uri>(fail(ErrorKind::NotFound, ""))
                                                  : http::Uri::parse(*wanted);
  ended.target = url ? url->text() : sign_out_target({});
  return ended;
}

// Where a browser goes to end its session at the provider too, and `target` after that; straight
// there when the provider ends none. "": the page that says one is signed out.
Task<std::string> Authenticator::leave_provider(Secret id_token,
                                                std::string target,
                                                Deadline deadline) {
  std::string next = std::move(target);
  if (next.empty()) {
    next.append(settings_.service_url->origin()).append(kSignedOutPath);
  }
  if (parts_.provider != nullptr) {
    const Result<std::optional<std::string>> url =
        co_await parts_.provider->end_session_url(std::move(id_token), next, deadline);
    if (url && *url) {
      next = **url;
    }
  }
  co_return next;
}

}  // namespace vallum::authenticate
