#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace vallum::session {

// Where session handles may stand in a request (identity specification 1.7), as the codec found
// them. Views live as long as the request's head.
struct CredentialPlaces {
  // The values of each field of that name, in order.
  std::span<const std::string_view> cookie = {};
  std::span<const std::string_view> pomerium_authorization = {};
  std::span<const std::string_view> authorization = {};
  // Without '?', as received.
  std::string_view query = {};
};

enum class CredentialSource : std::uint8_t {
  Cookie,
  PomeriumAuthorization,  // X-Pomerium-Authorization: HANDLE
  Authorization,          // Authorization: Pomerium HANDLE
  BearerAuthorization,    // Authorization: Bearer Pomerium-HANDLE
  Query,                  // ?pomerium_session=HANDLE
};

struct Credential {
  CredentialSource source = CredentialSource::Cookie;
  std::string_view text;
};

// What may be a session handle in one request, in order of precedence.
class Credentials {
 public:
  static constexpr std::size_t kMax = 16;

  std::span<const Credential> all() const { return std::span(found_).first(size_); }
  bool has_cookie() const { return has_cookie_; }
  // Who presents a token in a header or the query is a program: it gets a status, not a redirect.
  bool has_token() const { return has_token_; }

 private:
  friend Result<Credentials> find_credentials(const CredentialPlaces& places,
                                              std::string_view cookie_name);
  bool add(CredentialSource source, std::string_view text);

  std::array<Credential, kMax> found_;
  std::size_t size_ = 0;
  bool has_cookie_ = false;
  bool has_token_ = false;
};

// Only the documented forms count, in their letter case: anything else belongs to the application.
// Never allocates. InvalidInput when a header that carries a credential of ours stands twice, or
// when there are more credentials than kMax.
Result<Credentials> find_credentials(const CredentialPlaces& places, std::string_view cookie_name);

// Whether an Authorization value must not reach an application: also in forms that are not
// accepted, such as other letter case.
bool carries_own_credential(std::string_view authorization);

}  // namespace vallum::session
