#include "support/deployment/browser.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "codec/percent.h"

namespace vallum::testing {

UrlParts split_url(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t from = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t slash = url.find_first_of("/?", from);
  std::string target = slash == std::string::npos ? "/" : url.substr(slash);
  target.resize(std::min(target.size(), target.find('#')));
  return {.host = url.substr(from, slash == std::string::npos ? slash : slash - from),
          .target = target};
}

std::string callback_url(const FakeProvider::Redirect& back) {
  std::string url = "https://auth.example/oauth2/callback?code=" + codec::form_encode(back.code) +
                    "&state=" + codec::form_encode(back.state);
  if (back.issuer) {
    url += "&iss=" + codec::form_encode(*back.issuer);
  }
  return url;
}

Page Browser::send(const std::string& bytes) {
  ScriptedClient client = ScriptedClient::connect(deployment_.world(), Deployment::front());
  client.send(bytes);
  Page page;
  page.head = client.expect_head(starts_with("HTTP/1.1 "));
  page.status = static_cast<int>(parse_u64(page.head.start_line.substr(9, 3)).value_or(0));
  page.body = client.read_body(page.head);
  return page;
}

Page Browser::request(const std::string& method, const std::string& url, const std::string& tail) {
  const UrlParts parts = split_url(url);
  Page page = send(method + " " + parts.target + " HTTP/1.1\r\nHost: " + parts.host + "\r\n" +
                   cookie_header(parts.host) + tail);
  set_cookies_ = jar_.keep(parts.host, page.head);
  return page;
}

Page Browser::get(const std::string& url, const std::string& more) {
  return request("GET", url, "Accept: text/html\r\n" + more + "\r\n");
}

Page Browser::post(const std::string& url, const std::string& body, const std::string& more) {
  return request("POST",
                 url,
                 "Accept: text/html\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                 "Content-Length: " +
                     std::to_string(body.size()) + "\r\n" + more + "\r\n" + body);
}

Page Browser::visit(const std::string& url, const std::string& subject) {
  trail_.clear();
  Page page = get(url);
  for (int hops = 0; hops < 20 && !page.location().empty(); ++hops) {
    std::string next = page.location();
    if (next.starts_with("https://idp.example/")) {
      const FakeProvider::Redirect back = deployment_.provider().sign_in(next, subject);
      next = callback_url(back);
    }
    trail_.push_back(next);
    page = get(next);
  }
  return page;
}

}  // namespace vallum::testing
