#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/route_settings.h"

namespace vallum::proxy {

using config::HeaderLine;

// Field names compared as applications that read headers as environment variables compare them:
// without case, and with every byte that is neither letter nor digit alike. So X-Email also catches
// x.email.
class NameSet {
 public:
  NameSet() = default;
  explicit NameSet(const std::vector<std::string>& names);
  bool contains(std::string_view name) const;
  bool empty() const { return folded_.empty(); }

 private:
  std::vector<std::string> folded_;
};

// How the proxy treats requests of one route and answers to them; immutable, part of a Generation.
// What decides about them is the authorizer's (authorize/route_rules.h).
struct ForwardRules {
  // The Host sent upstream; empty: the client's is kept.
  std::string upstream_host;
  // Headers to set, after which nothing of the client's under these names is left.
  std::vector<config::RequestHeader> set_request_headers;
  // Everything that a client must not say under its own name on this route: the names of
  // set_request_headers, of claim headers and of remove_request_headers.
  NameSet not_from_client;
  std::vector<HeaderLine> set_response_headers;
  NameSet set_response_names;
  // From the complete request to the complete answer; zero: no limit.
  Duration timeout{};
  // Without a byte in either direction; zero: no limit.
  Duration idle_timeout{};
  bool allow_websockets = false;
  bool allow_spdy = false;
};

}  // namespace vallum::proxy
