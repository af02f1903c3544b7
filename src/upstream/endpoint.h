#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "async/snapshot.h"

namespace vallum::tls {
class ClientContext;
}

namespace vallum::upstream {

// One place that serves an application, as written in a route's `to`.
struct Endpoint {
  // A name, or an address without brackets.
  std::string host;
  std::uint16_t port = 80;
  // How to speak TLS to it; nullptr speaks plain text.
  async::Snapshot<tls::ClientContext> tls = {};
  // The name that its certificate must have; empty means `host`.
  std::string tls_server_name = {};

  const std::string& server_name() const {
    return tls_server_name.empty() ? host : tls_server_name;
  }
  // Connections are shared among everything whose endpoints have the same key: the same place under
  // the same trust.
  std::string key() const;
  // "http://host:port" or "https://host:port", for messages.
  std::string text() const;
  bool operator==(const Endpoint&) const = default;
};

// Where one route forwards to. Immutable and shared by all cores.
class Target {
 public:
  Target() = default;
  // At least one endpoint. Their keys are computed once, here.
  explicit Target(std::vector<Endpoint> endpoints);

  std::size_t size() const { return entries_.size(); }
  const Endpoint& endpoint(std::size_t index) const { return entries_[index].endpoint; }
  const std::string& key(std::size_t index) const { return entries_[index].key; }

 private:
  struct Entry {
    Endpoint endpoint;
    std::string key;
  };
  std::vector<Entry> entries_;
};

}  // namespace vallum::upstream
