#include "authenticate/redirect_uri.h"

#include <algorithm>

#include "base/strings.h"

namespace vallum::authenticate {

Result<http::Uri> parse_route_url(std::string_view text, const route::RouteTable& routes) {
  TRY(http::Uri url, http::Uri::parse(text));
  if (!url.is_https()) {
    return fail(ErrorKind::InvalidInput, "redirect: only https leads back to a route");
  }
  if (!routes.serves(url.authority())) {
    return fail(ErrorKind::InvalidInput, "redirect: no route is served on that host");
  }
  return url;
}

Result<http::Uri> parse_program_url(std::string_view text,
                                    std::span<const std::string> allowed_hosts) {
  TRY(http::Uri url, http::Uri::parse(text));
  const bool allowed = std::ranges::any_of(allowed_hosts, [&url](const std::string& entry) {
    return iequals(entry, url.host()) || (entry == "localhost" && url.authority().is_loopback());
  });
  if (!allowed) {
    return fail(ErrorKind::InvalidInput,
                "redirect: the host is not in programmatic_redirect_domain_whitelist");
  }
  return url;
}

}  // namespace vallum::authenticate
