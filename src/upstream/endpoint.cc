#include "upstream/endpoint.h"

#include <utility>

namespace vallum::upstream {

std::string Endpoint::key() const {
  return "http://[" + host + "]:" + std::to_string(port);
}

Target::Target(std::vector<Endpoint> endpoints) {
  entries_.reserve(endpoints.size());
  for (Endpoint& endpoint : endpoints) {
    std::string key = endpoint.key();
    entries_.push_back({.endpoint = std::move(endpoint), .key = std::move(key)});
  }
}

}  // namespace vallum::upstream
