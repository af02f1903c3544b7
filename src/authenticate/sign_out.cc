#include <utility>

#include "authenticate/answers.h"
#include "authenticate/authenticator.h"
#include "authenticate/parameters.h"
#include "authenticate/same_origin.h"
#include "pages/answer.h"
#include "session/joined_identity.h"
#include "session/records.h"

namespace vallum::authenticate {

namespace {

constexpr std::string_view kSignOutPath = "/.pomerium/sign_out";
constexpr std::string_view kSignedOutPath = "/.pomerium/signed_out";

std::string_view who(const session::JoinedIdentity* identity) {
  if (identity == nullptr) {
    return {};
  }
  return identity->user_email().empty() ? std::string_view(identity->user_id())
                                        : identity->user_email();
}

}  // namespace

// A session that is gone already is as good as deleted; one that cannot be deleted is an error.
Async<void> Authenticator::delete_session(std::string session_id, Deadline deadline) {
  databroker::Batch batch;
  batch.push_back(databroker::Write::remove(session::session_key(session_id)));
  const Result<databroker::Committed> done = co_await parts_.broker.put(std::move(batch), deadline);
  if (!done && done.error().kind() != ErrorKind::NotFound) {
    co_return fail(done.error());
  }
  co_return Result<void>{};
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
  if (visit.identity != nullptr && !visit.identity->is_service_account()) {
    const Result<void> deleted = co_await delete_session(visit.identity->session_id(), deadline);
    if (!deleted) {
      co_return refuse(request, 503, "The session could not be ended. Please try again.");
    }
  }
  const std::string target = sign_out_target(*query);
  std::string next = "/.pomerium/";
  if (settings_.service_url) {
    codec::Query onward;
    if (!target.empty()) {
      onward.add(parameter::kRedirectUri, target);
    }
    std::string base(settings_.service_url->origin());
    base.append(kSignOutPath);
    next = signer_.sign(base, std::move(onward), now());
  }
  http::Response response = pages::onward_page(
      next, {.request_id = request.request_id, .entropy = parts_.core.entropy()});
  set_cookie(response, session_cookie("").cleared());
  co_return response;
}

// Step 2, on the authenticate host: with our signature, or with a form of this host, at once; else
// asks.
Async<http::Response> Authenticator::sign_out(http::Request request, Deadline deadline) {
  const bool is_form = request.method == http::Method::Post;
  if (!is_form && request.method != http::Method::Get) {
    co_return refuse(request, 405, "Signing out is a link or a form.");
  }
  std::string base = "https://";
  base.append(request.authority.without_port(443).text()).append(request.path);
  const Result<codec::Query> signed_query = signer_.verify(base, request.query, now());
  if (signed_query) {
    const std::string* wanted = signed_query->find(parameter::kRedirectUri);
    const Result<http::Uri> url = wanted == nullptr
                                      ? Result<http::Uri>(fail(ErrorKind::NotFound, ""))
                                      : http::Uri::parse(*wanted);
    std::string target = url ? url->text() : sign_out_target({});
    co_return co_await end_session(std::move(request), std::move(target), deadline);
  }
  if (is_form && is_same_origin(request)) {
    co_return co_await end_session(std::move(request), sign_out_target({}), deadline);
  }
  if (is_form) {
    co_return refuse(request, 400, "Signing out must be asked for on this host.");
  }
  co_return pages::sign_out_page(
      "", kSignOutPath, {.request_id = request.request_id, .entropy = parts_.core.entropy()});
}

// Deletes the session first, then forgets the cookie, then tells the provider.
Async<http::Response> Authenticator::end_session(http::Request request,
                                                 std::string target,
                                                 Deadline deadline) {
  const std::optional<std::string> text = cookie(request, "_authenticate");
  Secret id_token;
  if (text) {
    const Result<session::Handle> handle = handles_.verify(*text);
    if (handle) {
      const Result<databroker::Record> record =
          co_await parts_.broker.get(session::session_key(handle->session_id), deadline);
      Result<session::SessionRecord> known =
          record ? session::decode_session(record->value)
                 : Result<session::SessionRecord>(fail(record.error()));
      const Result<void> deleted = co_await delete_session(handle->session_id, deadline);
      if (!deleted) {
        co_return refuse(request, 503, "The session could not be ended. Please try again.");
      }
      if (known && known->id_token) {
        id_token = known->id_token->raw.clone();
      }
      if (known && known->oauth_token && parts_.provider != nullptr) {
        identity::OAuthTokens tokens;
        tokens.access_token = std::move(known->oauth_token->access_token);
        tokens.refresh_token = std::move(known->oauth_token->refresh_token);
        const Result<void> revoked = co_await parts_.provider->revoke(std::move(tokens), deadline);
        if (!revoked && revoked.error().kind() != ErrorKind::NotFound) {
          parts_.log.warn("the provider did not revoke a token",
                          {{"error", revoked.error().message()}});
        }
      }
    }
  }
  const std::string signed_out =
      std::string(settings_.service_url->origin()) + std::string(kSignedOutPath);
  std::string next = target.empty() ? signed_out : target;
  if (parts_.provider != nullptr) {
    const Result<std::optional<std::string>> url =
        co_await parts_.provider->end_session_url(std::move(id_token), next, deadline);
    if (url && *url) {
      next = **url;
    }
  }
  // A redirect that follows a form is held to form-action 'self', which the provider is not.
  http::Response response =
      request.method == http::Method::Post
          ? pages::onward_page(next,
                               {.request_id = request.request_id, .entropy = parts_.core.entropy()})
          : redirect_to(next);
  set_cookie(response, authenticate_cookie("").cleared());
  co_return response;
}

}  // namespace vallum::authenticate
