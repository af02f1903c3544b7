#include "authenticate/authenticator.h"
#include "base/strings.h"

namespace vallum::authenticate {

namespace {

constexpr Duration kAttemptsWindow = std::chrono::seconds(30);

}  // namespace

WallTime Authenticator::now() const {
  return parts_.core.clock().wall();
}

// Identity specification 1.9. Only the session cookie of a route host may have a Domain.
codec::SetCookie Authenticator::session_cookie(std::string value) const {
  return {.name = settings_.cookie_name,
          .value = std::move(value),
          .domain = settings_.cookie_domain,
          .expires = now() + settings_.session_lifetime,
          .http_only = settings_.cookie_http_only,
          .same_site = settings_.cookie_same_site};
}

codec::SetCookie Authenticator::authenticate_cookie(std::string value) const {
  return {.name = settings_.cookie_name + "_authenticate",
          .value = std::move(value),
          .expires = now() + settings_.session_lifetime,
          .same_site = codec::SameSite::Lax};
}

codec::SetCookie Authenticator::csrf_cookie(const CsrfToken& token) const {
  return {.name = settings_.cookie_name + "_csrf",
          .value = states_.cookie_value(token, now()),
          .max_age = LoginStates::kCookieLifetime,
          .same_site = codec::SameSite::Lax};
}

codec::SetCookie Authenticator::attempts_cookie(std::string value) const {
  return {.name = settings_.cookie_name + "_login",
          .value = std::move(value),
          .max_age = kAttemptsWindow,
          .same_site = codec::SameSite::Lax};
}

std::optional<std::string> Authenticator::cookie(const http::Request& request,
                                                 std::string_view suffix) const {
  const std::string name = settings_.cookie_name + std::string(suffix);
  for (const http::Headers::Line& line : request.headers) {
    if (line.name.size() == 6 && iequals(line.name, "cookie")) {
      const std::optional<std::string_view> value = codec::find_cookie(line.value, name);
      if (value) {
        return std::string(*value);
      }
    }
  }
  return std::nullopt;
}

std::optional<CsrfToken> Authenticator::csrf_token(const http::Request& request) const {
  const std::optional<std::string> value = cookie(request, "_csrf");
  return value ? states_.read_cookie(*value, now()) : std::nullopt;
}

}  // namespace vallum::authenticate
