#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/syntax/authority.h"

namespace vallum::http {

// A host as configured: a name in canonical form, or a pattern in which each '*' stands for any run
// of bytes, dots and the empty run included; and the port, when one is written.
class HostPattern {
 public:
  // host[:port], where host is what Authority accepts, or that with stars in it.
  static Result<HostPattern> parse(std::string_view text);

  const std::string& host() const { return host_; }
  std::optional<std::uint16_t> port() const {
    return port_ == 0 ? std::nullopt : std::optional(port_);
  }
  bool is_wildcard() const { return is_wildcard_; }
  // The part behind the last star; the host when there is none.
  std::string_view literal_suffix() const;

  // Whether a canonical host is meant. Ports are the caller's matter. Never allocates.
  bool matches_host(std::string_view host) const;

  bool operator==(const HostPattern&) const = default;

 private:
  std::string host_;
  std::uint16_t port_ = 0;
  bool is_wildcard_ = false;
};

// The URL in a route's `from`.
struct SourceUrl {
  enum class Kind : std::uint8_t {
    Http,    // requests for a host
    Tunnel,  // CONNECT and CONNECT-UDP to an authority
    Ssh,     // not part of HTTP routing
  };

  Kind kind = Kind::Http;
  std::uint16_t default_port = 443;
  // One for Http and Ssh. For a tunnel each segment of the path is one, and the URL's own host is
  // then only where the client connects to.
  std::vector<HostPattern> hosts;

  // Query, fragment and userinfo are ignored, and so is an unknown scheme: it counts as https. An
  // Http URL has no path but "/".
  static Result<SourceUrl> parse(std::string_view text);
};

}  // namespace vallum::http
