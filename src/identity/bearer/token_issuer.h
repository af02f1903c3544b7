#pragma once

#include "async/core.h"
#include "async/task.h"
#include "base/secret.h"
#include "config/token_issuer.h"
#include "http/client.h"
#include "identity/signed_token.h"
#include "identity/token_holder.h"
#include "telemetry/log.h"

namespace vallum::identity {

// One of identity_providers: whoever issues the tokens that programs bring along. Home core only.
class TokenIssuer {
 public:
  // All outlive the issuer.
  struct Parts {
    async::Core& home;
    http::HttpClient& http;
    telemetry::Log& log;
  };
  TokenIssuer(const Parts& parts, config::TokenIssuer settings);
  TokenIssuer(const TokenIssuer&) = delete;
  TokenIssuer& operator=(const TokenIssuer&) = delete;

  const config::TokenIssuer& settings() const { return settings_; }

  // Verifies everything: algorithm, signature, issuer, audience, times, subject. Unauthenticated
  // for a token that proves nothing; everything else: its keys cannot be had now. The token
  // outlives the task.
  Async<TokenHolder> verify(const Secret* token, Deadline deadline);

 private:
  Async<crypto::JwkSet> load_keys(Deadline deadline);
  Async<http::Uri> find_keys(Deadline deadline);

  Parts parts_;
  config::TokenIssuer settings_;
  KeyDocument keys_;
};

}  // namespace vallum::identity
