#include "authenticate/answers.h"

#include <utility>

#include "base/check.h"

namespace vallum::authenticate {

http::Response redirect_to(std::string_view url) {
  http::Response response{.status = 302, .headers = {}, .body = {}};
  response.headers.add("Location", url);
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("Referrer-Policy", "no-referrer");
  return response;
}

void set_cookie(http::Response& response, const codec::SetCookie& cookie) {
  const Result<std::string> text = codec::build_set_cookie(cookie);
  DCHECK(text.has_value());
  if (text) {
    response.headers.add("Set-Cookie", *text);
  }
}

pages::Audience audience_of(const http::Request& request) {
  return {.path = request.path,
          .accept = request.headers.value("accept"),
          .content_type = request.headers.value("content-type"),
          .user_agent = request.headers.value("user-agent"),
          .fetch_mode = request.headers.value("sec-fetch-mode")};
}

http::Response text_answer(std::uint16_t status, std::string text) {
  http::Response response{.status = status, .headers = {}, .body = std::move(text)};
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.headers.add("Cache-Control", "no-store");
  return response;
}

http::Response json_answer(std::string json) {
  http::Response response{.status = 200, .headers = {}, .body = std::move(json)};
  response.headers.add("Content-Type", "application/json");
  return response;
}

}  // namespace vallum::authenticate
