#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/secret_list.h"
#include "base/time.h"
#include "crypto/hmac.h"

namespace vallum::databroker {

// What a caller may do; each may what those before it may.
enum class Role : std::uint8_t {
  Reader,  // proxy, authorize: read, and note when a session was used
  Writer,  // authenticate, identity-manager: write records, hold leases
  Admin,   // databroker: options, beginning anew
};

// The role of a service by its name; nothing for a name that is none.
std::optional<Role> role_of_service(std::string_view name);

// The role a certificate holds its owner to: that of the weakest of its names of the form
// "vallum:service:NAME". Nothing when it has no such name; PermissionDenied for a NAME that is no
// service.
Result<std::optional<Role>> role_of_certificate(const std::vector<std::string>& names);

// Checks the tokens by which callers show that they know the shared secret. Two forms:
//
// v1, of clients of the reference: HS256 under the shared secret, and "exp" is its only claim. More
// claims are refused, because cookies and service accounts are signed with the same key.
//
// v2: "kid" is "databroker-rpc", HS256 under a key of that purpose derived from the shared secret;
// "iss" is "vallum", "aud" is "databroker", "sub" is the service, and there are "iat", "exp" and
// "jti", and nothing else.
//
// Neither lives longer than an hour. One thread at a time.
class CallerTokens {
 public:
  static constexpr std::string_view kPurpose = "databroker-rpc";

  explicit CallerTokens(const Secret& shared_secret)
      : CallerTokens(SecretList(shared_secret.clone())) {}
  // A token of any of them counts. Requires at least one.
  explicit CallerTokens(const SecretList& shared_secrets);

  // Unauthenticated. A v1 token says nothing about its service: Admin.
  Result<Role> verify(std::string_view token, WallTime now);

 private:
  // Of one shared secret.
  struct Keys {
    crypto::Hmac shared;
    crypto::Hmac purpose;
  };
  std::vector<Keys> keys_;
};

// A v2 token by which a caller shows that it is that service, for one call: good for a minute.
std::string make_caller_token(const Secret& shared_secret,
                              std::string_view service,
                              WallTime now,
                              Entropy& entropy);

}  // namespace vallum::databroker
