#include "admin/plain_answer.h"

#include <utility>

namespace vallum::admin {

http::Response plain_answer(std::uint16_t status, std::string_view content_type, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", content_type);
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  response.body = std::move(body);
  return response;
}

http::Response not_found() {
  return plain_answer(404, "text/plain; charset=utf-8", "Not Found\n");
}

http::Response method_not_allowed() {
  http::Response response = plain_answer(405, "text/plain; charset=utf-8", "Method Not Allowed\n");
  response.headers.set("Allow", "GET, HEAD");
  return response;
}

bool is_read(const http::Request& request) {
  return request.method == http::Method::Get || request.method == http::Method::Head;
}

}  // namespace vallum::admin
