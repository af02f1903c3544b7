#pragma once

#include <string>
#include <vector>

#include "support/deployment/cookie_jar.h"
#include "support/deployment/deployment.h"
#include "support/sim/scripted_client.h"

namespace vallum::testing {

// What a browser got.
struct Page {
  int status = 0;
  Head head;
  std::string body;

  // Of the Location header, "" without one.
  std::string location() const { return head.field("location").value_or(""); }
};

// A person's browser in a simulated world: keeps cookies per host as RFC 6265 wants it (host-only,
// with Domain for the parent), follows redirects, and signs in at the provider.
class Browser {
 public:
  explicit Browser(Deployment& deployment) : deployment_(deployment) {}

  // One request, no redirect followed. `more` are complete header lines.
  Page get(const std::string& url, const std::string& more = "");
  Page post(const std::string& url, const std::string& body, const std::string& more = "");
  // Sends these bytes and reads one answer.
  Page send(const std::string& bytes);
  // Follows redirects, signing in as `subject` when the provider asks; returns the page it ends at.
  Page visit(const std::string& url, const std::string& subject);
  // The redirects that visit() followed.
  const std::vector<std::string>& trail() const { return trail_; }

  std::string cookie(const std::string& host, const std::string& name) const {
    return jar_.value(host, name);
  }
  void set_cookie(const std::string& host, const std::string& name, const std::string& value) {
    jar_.set(host, name, value);
  }
  void forget_cookies(const std::string& host) { jar_.forget(host); }
  // The Cookie header for a host, "" for none.
  std::string cookie_header(const std::string& host) const { return jar_.header(host); }
  // Every Set-Cookie of the last answer, as sent.
  const std::vector<std::string>& set_cookies() const { return set_cookies_; }

 private:
  Page request(const std::string& method, const std::string& url, const std::string& tail);

  Deployment& deployment_;
  CookieJar jar_;
  std::vector<std::string> set_cookies_;
  std::vector<std::string> trail_;
};

// "https://host/path?query" in parts.
struct UrlParts {
  std::string host;
  std::string target;
};
UrlParts split_url(const std::string& url);

// Where the provider sends a browser back to.
std::string callback_url(const FakeProvider::Redirect& back);

}  // namespace vallum::testing
