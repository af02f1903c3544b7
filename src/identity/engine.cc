#include "identity/engine.h"

#include <algorithm>
#include <array>
#include <utility>

#include "codec/base64.h"
#include "codec/form.h"
#include "codec/http_date.h"
#include "codec/json.h"
#include "codec/percent.h"
#include "crypto/digest.h"
#include "crypto/jose/jws.h"
#include "identity/describe.h"

namespace vallum::identity {
namespace {

using codec::Node;

constexpr std::string_view kDefaultScopes = "openid profile email offline_access";

std::string scope_text(const ProviderSettings& settings) {
  if (settings.scopes.empty()) {
    return std::string(kDefaultScopes);
  }
  std::string text;
  for (const std::string& scope : settings.scopes) {
    text.append(text.empty() ? "" : " ").append(scope);
  }
  return text;
}

// What an operator's extra parameters must not replace: the protocol rests on it.
bool is_protocol_parameter(std::string_view name) {
  constexpr std::array<std::string_view, 9> kNames = {"client_id",
                                                      "code_challenge",
                                                      "code_challenge_method",
                                                      "nonce",
                                                      "redirect_uri",
                                                      "request",
                                                      "request_uri",
                                                      "response_type",
                                                      "state"};
  return std::ranges::find(kNames, name) != kNames.end();
}

std::string url_with(const http::Uri& url, const codec::Query& query) {
  std::string text(url.text().substr(0, url.text().find('#')));
  text += url.query() ? '&' : '?';
  return text + query.encode();
}

// RFC 7636 4.2.
std::string pkce_challenge(std::string_view verifier) {
  return codec::encode_base64(crypto::sha256(as_bytes(verifier)), codec::Base64::UrlRaw);
}

// RFC 6749 2.3.1: both are form-encoded before they are joined.
std::string basic_credentials(const ProviderSettings& settings) {
  const std::string pair = codec::form_encode(settings.client_id) + ":" +
                           codec::form_encode(settings.client_secret.expose_text());
  return "Basic " + codec::encode_base64(as_bytes(pair), codec::Base64::Std);
}

codec::ReadLimits userinfo_limits() {
  return {.bytes_max = Limits::kUserinfoBytesMax,
          .depth_max = Limits::kClaimDepthMax,
          .nodes_max = Limits::kClaimNodesMax};
}

Unexpected unauthenticated(std::string text) {
  return fail(ErrorKind::Unauthenticated, std::move(text));
}

// A failure of what the provider sent is not the caller's mistake, and an answer that is too long
// no lack of ours, whatever those who found it call it.
Error as_unavailable(const Error& error) {
  return error.kind() == ErrorKind::InvalidInput || error.kind() == ErrorKind::ResourceExhausted
             ? Error(ErrorKind::Unavailable, std::string(error.message()))
             : error;
}

}  // namespace

Provider::Engine::Engine(const Parts& parts, ProviderSettings settings)
    : core_(parts.home),
      http_(parts.http),
      log_(parts.log),
      settings_(std::move(settings)),
      metadata_(core_,
                log_,
                {.name = "metadata", .fresh_for = Limits::kMetadataFresh},
                [this](Deadline deadline) { return load_metadata(deadline); }),
      keys_(core_,
            log_,
            {.name = "keys", .fresh_for = Limits::kKeysFresh},
            [this](Deadline deadline) { return load_keys(deadline); }),
      scope_(core_) {}

Async<std::string> Provider::Engine::authorization_url(LoginAttempt attempt, Deadline deadline) {
  CO_TRY(const KnownMetadata metadata, co_await metadata_.get(deadline));
  codec::Query query;
  for (const auto& [name, value] : settings_.request_params) {
    if (!is_protocol_parameter(name)) {
      query.add(name, value);
    }
  }
  query.set("client_id", settings_.client_id);
  query.set("redirect_uri", settings_.redirect_uri);
  query.set("response_type", "code");
  if (!query.has("scope")) {
    query.set("scope", scope_text(settings_));
  }
  query.set("state", attempt.state);
  query.set("nonce", attempt.nonce);
  query.set("code_challenge", pkce_challenge(attempt.pkce_verifier));
  query.set("code_challenge_method", "S256");
  co_return url_with(metadata->authorization_endpoint, query);
}

Async<SignedIn> Provider::Engine::complete_login(LoginAnswer answer, Deadline deadline) {
  auto signed_in = co_await sign_in(std::move(answer), deadline);
  ++(signed_in ? sign_ins_ : sign_ins_failed_);
  co_return signed_in;
}

Async<SignedIn> Provider::Engine::sign_in(LoginAnswer answer, Deadline deadline) {
  if (answer.code.empty() || answer.code.size() > Limits::kCodeBytesMax) {
    co_return fail(ErrorKind::InvalidInput, "code: missing or too long");
  }
  CO_TRY(const KnownMetadata metadata, co_await metadata_.get(deadline));
  // RFC 9207 2.4. Before the code is sent anywhere: an answer of another provider must not be
  // redeemed here.
  if (answer.issuer ? *answer.issuer != settings_.issuer : metadata->answers_name_issuer) {
    co_return fail(ErrorKind::InvalidInput,
                   "the answer does not come from the provider that was asked ('iss')");
  }
  CO_TRY(TokenAnswer tokens, co_await redeem(metadata, &answer, deadline));
  const TokenPair pair{.id_token = &tokens.id_token, .access_token = &tokens.tokens.access_token};
  CO_TRY(VerifiedToken verified, co_await verify(metadata, pair, answer.nonce, deadline));
  CO_TRY(const auto more,
         co_await userinfo(metadata, pair.access_token, verified.facts.subject, deadline));
  const Node claims = more ? merge_userinfo(verified.claims, *more)
                           : merge_userinfo(verified.claims, Node::map({}));
  CO_TRY(SignedIn user, describe(claims, verified.facts.subject));
  user.id_token = {.raw = std::move(tokens.id_token),
                   .issuer = settings_.issuer,
                   .subject = std::move(verified.facts.subject),
                   .issued_at = verified.facts.issued_at,
                   .expires_at = verified.facts.expires_at};
  user.tokens = std::move(tokens.tokens);
  co_return user;
}

Async<TokenAnswer> Provider::Engine::redeem(KnownMetadata metadata,
                                            const LoginAnswer* answer,
                                            Deadline deadline) {
  codec::Query form;
  form.add("grant_type", "authorization_code");
  form.add("code", answer->code);
  form.add("redirect_uri", settings_.redirect_uri);
  form.add("code_verifier", answer->pkce_verifier);
  http::ClientRequest request =
      authenticated_form(*metadata, metadata->token_endpoint, std::move(form));
  request.body_bytes_max = Limits::kTokenAnswerBytesMax;
  // Once only: a code that is sent twice makes the provider revoke what it gave (RFC 6749 4.1.2).
  CO_TRY(const http::ClientResponse response, co_await fetch(std::move(request), deadline));
  co_return parse_token_answer(response, core_.clock().wall());
}

Async<Provider::Engine::VerifiedToken> Provider::Engine::verify(KnownMetadata metadata,
                                                                TokenPair tokens,
                                                                std::optional<std::string> nonce,
                                                                Deadline deadline) {
  CO_TRY(
      SignedToken found,
      co_await verify_signed(&keys_, metadata->algorithms, tokens.id_token, "id token", deadline));
  CO_TRY(IdTokenFacts facts,
         check_id_token(found.claims,
                        {.issuer = settings_.issuer,
                         .client_id = settings_.client_id,
                         .nonce = nonce,
                         .access_token = tokens.access_token->expose_text(),
                         .hash = found.hash,
                         .now = core_.clock().wall()}));
  co_return VerifiedToken{.claims = std::move(found.claims), .facts = std::move(facts)};
}

Async<std::optional<Node>> Provider::Engine::userinfo(KnownMetadata metadata,
                                                      const Secret* access_token,
                                                      std::string subject,
                                                      Deadline deadline) {
  if (!metadata->userinfo_endpoint) {
    co_return std::nullopt;
  }
  http::ClientRequest request{.url = *metadata->userinfo_endpoint,
                              .body_bytes_max = Limits::kUserinfoBytesMax};
  request.headers.add("Authorization", "Bearer " + std::string(access_token->expose_text()));
  request.headers.add("Accept", "application/json");
  CO_TRY(const http::ClientResponse response, co_await fetch(std::move(request), deadline));
  if (!response.is_success()) {
    co_return fail(ErrorKind::Unavailable,
                   "userinfo: answered with status " + std::to_string(response.status));
  }
  auto claims = codec::parse_json(response.body, userinfo_limits(), codec::DuplicateKeys::Refuse);
  if (!claims || !claims->is_map()) {
    co_return fail(ErrorKind::Unavailable, "userinfo: not a JSON object within its limits");
  }
  // OpenID Connect Core 5.3.2: without this check a token of somebody else would put their claims
  // on this user.
  const Node* named = claims->find("sub");
  if (named == nullptr || !named->is_string() || named->text() != subject) {
    co_return unauthenticated("userinfo: 'sub' is not the user of the id token");
  }
  co_return *std::move(claims);
}

Async<std::optional<std::string>> Provider::Engine::end_session_url(
    Secret id_token_hint, std::string post_logout_redirect_uri, Deadline deadline) {
  CO_TRY(const KnownMetadata metadata, co_await metadata_.get(deadline));
  if (!metadata->end_session_endpoint) {
    co_return std::nullopt;
  }
  codec::Query query;
  if (!id_token_hint.empty()) {
    query.add("id_token_hint", id_token_hint.expose_text());
  }
  query.add("client_id", settings_.client_id);
  query.add("post_logout_redirect_uri", post_logout_redirect_uri);
  co_return url_with(*metadata->end_session_endpoint, query);
}

Async<void> Provider::Engine::revoke(OAuthTokens tokens, Deadline deadline) {
  CO_TRY(const KnownMetadata metadata, co_await metadata_.get(deadline));
  if (!metadata->revocation_endpoint) {
    co_return fail(ErrorKind::NotFound, "the provider offers no token revocation");
  }
  Result<void> refresh;
  if (!tokens.refresh_token.empty()) {
    refresh =
        co_await revoke_one(metadata, std::move(tokens.refresh_token), "refresh_token", deadline);
  }
  // The access token too, even when the first call failed.
  const auto access =
      co_await revoke_one(metadata, std::move(tokens.access_token), "access_token", deadline);
  CO_TRY_OK(refresh);
  co_return access;
}

Async<void> Provider::Engine::revoke_one(KnownMetadata metadata,
                                         Secret token,
                                         const char* hint,
                                         Deadline deadline) {
  codec::Query form;
  form.add("token", token.expose_text());
  form.add("token_type_hint", hint);
  http::ClientRequest request =
      authenticated_form(*metadata, *metadata->revocation_endpoint, std::move(form));
  CO_TRY(const http::ClientResponse response, co_await fetch(std::move(request), deadline));
  if (!response.is_success()) {
    co_return fail(ErrorKind::Unavailable,
                   "revocation: answered with status " + std::to_string(response.status));
  }
  co_return {};
}

Async<void> Provider::Engine::prepare(Deadline deadline) {
  CO_TRY_OK(co_await metadata_.get(deadline));
  CO_TRY_OK(co_await keys_.get(deadline));
  co_return {};
}

Async<ProviderStatus> Provider::Engine::status() {
  ProviderStatus status;
  for (const auto* error : {&metadata_.error(), &keys_.error()}) {
    if (*error && !status.problem) {
      status.problem = std::string((*error)->message());
    }
  }
  status.clock_skew = clock_skew_;
  status.counters = {.discoveries = metadata_.fetches(),
                     .key_fetches = keys_.fetches(),
                     .sign_ins = sign_ins_,
                     .sign_ins_failed = sign_ins_failed_};
  co_return status;
}

Async<Metadata> Provider::Engine::load_metadata(Deadline deadline) {
  CO_TRY(http::Uri url, metadata_url(settings_.issuer));
  http::ClientRequest request{.url = std::move(url), .body_bytes_max = Limits::kMetadataBytesMax};
  CO_TRY(const http::ClientResponse response, co_await fetch(std::move(request), deadline));
  if (response.status != 200) {
    co_return fail(ErrorKind::Unavailable,
                   "provider metadata: answered with status " + std::to_string(response.status));
  }
  auto metadata = parse_metadata(response.body, settings_.issuer, !settings_.client_secret.empty());
  if (!metadata) {
    co_return fail(as_unavailable(metadata.error()));
  }
  co_return metadata;
}

Async<crypto::JwkSet> Provider::Engine::load_keys(Deadline deadline) {
  CO_TRY(const KnownMetadata metadata, co_await metadata_.get(deadline));
  http::ClientRequest request{.url = metadata->jwks_uri,
                              .body_bytes_max = crypto::JwkSet::kBytesMax};
  CO_TRY(const http::ClientResponse response, co_await fetch(std::move(request), deadline));
  co_return parse_keys(response);
}

Async<http::ClientResponse> Provider::Engine::fetch(http::ClientRequest request,
                                                    Deadline deadline) {
  const WallTime sent = core_.clock().wall();
  auto response = co_await http_.fetch(std::move(request), deadline);
  if (!response) {
    co_return fail(as_unavailable(response.error()));
  }
  note_date(*response, sent);
  co_return response;
}

http::ClientRequest Provider::Engine::authenticated_form(const Metadata& metadata,
                                                         const http::Uri& url,
                                                         codec::Query form) const {
  http::ClientRequest request{.url = url, .method = http::Method::Post};
  switch (metadata.client_authentication) {
    case ClientAuthentication::SecretBasic:
      request.headers.add("Authorization", basic_credentials(settings_));
      break;
    case ClientAuthentication::SecretPost:
      form.add("client_id", settings_.client_id);
      form.add("client_secret", settings_.client_secret.expose_text());
      break;
    case ClientAuthentication::None:
      form.add("client_id", settings_.client_id);
      break;
  }
  request.headers.add("Accept", "application/json");
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.body = form.encode();
  return request;
}

void Provider::Engine::note_date(const http::ClientResponse& response, WallTime sent) {
  const auto date = codec::parse_http_date(response.headers.value("date"));
  if (!date) {
    return;
  }
  // A date has whole seconds: on average it is half a second old. It was written between sending
  // and now, so only what lies outside of that tells of the clocks.
  const WallTime written = *date + std::chrono::milliseconds(500);
  const WallTime received = core_.clock().wall();
  Duration skew{0};
  if (written > received) {
    skew = written - received;
  } else if (written < sent) {
    skew = written - sent;
  }
  clock_skew_ = skew;
  const bool is_large = skew > Limits::kSkewWarned || skew < -Limits::kSkewWarned;
  if (is_large && !skew_warned_) {
    log_.warn("provider: its clock and ours differ; sign-in may fail",
              {{"skew_seconds", std::chrono::duration_cast<std::chrono::seconds>(skew).count()}});
  }
  skew_warned_ = is_large;
}

}  // namespace vallum::identity
