#include "codec/cookie.h"

#include <algorithm>

#include "base/strings.h"
#include "codec/http_date.h"

namespace vallum::codec {

namespace {

bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_ascii_alpha(c) || is_ascii_digit(c) || kMarks.contains(c);
  });
}

// cookie-octet of RFC 6265 4.1.1.
bool is_cookie_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < '\x7f' && c != '"' && c != ',' && c != ';' && c != '\\';
  });
}

// path-value and domain-value: anything but CTL and ";".
bool is_attribute_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7f' && c != ';'; });
}

Result<void> check(const SetCookie& cookie) {
  if (!is_token(cookie.name)) {
    return fail(ErrorKind::InvalidInput, "a cookie name must be an RFC 9110 token");
  }
  if (!is_cookie_value(cookie.value)) {
    return fail(ErrorKind::InvalidInput, "a cookie value holds a byte that cookies cannot carry");
  }
  if (!is_attribute_value(cookie.path) || !is_attribute_value(cookie.domain)) {
    return fail(ErrorKind::InvalidInput, "a cookie path or domain holds a forbidden byte");
  }
  if (cookie.name.starts_with("__Secure-") && !cookie.secure) {
    return fail(ErrorKind::InvalidInput, "a __Secure- cookie must be Secure");
  }
  if (cookie.name.starts_with("__Host-") &&
      (!cookie.secure || cookie.path != "/" || !cookie.domain.empty())) {
    return fail(ErrorKind::InvalidInput, "a __Host- cookie must be Secure, Path=/, without Domain");
  }
  if (cookie.same_site == SameSite::None && !cookie.secure) {
    return fail(ErrorKind::InvalidInput, "a SameSite=None cookie must be Secure");
  }
  return {};
}

std::string_view to_text(SameSite same_site) {
  switch (same_site) {
    case SameSite::None:
      return "; SameSite=None";
    case SameSite::Lax:
      return "; SameSite=Lax";
    case SameSite::Strict:
      return "; SameSite=Strict";
    case SameSite::Unset:
      break;
  }
  return "";
}

}  // namespace

bool next_cookie(std::string_view& rest, CookiePair& pair) {
  while (!rest.empty()) {
    const std::string_view raw = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), raw.size() + 1));
    const std::string_view piece = trim_ows(raw);
    if (piece.empty()) {
      continue;
    }
    const std::size_t equals = piece.find('=');
    const bool has_value = equals != std::string_view::npos;
    pair = {.name = trim_ows(piece.substr(0, equals)),
            .value = has_value ? trim_ows(piece.substr(equals + 1)) : std::string_view(),
            .piece = piece};
    return true;
  }
  return false;
}

std::vector<CookiePair> parse_cookies(std::string_view header) {
  std::vector<CookiePair> pairs;
  for (CookiePair pair; next_cookie(header, pair);) {
    pairs.push_back(pair);
  }
  return pairs;
}

std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name) {
  for (CookiePair pair; next_cookie(header, pair);) {
    if (pair.name == name) {
      return pair.value;
    }
  }
  return std::nullopt;
}

SetCookie SetCookie::cleared() const {
  SetCookie gone = *this;
  gone.value.clear();
  gone.expires = from_unix_seconds(1);
  gone.max_age = Duration::zero();
  return gone;
}

Result<std::string> build_set_cookie(const SetCookie& cookie) {
  TRY_OK(check(cookie));
  std::string text;
  text.append(cookie.name).append("=").append(cookie.value);
  if (!cookie.path.empty()) {
    text.append("; Path=").append(cookie.path);
  }
  if (!cookie.domain.empty()) {
    text.append("; Domain=").append(cookie.domain);
  }
  if (cookie.expires) {
    text.append("; Expires=").append(http_date(*cookie.expires));
  }
  if (cookie.max_age) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*cookie.max_age).count();
    text.append("; Max-Age=").append(std::to_string(seconds));
  }
  text.append(cookie.http_only ? "; HttpOnly" : "").append(cookie.secure ? "; Secure" : "");
  text.append(to_text(cookie.same_site));
  return text;
}

}  // namespace vallum::codec
