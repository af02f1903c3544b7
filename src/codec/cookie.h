#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace vallum::codec {

// One piece of a Cookie header, as sent: nothing is unquoted or decoded.
struct CookiePair {
  std::string_view name;
  std::string_view value;
  // The whole piece without surrounding white space, for whoever rebuilds the header.
  std::string_view piece;
};

// Takes the next non-empty piece off the front of `rest` (a Cookie header value). False at the end.
// A piece without "=" is a name with an empty value, so that a stripper sees it. Never allocates:
//
//   for (CookiePair pair; next_cookie(rest, pair);) { ... }
bool next_cookie(std::string_view& rest, CookiePair& pair);

std::vector<CookiePair> parse_cookies(std::string_view header);
// The value of the first cookie with exactly this name. Never allocates.
std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name);

enum class SameSite : std::uint8_t { Unset, None, Lax, Strict };

// The cookie we ask a browser to keep.
struct SetCookie {
  std::string name;
  std::string value;
  std::string path = "/";
  std::string domain = {};  // Empty: this host only.
  std::optional<WallTime> expires = std::nullopt;
  std::optional<Duration> max_age = std::nullopt;  // Whole seconds are sent.
  bool http_only = true;
  bool secure = true;
  SameSite same_site = SameSite::Lax;

  // The same name, path and domain with an empty value and a past expiry.
  SetCookie cleared() const;
};

// The value of a Set-Cookie header (RFC 6265 4.1.1). Fails when a part holds a byte that the
// grammar does not allow there, and when a "__Host-" or "__Secure-" name does not meet its promise.
Result<std::string> build_set_cookie(const SetCookie& cookie);

}  // namespace vallum::codec
