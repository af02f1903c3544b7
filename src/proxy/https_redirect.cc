#include "proxy/https_redirect.h"

#include <string>

namespace vallum::proxy {

http::Response redirect_to_https(const http::Request& request, std::uint16_t port) {
  std::string location = "https://";
  location.append(request.authority.host());
  if (port != 443) {
    location.append(":").append(std::to_string(port));
  }
  location.append(request.path.starts_with('/') ? std::string_view(request.path) : "/");
  if (!request.query.empty()) {
    location.append("?").append(request.query);
  }
  const bool safe = request.method == http::Method::Get || request.method == http::Method::Head;
  http::Response response{.status = safe ? std::uint16_t{301} : std::uint16_t{308},
                          .headers = {},
                          .body = "This site is served over https.\n"};
  response.headers.add("Location", location);
  response.headers.add("Content-Type", "text/plain; charset=UTF-8");
  return response;
}

}  // namespace vallum::proxy
