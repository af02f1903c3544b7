#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "codec/form.h"
#include "crypto/jose/signing_key.h"
#include "dev/development_mode.h"
#include "dev/person.h"
#include "dev/ticket.h"
#include "http/message.h"

namespace vallum::dev {

struct IdentityProviderOptions {
  std::string issuer;  // "http://127.0.0.1:PORT", without a slash at the end
  std::vector<Person> people = default_people();
};

// An OpenID provider (authorization code with PKCE S256, refresh, userinfo, end-session) whose
// login page is a choice of people. It has one client and knows no passwords. Keys and the client's
// secret follow from `seed`, so that sessions survive a restart with the same seed.
class IdentityProvider {
 public:
  static constexpr std::string_view kClientId = "vallum-dev";
  static constexpr std::size_t kBodyBytesMax = std::size_t{16} * 1024;
  // Codes that may be remembered as used; more in their lifetime are refused.
  static constexpr std::size_t kUsedCodesMax = 10'000;

  // `clock` and `entropy` must outlive the provider.
  IdentityProvider(DevelopmentMode mode,
                   IdentityProviderOptions options,
                   const Secret& seed,
                   const Clock& clock,
                   Entropy& entropy);

  // What the client needs to know, for the generated configuration.
  static std::string client_secret(const Secret& seed);

  http::Response handle(const http::Request& request);

 private:
  http::Response discovery() const;
  http::Response ask_who(const http::Request& request);
  http::Response choose(const http::Request& request);
  http::Response token(const http::Request& request);
  http::Response userinfo(const http::Request& request);
  http::Response end_session(const http::Request& request);

  bool is_client(const http::Request& request, const codec::Query& form) const;
  Result<Person> chosen_person(const codec::Query& form) const;
  Result<Ticket> redeem_code(const codec::Query& form);
  http::Response issue_tokens(const Ticket& grant);
  std::string id_token(const Ticket& grant) const;
  std::string login_page(const Ticket& attempt,
                         std::string_view nonce,
                         std::string_view request_id);
  void forget_old_codes();

  IdentityProviderOptions options_;
  std::string client_secret_;
  crypto::SigningKey signing_key_;
  TicketPrinter tickets_;
  std::map<std::string, WallTime, std::less<>> used_codes_;  // until when each must be remembered
  const Clock& clock_;
  Entropy& entropy_;
};

}  // namespace vallum::dev
