#include "session/cookies.h"

#include <utility>

namespace vallum::session {
namespace {

constexpr Duration kCsrfLifetime = std::chrono::hours(12);
constexpr std::string_view kAuthenticate = "_authenticate";
constexpr std::string_view kCsrf = "_csrf";
// Counts sign-ins of one browser within the last half minute.
constexpr std::string_view kLogin = "_login";
constexpr std::string_view kPkcePrefix = "_pkce_";

}  // namespace

codec::SetCookie session_cookie(const CookieOptions& options, std::string handle, WallTime now) {
  return {.name = options.name,
          .value = std::move(handle),
          .domain = options.domain,
          .expires = now + options.lifetime,
          .http_only = options.http_only,
          .same_site = options.same_site};
}

codec::SetCookie authenticate_cookie(const CookieOptions& options,
                                     std::string handle,
                                     WallTime now) {
  codec::SetCookie cookie = session_cookie(options, std::move(handle), now);
  cookie.name = authenticate_cookie_name(options);
  cookie.domain.clear();
  cookie.http_only = true;
  if (cookie.same_site == codec::SameSite::Strict) {
    cookie.same_site = codec::SameSite::Lax;
  }
  return cookie;
}

codec::SetCookie csrf_cookie(const CookieOptions& options,
                             std::string value,
                             Return provider_return) {
  codec::SetCookie cookie = authenticate_cookie(options, std::move(value), WallTime());
  cookie.name = csrf_cookie_name(options);
  cookie.expires.reset();
  cookie.max_age = kCsrfLifetime;
  if (provider_return == Return::ByPost) {
    cookie.same_site = codec::SameSite::None;
  }
  return cookie;
}

std::string authenticate_cookie_name(const CookieOptions& options) {
  return options.name + std::string(kAuthenticate);
}

std::string csrf_cookie_name(const CookieOptions& options) {
  return options.name + std::string(kCsrf);
}

bool is_own_cookie(std::string_view cookie_name, std::string_view name) {
  if (name.starts_with(cookie_name)) {
    const std::string_view suffix = name.substr(cookie_name.size());
    if (suffix.empty() || suffix == kAuthenticate || suffix == kCsrf || suffix == kLogin ||
        suffix.starts_with(kPkcePrefix)) {
      return true;
    }
  }
  // Names the reference uses, whatever cookie_name is.
  return name.starts_with("pomerium_identity_profile") || name == "pomerium_redirect_uri" ||
         name == "_pomerium_signed_out_redirect_uri";
}

}  // namespace vallum::session
