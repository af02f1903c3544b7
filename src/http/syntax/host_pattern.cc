#include "http/syntax/host_pattern.h"

#include <algorithm>

#include "base/strings.h"

namespace vallum::http {

Result<HostPattern> HostPattern::parse(std::string_view text) {
  std::string literal(text);
  const bool is_wildcard = text.find('*') != std::string_view::npos;
  // Any byte of a host name may stand where a star stands, and so may none at a label's edge.
  std::ranges::replace(literal, '*', 'a');
  TRY(const auto authority, Authority::parse(literal));
  if (is_wildcard && authority.is_ip()) {
    return fail(ErrorKind::InvalidInput, "host: an address with a star in it");
  }
  HostPattern pattern;
  pattern.port_ = authority.port().value_or(0);
  pattern.is_wildcard_ = is_wildcard;
  pattern.host_ =
      is_wildcard ? to_lower(text.substr(0, text.find(':'))) : std::string(authority.host());
  if (is_wildcard && pattern.host_.ends_with('.')) {
    pattern.host_.pop_back();
  }
  return pattern;
}

std::string_view HostPattern::literal_suffix() const {
  return std::string_view(host_).substr(host_.rfind('*') + 1);  // npos + 1 is 0
}

bool HostPattern::matches_host(std::string_view host) const {
  if (!is_wildcard_) {
    return host == host_;
  }
  // On a mismatch the last star takes one byte more; earlier stars never need to change.
  const std::string_view pattern = host_;
  std::size_t at = 0;
  std::size_t in_pattern = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_taken_to = 0;
  while (at < host.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      star_taken_to = at;
    } else if (in_pattern < pattern.size() && pattern[in_pattern] == host[at]) {
      ++in_pattern;
      ++at;
    } else if (star != std::string_view::npos) {
      in_pattern = star + 1;
      at = ++star_taken_to;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

Result<SourceUrl> SourceUrl::parse(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) {
    return fail(ErrorKind::InvalidInput, "source url: needs a scheme and a host");
  }
  const std::string scheme = to_lower(text.substr(0, colon));
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find_first_of("?#"));
  std::string_view authority = rest.substr(0, rest.find('/'));
  std::string_view path = rest.substr(authority.size());
  authority = authority.substr(authority.rfind('@') + 1);  // npos + 1 is 0

  SourceUrl url;
  if (scheme.starts_with("tcp") || scheme.starts_with("udp")) {
    url.kind = Kind::Tunnel;
  } else if (scheme == "ssh") {
    url.kind = Kind::Ssh;
    url.default_port = 22;
  } else if (scheme == "http") {
    url.default_port = 80;
  }
  TRY(auto host, HostPattern::parse(authority));
  if (path.empty() || path == "/") {
    url.hosts.push_back(std::move(host));
    return url;
  }
  if (url.kind != Kind::Tunnel) {
    return fail(ErrorKind::InvalidInput,
                "source url: contains a path, but it should be set using the path field instead");
  }
  for (const std::string_view segment : split(path.substr(1), '/')) {
    if (segment.empty()) {
      continue;
    }
    TRY(auto tunnelled, HostPattern::parse(segment));
    url.hosts.push_back(std::move(tunnelled));
  }
  return url;
}

}  // namespace vallum::http
