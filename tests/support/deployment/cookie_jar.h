#pragma once

#include <map>
#include <string>
#include <vector>

#include "support/sim/scripted_client.h"

namespace vallum::testing {

// The cookies of one browser, by host (RFC 6265; host-only).
class CookieJar {
 public:
  using Cookies = std::map<std::string, std::string>;

  // Keeps what an answer of that host sets; returns every Set-Cookie of it, as sent.
  std::vector<std::string> keep(const std::string& host, const Head& head);
  void set(const std::string& host, const std::string& name, const std::string& value) {
    hosts_[host][name] = value;
  }
  void forget(const std::string& host) { hosts_.erase(host); }

  // "" for none.
  std::string value(const std::string& host, const std::string& name) const;
  const std::map<std::string, Cookies>& hosts() const { return hosts_; }
  // The Cookie header for a host, "" for none.
  std::string header(const std::string& host) const;

 private:
  std::map<std::string, Cookies> hosts_;
};

}  // namespace vallum::testing
