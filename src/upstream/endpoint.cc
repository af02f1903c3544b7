#include "upstream/endpoint.h"

#include <utility>

#include "tls/client_context.h"

namespace vallum::upstream {

std::string Endpoint::text() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  std::string out = tls != nullptr ? "https://" : "http://";
  out.append(is_v6 ? "[" : "").append(host).append(is_v6 ? "]:" : ":");
  return out.append(std::to_string(port));
}

std::string Endpoint::key() const {
  return tls == nullptr ? text() : text() + " " + tls->session_key(server_name());
}

Target::Target(std::vector<Endpoint> endpoints) {
  entries_.reserve(endpoints.size());
  for (Endpoint& endpoint : endpoints) {
    std::string key = endpoint.key();
    entries_.push_back({.endpoint = std::move(endpoint), .key = std::move(key)});
  }
}

}  // namespace vallum::upstream
