#include "support/deployment/cookie_jar.h"

#include <string_view>

#include "base/strings.h"

namespace vallum::testing {

std::vector<std::string> CookieJar::keep(const std::string& host, const Head& head) {
  std::vector<std::string> sent;
  for (const std::string_view line : split(head.fields, '\n')) {
    constexpr std::string_view kName = "set-cookie:";
    if (!iequals(line.substr(0, kName.size()), kName)) {
      continue;
    }
    const std::string_view text = trim_space(line.substr(kName.size()));
    sent.emplace_back(text);
    const std::string_view pair = text.substr(0, text.find(';'));
    const std::size_t equals = pair.find('=');
    const std::string name(pair.substr(0, equals));
    const std::string value(pair.substr(equals + 1));
    if (value.empty()) {
      hosts_[host].erase(name);
    } else {
      hosts_[host][name] = value;
    }
  }
  return sent;
}

std::string CookieJar::value(const std::string& host, const std::string& name) const {
  const auto cookies = hosts_.find(host);
  if (cookies == hosts_.end()) {
    return "";
  }
  const auto found = cookies->second.find(name);
  return found == cookies->second.end() ? "" : found->second;
}

std::string CookieJar::header(const std::string& host) const {
  const auto cookies = hosts_.find(host);
  std::string line;
  if (cookies != hosts_.end()) {
    for (const auto& [name, value] : cookies->second) {
      line += (line.empty() ? "" : "; ") + name + "=" + value;
    }
  }
  return line.empty() ? "" : "Cookie: " + line + "\r\n";
}

}  // namespace vallum::testing
