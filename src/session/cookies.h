#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "codec/cookie.h"

namespace vallum::session {

// How our cookies are made (identity specification 1.9).
struct CookieOptions {
  std::string name = "_pomerium";
  // Empty: each host its own.
  std::string domain = {};
  Duration lifetime = std::chrono::hours(14);
  bool http_only = true;
  codec::SameSite same_site = codec::SameSite::Lax;
};

// The session cookie of a route host.
codec::SetCookie session_cookie(const CookieOptions& options, std::string handle, WallTime now);

// The cookies of the authenticate host. They never get a Domain: a sibling host has no use for
// them. SameSite=Strict would keep them from the browser's way back from the provider, so it is
// taken for Lax here.
enum class Return : std::uint8_t { ByGet, ByPost };
codec::SetCookie authenticate_cookie(const CookieOptions& options,
                                     std::string handle,
                                     WallTime now);
codec::SetCookie csrf_cookie(const CookieOptions& options,
                             std::string value,
                             Return provider_return);

std::string authenticate_cookie_name(const CookieOptions& options);
std::string csrf_cookie_name(const CookieOptions& options);

// Whether a request cookie is one of ours, which no application may see. Never allocates.
bool is_own_cookie(std::string_view cookie_name, std::string_view name);

}  // namespace vallum::session
