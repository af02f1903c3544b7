#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/secret_list.h"
#include "base/time.h"
#include "crypto/hmac.h"

namespace vallum::session {

// What the session cookie says: which record to look up, and for whom it was made (identity
// specification 1.8). It grants nothing by itself: the record does. Service-account tokens have the
// same form, without audience and provider.
struct Handle {
  // Of the session or service account.
  std::string session_id;
  std::string user_id;
  // The authenticate host.
  std::string issuer;
  // The hosts it may be used on, with or without port.
  std::vector<std::string> audience;
  std::optional<WallTime> issued_at;
  std::optional<WallTime> not_before;
  std::optional<WallTime> expires_at;
  // Of the provider that vouched.
  std::string idp_id;
  // Where the databroker stood when the record was written: who reads must have read at least that.
  std::optional<std::uint64_t> server_version;
  std::optional<std::uint64_t> record_version;

  // Ports and letter case do not count: a cookie does not know them either.
  bool covers_host(std::string_view host) const;
  bool is_current(WallTime now) const;
  // A service-account token names neither hosts nor provider nor issuer. Its id must then be looked
  // up as a service account and never as a session: a session's handle stripped of its audience
  // would be good anywhere.
  bool is_service_account() const { return audience.empty() && idp_id.empty() && issuer.empty(); }

  bool operator==(const Handle&) const = default;
};

// Signs handles under the first shared key, naming it as "kid" in the header, and verifies those of
// all: of the key that the header names, of any where it names none of ours, as handles of the
// reference do. One thread at a time.
class HandleCodec {
 public:
  // What a browser keeps in one cookie.
  static constexpr std::size_t kTextBytesMax = 4096;
  static constexpr std::size_t kIdBytesMax = 1024;
  static constexpr std::size_t kAudienceMax = 64;

  explicit HandleCodec(const Secret& shared_key) : HandleCodec(SecretList(shared_key.clone())) {}
  // Requires at least one.
  explicit HandleCodec(const SecretList& shared_keys);

  std::string sign(const Handle& handle);
  // Unauthenticated for everything but a handle signed with one of these keys by HS256. Times and
  // audience are for the caller to judge, who knows the clock and the host.
  Result<Handle> verify(std::string_view text);

 private:
  struct Key {
    std::string id;
    crypto::Hmac mac;
  };
  Result<std::string> payload_of(std::string_view text);

  std::vector<Key> keys_;
};

}  // namespace vallum::session
