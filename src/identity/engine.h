#pragma once

#include <optional>
#include <string>

#include "async/scope.h"
#include "async/snapshot.h"
#include "base/time.h"
#include "codec/form.h"
#include "codec/node.h"
#include "crypto/jose/jwk.h"
#include "identity/cached_document.h"
#include "identity/id_token.h"
#include "identity/metadata.h"
#include "identity/provider.h"
#include "identity/signed_token.h"
#include "identity/token_answer.h"

namespace vallum::identity {

// The provider on its home core.
class Provider::Engine {
 public:
  Engine(const Parts& parts, ProviderSettings settings);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Async<std::string> authorization_url(LoginAttempt attempt, Deadline deadline);
  Async<SignedIn> complete_login(LoginAnswer answer, Deadline deadline);
  Async<RefreshOutcome> refresh(RefreshAttempt attempt, Deadline deadline);
  Async<LogoutToken> verify_logout_token(std::string token, Deadline deadline);
  Async<UserDetails> load_user(UserQuestion question, Deadline deadline);
  Async<std::optional<std::string>> end_session_url(Secret id_token_hint,
                                                    std::string post_logout_redirect_uri,
                                                    Deadline deadline);
  Async<void> revoke(OAuthTokens tokens, Deadline deadline);
  Async<TokenHolder> verify_identity_token(Secret token, Deadline deadline);
  Async<TokenHolder> verify_access_token(Secret token, Deadline deadline);
  Async<void> prepare(Deadline deadline);
  Async<ProviderStatus> status();

  // Where calls from other cores run.
  async::Scope& scope() { return scope_; }

 private:
  using KnownMetadata = async::Snapshot<Metadata>;

  struct VerifiedToken {
    codec::Node claims;
    IdTokenFacts facts;
  };

  // Owned by whoever awaits.
  struct TokenPair {
    const Secret* id_token;
    const Secret* access_token;
  };

  Async<Metadata> load_metadata(Deadline deadline);
  Async<crypto::JwkSet> load_keys(Deadline deadline);
  Async<http::ClientResponse> fetch(http::ClientRequest request, Deadline deadline);

  Async<SignedIn> sign_in(LoginAnswer answer, Deadline deadline);
  Async<TokenAnswer> redeem(KnownMetadata metadata, const LoginAnswer* answer, Deadline deadline);
  Async<VerifiedToken> verify(KnownMetadata metadata,
                              TokenPair tokens,
                              std::optional<std::string> nonce,
                              Deadline deadline);
  Async<void> verify_refreshed(KnownMetadata metadata,
                               RefreshOutcome* outcome,
                               Secret id_token,
                               std::string subject,
                               Deadline deadline);
  Async<std::optional<codec::Node>> userinfo(KnownMetadata metadata,
                                             const Secret* access_token,
                                             std::string subject,
                                             Deadline deadline);
  // Unauthenticated: the provider refuses the token.
  Async<codec::Node> ask_userinfo(KnownMetadata metadata, const Secret* token, Deadline deadline);
  Async<std::optional<codec::Node>> token_facts(KnownMetadata metadata,
                                                const Secret* token,
                                                Deadline deadline);
  Async<std::optional<codec::Node>> read_signed(const Secret* token, Deadline deadline);
  Async<std::optional<codec::Node>> introspect(KnownMetadata metadata,
                                               const Secret* token,
                                               Deadline deadline);
  Async<void> revoke_one(KnownMetadata metadata, Secret token, const char* hint, Deadline deadline);

  // A POST of a form by which we say who we are.
  http::ClientRequest authenticated_form(const Metadata& metadata,
                                         const http::Uri& url,
                                         codec::Query form) const;
  void note_date(const http::ClientResponse& response, WallTime sent);

  async::Core& core_;
  http::HttpClient& http_;
  telemetry::Log& log_;
  ProviderSettings settings_;
  std::optional<Duration> clock_skew_;
  bool skew_warned_ = false;
  std::uint64_t sign_ins_ = 0;
  std::uint64_t sign_ins_failed_ = 0;
  CachedDocument<Metadata> metadata_;
  KeyDocument keys_;
  async::Scope scope_;
};

}  // namespace vallum::identity
