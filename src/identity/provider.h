#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/core.h"
#include "async/task.h"
#include "base/secret.h"
#include "base/time.h"
#include "http/client.h"
#include "identity/claims.h"
#include "identity/token_holder.h"
#include "telemetry/log.h"

namespace vallum::identity {

// One registration with an OpenID provider.
struct ProviderSettings {
  // As the provider writes it in its documents, to the byte. https, or http to loopback.
  std::string issuer;
  std::string client_id;
  Secret client_secret;  // empty for a public client
  // https://<authenticate host>/oauth2/callback
  std::string redirect_uri;
  // Empty: openid profile email offline_access.
  std::vector<std::string> scopes;
  // Added to the authorization request. Names of the protocol itself are ignored.
  std::vector<std::pair<std::string, std::string>> request_params;
};

// The same for the same issuer and client, different for every other: a session of one provider is
// none of another. A new secret or scope keeps it. base64url of SHA-256 over the two, each behind
// its length.
std::string provider_id(std::string_view issuer, std::string_view client_id);

// What binds one attempt to sign in to its browser. The nonce and the verifier come back with the
// answer.
struct LoginAttempt {
  std::string state;
  std::string nonce;
  std::string pkce_verifier;
};

// What the browser brought back to the redirect URI, after its state was found to be good.
struct LoginAnswer {
  std::string code;
  // The "iss" parameter of RFC 9207.
  std::optional<std::string> issuer;
  std::string nonce;
  std::string pkce_verifier;
};

struct IdToken {
  Secret raw;
  std::string issuer;
  std::string subject;
  WallTime issued_at;
  WallTime expires_at;
};

struct OAuthTokens {
  Secret access_token;
  std::string token_type;
  Secret refresh_token;  // empty when there is none
  std::optional<WallTime> expires_at;
};

struct SignedIn {
  // `sub`, or `oid` where the provider has one (Azure's subject differs per application).
  std::string user_id;
  std::string name;
  // Only an address with exactly one '@'; see usable_email().
  std::string email;
  std::optional<bool> email_verified;
  // ID token and userinfo. Nothing else of the provider's claims is used, whatever their names.
  Claims claims;
  IdToken id_token;
  OAuthTokens tokens;
};

// What a session's refresh token is sent with.
struct RefreshAttempt {
  Secret refresh_token;
  // The session's `sub`: the answer must be of the same user. "" when it is not known.
  std::string subject;
};

// What came of a refresh (RFC 6749 6, OpenID Connect Core 12).
struct RefreshOutcome {
  enum class Kind : std::uint8_t {
    // There are new tokens: keep them before anything else, the old refresh token may be used up.
    Refreshed,
    // The provider refuses this session for good: end it.
    Ended,
    // It answered with another user's tokens, which are not used: end the session.
    AnotherUser,
    // The provider refuses us, whatever the session: tell an operator, and keep the session.
    Misconfigured,
    // No answer, or none that means anything: try again later.
    Temporary,
  };
  Kind kind = Kind::Temporary;
  // Why not Refreshed, for a person. No token is in it.
  std::string reason;
  // How long the provider asks us to wait.
  std::optional<Duration> retry_after;
  // Of Refreshed. Without a refresh token the old one stays good.
  OAuthTokens tokens;
  // Verified; providers need not send one.
  std::optional<IdToken> id_token;
  // Not empty: an ID token came that could not be verified. Whose the access token is, nobody knows
  // then: keep the refresh token, and nothing else.
  std::string id_token_fault;
};

// Whom to ask userinfo about.
struct UserQuestion {
  Secret access_token;
  // The session's own, which was verified when it came; its claims are what userinfo adds to.
  Secret id_token;
  std::string subject;
};

struct UserDetails {
  std::string name;
  // Only an address with exactly one '@'; see usable_email().
  std::string email;
  Claims claims;
};

// What a provider says when it ends a session of its own (OpenID Connect Back-Channel Logout 1.0).
struct LogoutToken {
  // "" when it does not name the user: then it names the session.
  std::string subject;
  // The provider's own session, `sid`. "": all of the user's.
  std::string session_id;
  // Unique among its issuer's: the caller sees to it that it is used once.
  std::string token_id;
};

struct ProviderCounters {
  std::uint64_t discoveries = 0;
  std::uint64_t key_fetches = 0;
  std::uint64_t sign_ins = 0;
  std::uint64_t sign_ins_failed = 0;
};

struct ProviderStatus {
  // Why the provider cannot be used now; nothing when it can, or was not needed yet.
  std::optional<std::string> problem;
  // Its clock minus ours, as far as its Date headers tell.
  std::optional<Duration> clock_skew;
  ProviderCounters counters;
};

// An OpenID Connect provider (OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout 1.0, RFC
// 7009, RFC 7636, RFC 9207). Its documents are fetched when they are first needed, kept, and
// fetched again in the background; while it is down, what is known goes on being used. Any core
// calls; the work is done on its home core, whose clock and entropy it uses.
//
//   CO_TRY(auto url, co_await provider.authorization_url(attempt, deadline));
//   ... redirect; the browser comes back ...
//   CO_TRY(auto signed_in, co_await provider.complete_login(answer, deadline));
//
// Errors say what the caller answers: InvalidInput 400 (the browser's answer is not usable),
// Unauthenticated 401 (the provider refuses the user or code, or its token proves nothing),
// Unavailable and DeadlineExceeded 502 or 503 (try again later), Internal 500 (our registration
// with the provider is wrong). No text holds a token or code.
class Provider {
 public:
  // All outlive the provider; `http` and `log` belong to `home`.
  struct Parts {
    async::Core& home;
    http::HttpClient& http;
    telemetry::Log& log;
  };

  // InvalidInput when the issuer or redirect URI is not usable. Asks nobody.
  static Result<std::unique_ptr<Provider>> create(const Parts& parts, ProviderSettings settings);
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;
  // Any core. Calls under way end with Cancelled.
  ~Provider();

  // See provider_id().
  const std::string& id() const { return id_; }
  const std::string& issuer() const { return issuer_; }

  // Where to send the browser.
  Async<std::string> authorization_url(LoginAttempt attempt, Deadline deadline);

  // Fetches the documents that a sign-in needs, unless they are known and fresh, so that the first
  // one need not wait and status() can tell.
  Async<void> prepare(Deadline deadline);

  // Redeems the code, once, and verifies everything that comes back.
  Async<SignedIn> complete_login(LoginAnswer answer, Deadline deadline);

  // Whom a token of the provider that somebody brings along speaks for. Unauthenticated for one
  // that is not valid; everything else: nobody knows now. An ID token must be for our client,
  // without userinfo being asked.
  Async<TokenHolder> verify_identity_token(Secret token, Deadline deadline);

  // An access token is shown to userinfo. Which client it was issued to and for what audience is
  // for the caller to judge, by the claims "aud", "azp", "client_id" and their like: they are what
  // the provider signed, else what it says to introspection (RFC 7662), else to userinfo.
  Async<TokenHolder> verify_access_token(Secret token, Deadline deadline);
  // Sends the refresh token, once. Fails with Cancelled when this provider ends first; everything
  // else is an outcome.
  Async<RefreshOutcome> refresh(RefreshAttempt attempt, Deadline deadline);

  // What the provider says of a user now. Unauthenticated when it speaks of another user, NotFound
  // when there is nothing to ask, Unavailable for everything else.
  Async<UserDetails> load_user(UserQuestion question, Deadline deadline);

  // Verifies a logout token that came from anywhere. Unauthenticated when it proves nothing,
  // Unavailable and DeadlineExceeded when the provider's keys cannot be had.
  Async<LogoutToken> verify_logout_token(std::string token, Deadline deadline);

  // Where to send the browser to end its session at the provider; nothing when it offers none.
  Async<std::optional<std::string>> end_session_url(Secret id_token_hint,
                                                    std::string post_logout_redirect_uri,
                                                    Deadline deadline);

  // Asks the provider to forget both tokens. NotFound when it offers no revocation.
  Async<void> revoke(OAuthTokens tokens, Deadline deadline);

  Async<ProviderStatus> status();

 private:
  class Engine;

  Provider(const Parts& parts, std::unique_ptr<Engine> engine, std::string id, std::string issuer);

  async::Core& home_;
  std::unique_ptr<Engine> engine_;
  std::string id_;
  std::string issuer_;
};

}  // namespace vallum::identity
