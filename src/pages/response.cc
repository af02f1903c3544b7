#include "pages/response.h"

#include <array>
#include <utility>

#include "codec/base64.h"

namespace vallum::pages {

std::string make_nonce(Entropy& entropy) {
  std::array<std::byte, 16> bytes{};
  entropy.fill(bytes);
  return codec::encode_base64(bytes, codec::Base64::UrlRaw);
}

http::Response make_response(std::uint16_t status,
                             std::string_view content_type,
                             std::string body) {
  http::Response response{.status = status, .headers = {}, .body = std::move(body)};
  if (!content_type.empty()) {
    response.headers.add("Content-Type", content_type);
  }
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("X-Frame-Options", "DENY");
  return response;
}

http::Response make_page(std::uint16_t status,
                         std::string html,
                         std::string_view nonce,
                         FormTargets targets) {
  http::Response response = make_response(status, "text/html; charset=UTF-8", std::move(html));
  response.headers.add("X-Pomerium-Intercepted-Response", "true");
  response.headers.add("Content-Security-Policy",
                       "default-src 'none'; style-src 'nonce-" + std::string(nonce) + "'" +
                           (targets == FormTargets::ThisHost ? "; form-action 'self'" : "") +
                           "; frame-ancestors 'none'; base-uri 'none'");
  // With no-referrer, browsers would send "Origin: null" with the forms of our own pages.
  response.headers.add("Referrer-Policy", "same-origin");
  return response;
}

}  // namespace vallum::pages
