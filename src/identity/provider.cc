#include "identity/provider.h"

#include <array>
#include <utility>

#include "async/run_on.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "identity/engine.h"

namespace vallum::identity {
namespace {

void append_part(Bytes& out, std::string_view part) {
  std::array<std::byte, 4> length{};
  store_be32(static_cast<std::uint32_t>(part.size()), length.data());
  out.insert(out.end(), length.begin(), length.end());
  const ByteView bytes = as_bytes(part);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::string provider_id(std::string_view issuer, std::string_view client_id) {
  Bytes input;
  append_part(input, "oidc");
  append_part(input, issuer);
  append_part(input, client_id);
  return codec::encode_base64(crypto::sha256(input), codec::Base64::UrlRaw);
}

Result<std::unique_ptr<Provider>> Provider::create(const Parts& parts, ProviderSettings settings) {
  TRY_OK(parse_issuer(settings.issuer));
  if (settings.client_id.empty()) {
    return fail(ErrorKind::InvalidInput, "provider: the client id is empty");
  }
  if (auto redirect = http::Uri::parse(settings.redirect_uri); !redirect) {
    return fail(redirect.error().with_context("provider: redirect URI"));
  }
  std::string id = provider_id(settings.issuer, settings.client_id);
  std::string issuer = settings.issuer;
  auto engine = std::make_unique<Engine>(parts, std::move(settings));
  return std::unique_ptr<Provider>(
      new Provider(parts, std::move(engine), std::move(id), std::move(issuer)));
}

Provider::Provider(const Parts& parts,
                   std::unique_ptr<Engine> engine,
                   std::string id,
                   std::string issuer)
    : home_(parts.home),
      engine_(std::move(engine)),
      id_(std::move(id)),
      issuer_(std::move(issuer)) {}

Provider::~Provider() {
  // Its coroutines wait on the home core and can only be destroyed there. Messages of callers that
  // are gone already were posted before this one.
  if (!home_.on_home_core()) {
    home_.post([engine = std::move(engine_)]() mutable { engine.reset(); });
  }
}

Async<std::string> Provider::authorization_url(LoginAttempt attempt, Deadline deadline) {
  return async::run_on(home_,
                       engine_->scope(),
                       [engine = engine_.get(), attempt = std::move(attempt), deadline]() mutable {
                         return engine->authorization_url(std::move(attempt), deadline);
                       });
}

Async<SignedIn> Provider::complete_login(LoginAnswer answer, Deadline deadline) {
  return async::run_on(home_,
                       engine_->scope(),
                       [engine = engine_.get(), answer = std::move(answer), deadline]() mutable {
                         return engine->complete_login(std::move(answer), deadline);
                       });
}

Async<TokenHolder> Provider::verify_identity_token(Secret token, Deadline deadline) {
  return async::run_on(home_,
                       engine_->scope(),
                       [engine = engine_.get(), token = std::move(token), deadline]() mutable {
                         return engine->verify_identity_token(std::move(token), deadline);
                       });
}

Async<TokenHolder> Provider::verify_access_token(Secret token, Deadline deadline) {
  return async::run_on(home_,
                       engine_->scope(),
                       [engine = engine_.get(), token = std::move(token), deadline]() mutable {
                         return engine->verify_access_token(std::move(token), deadline);
                       });
}

Async<RefreshOutcome> Provider::refresh(RefreshAttempt attempt, Deadline deadline) {
  return async::run_on(home_,
                       engine_->scope(),
                       [engine = engine_.get(), attempt = std::move(attempt), deadline]() mutable {
                         return engine->refresh(std::move(attempt), deadline);
                       });
}

Async<UserDetails> Provider::load_user(UserQuestion question, Deadline deadline) {
  return async::run_on(
      home_,
      engine_->scope(),
      [engine = engine_.get(), question = std::move(question), deadline]() mutable {
        return engine->load_user(std::move(question), deadline);
      });
}

Async<LogoutToken> Provider::verify_logout_token(std::string token, Deadline deadline) {
  return async::run_on(home_,
                       engine_->scope(),
                       [engine = engine_.get(), token = std::move(token), deadline]() mutable {
                         return engine->verify_logout_token(std::move(token), deadline);
                       });
}

Async<std::optional<std::string>> Provider::end_session_url(Secret id_token_hint,
                                                            std::string post_logout_redirect_uri,
                                                            Deadline deadline) {
  return async::run_on(home_,
                       engine_->scope(),
                       [engine = engine_.get(),
                        hint = std::move(id_token_hint),
                        target = std::move(post_logout_redirect_uri),
                        deadline]() mutable {
                         return engine->end_session_url(
                             std::move(hint), std::move(target), deadline);
                       });
}

Async<void> Provider::revoke(OAuthTokens tokens, Deadline deadline) {
  return async::run_on(home_,
                       engine_->scope(),
                       [engine = engine_.get(), tokens = std::move(tokens), deadline]() mutable {
                         return engine->revoke(std::move(tokens), deadline);
                       });
}

Async<void> Provider::prepare(Deadline deadline) {
  return async::run_on(home_, engine_->scope(), [engine = engine_.get(), deadline] {
    return engine->prepare(deadline);
  });
}

Async<ProviderStatus> Provider::status() {
  return async::run_on(
      home_, engine_->scope(), [engine = engine_.get()] { return engine->status(); });
}

}  // namespace vallum::identity
