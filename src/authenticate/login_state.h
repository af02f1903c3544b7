#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/secret_list.h"
#include "base/time.h"
#include "crypto/aead.h"

namespace vallum::authenticate {

// What ties the steps of sign-in at the provider to one browser (identity specification 1.5, 1.9).
//
// One cookie per browser, <cookie_name>_csrf, holds a random token; every tab that is signing in
// shares it. The `state` of an attempt carries the token in clear and the sign-in URL sealed. The
// PKCE verifier and the nonce are derived from token and state, so an attempt needs no cookie of
// its own and abandoned attempts leave nothing behind.

// 32 random bytes of one browser.
using CsrfToken = std::array<std::byte, 32>;

struct LoginState {
  // The sign-in URL to return to, as it was asked for, with its signature.
  std::string sign_in_url;
  WallTime issued;
};

class LoginStates {
 public:
  static constexpr std::chrono::minutes kLifetime{5};
  static constexpr std::chrono::hours kCookieLifetime{12};
  static constexpr std::size_t kStateBytesMax = 16 * 1024;

  explicit LoginStates(const Secret& cookie_key) : LoginStates(SecretList(cookie_key.clone())) {}
  // What is made is made under the first key; what any of them made is ours. Requires at least one.
  explicit LoginStates(const SecretList& cookie_keys);

  // The value of the CSRF cookie, and the token of one: nothing when it is not ours or too old.
  std::string cookie_value(const CsrfToken& token, WallTime now) const;
  std::optional<CsrfToken> read_cookie(std::string_view value, WallTime now) const;

  std::string make_state(const CsrfToken& token,
                         std::string_view sign_in_url,
                         WallTime now,
                         Entropy& entropy) const;

  // InvalidInput unless the state was made by this deployment for this browser. Age is for the
  // caller to judge, who can then send an old attempt back to where it began.
  Result<LoginState> open_state(const CsrfToken& token, std::string_view state) const;

  // InvalidInput unless the state was made by this deployment, for whichever browser. Proves
  // nothing about who brings it.
  Result<LoginState> open_of_anybody(std::string_view state) const;

  // Too old to be finished, or of a time to come.
  static bool is_expired(const LoginState& state, WallTime now);

  // Until one attempt's code has been redeemed, known to this deployment and this browser alone. Of
  // the key that made the state, so that an attempt outlasts a change of keys.
  std::string pkce_verifier(const CsrfToken& token, std::string_view state) const;
  std::string nonce(const CsrfToken& token, std::string_view state) const;

 private:
  struct Opened;
  struct Keys {
    explicit Keys(const Secret& cookie_key);
    crypto::XChaCha20Poly1305 seal;
    Secret cookie_mac_key;
    Secret verifier_key;
  };

  Result<Opened> open_any(std::string_view state) const;

  std::vector<Keys> keys_;
};

CsrfToken make_csrf_token(Entropy& entropy);

}  // namespace vallum::authenticate
