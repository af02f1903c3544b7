#include <string>
#include <string_view>
#include <utility>

#include "codec/base64.h"
#include "codec/form.h"
#include "crypto/jose/claims.h"
#include "identity/describe.h"
#include "identity/engine.h"
#include "identity/limits.h"
#include "identity/logout_token.h"

// What keeps a session alive at its provider after sign-in.

namespace vallum::identity {
namespace {

using codec::Node;

// The claims of a token that was verified when it came and has been kept by us since. No claims
// when there is none, or it cannot be read.
Node claims_of_kept_token(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) {
    return Node::map({});
  }
  const auto payload =
      codec::decode_base64(token.substr(first + 1, second - first - 1), codec::Base64::UrlRaw);
  auto claims = payload ? crypto::parse_claims(as_text(*payload),
                                               {.bytes_max = Limits::kIdTokenBytesMax,
                                                .depth_max = Limits::kClaimDepthMax,
                                                .nodes_max = Limits::kClaimNodesMax})
                        : Result<Node>(Node::map({}));
  return claims ? *std::move(claims) : Node::map({});
}

}  // namespace

Async<RefreshOutcome> Provider::Engine::refresh(RefreshAttempt attempt, Deadline deadline) {
  RefreshOutcome outcome;
  const auto metadata = co_await metadata_.get(deadline);
  if (!metadata) {
    outcome.reason = metadata.error().message();
    co_return outcome;
  }
  // Before the refresh token is used up, not after: what came is to be kept at once.
  const auto keys = co_await keys_.get(deadline);
  if (!keys) {
    outcome.reason = keys.error().message();
    co_return outcome;
  }
  codec::Query form;
  form.add("grant_type", "refresh_token");
  form.add("refresh_token", attempt.refresh_token.expose_text());
  http::ClientRequest request =
      authenticated_form(**metadata, (*metadata)->token_endpoint, std::move(form));
  request.body_bytes_max = Limits::kTokenAnswerBytesMax;
  // Once only: a provider that rotates refresh tokens takes the second use of one for theft.
  const auto response = co_await fetch(std::move(request), deadline);
  if (!response) {
    outcome.reason = response.error().message();
    co_return outcome;
  }
  RefreshAnswer answer = parse_refresh_answer(*response, core_.clock().wall());
  outcome = std::move(answer.outcome);
  if (outcome.kind == RefreshOutcome::Kind::Refreshed && !answer.id_token.empty()) {
    CO_TRY_OK(co_await verify_refreshed(
        *metadata, &outcome, std::move(answer.id_token), std::move(attempt.subject), deadline));
  }
  co_return outcome;
}

// OpenID Connect Core 12.2. Whatever is wrong with the ID token, the refresh token that came with
// it must not be lost: the provider has forgotten the old one by now.
Async<void> Provider::Engine::verify_refreshed(KnownMetadata metadata,
                                               RefreshOutcome* outcome,
                                               Secret id_token,
                                               std::string subject,
                                               Deadline deadline) {
  const TokenPair pair{.id_token = &id_token, .access_token = &outcome->tokens.access_token};
  auto verified = co_await verify(std::move(metadata), pair, std::nullopt, deadline);
  if (!verified) {
    outcome->id_token_fault = verified.error().message();
    co_return {};
  }
  if (!subject.empty() && verified->facts.subject != subject) {
    outcome->kind = RefreshOutcome::Kind::AnotherUser;
    outcome->reason = "id token: 'sub' is another user than the session's";
    outcome->tokens = {};
    co_return {};
  }
  outcome->id_token = IdToken{.raw = std::move(id_token),
                              .issuer = settings_.issuer,
                              .subject = std::move(verified->facts.subject),
                              .issued_at = verified->facts.issued_at,
                              .expires_at = verified->facts.expires_at};
  co_return {};
}

Async<LogoutToken> Provider::Engine::verify_logout_token(std::string token, Deadline deadline) {
  CO_TRY(const KnownMetadata metadata, co_await metadata_.get(deadline));
  const Secret secret(std::move(token));
  CO_TRY(const SignedToken verified,
         co_await verify_signed(&keys_, metadata->algorithms, &secret, "logout token", deadline));
  auto checked = check_logout_token(
      verified.claims,
      {.issuer = settings_.issuer, .client_id = settings_.client_id, .now = core_.clock().wall()});
  if (!checked) {
    co_return fail(checked.error().with_context("logout token"));
  }
  co_return checked;
}

Async<UserDetails> Provider::Engine::load_user(UserQuestion question, Deadline deadline) {
  CO_TRY(const KnownMetadata metadata, co_await metadata_.get(deadline));
  if (!metadata->userinfo_endpoint) {
    co_return fail(ErrorKind::NotFound, "the provider offers no userinfo");
  }
  CO_TRY(const auto answer,
         co_await userinfo(metadata, &question.access_token, question.subject, deadline));
  const Node kept = claims_of_kept_token(question.id_token.expose_text());
  auto user = describe(merge_userinfo(kept, *answer), question.subject);
  if (!user) {
    co_return fail(ErrorKind::Unavailable, std::string(user.error().message()));
  }
  co_return UserDetails{.name = std::move(user->name),
                        .email = std::move(user->email),
                        .claims = std::move(user->claims)};
}

}  // namespace vallum::identity
