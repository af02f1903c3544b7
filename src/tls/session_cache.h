#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/strings.h"
#include "tls/openssl_handles.h"

namespace vallum::tls {

// Sessions with servers, for resuming them: one per key, the longest unused forgotten when there
// are too many. Belongs to one core.
class SessionCache {
 public:
  explicit SessionCache(std::size_t sessions_max) : sessions_max_(sessions_max) {}
  SessionCache(const SessionCache&) = delete;
  SessionCache& operator=(const SessionCache&) = delete;

  void put(std::string_view key, Ssl<ssl_session_st> session);
  // Null when there is none. A TLS 1.3 session is given away, for it is used once (RFC 8446 C.4).
  Ssl<ssl_session_st> take(std::string_view key);
  std::size_t size() const { return by_key_.size(); }

 private:
  struct Entry {
    std::string key;
    Ssl<ssl_session_st> session;
  };
  using Entries = std::list<Entry>;

  std::size_t sessions_max_;
  Entries entries_;                                                 // most recently used first
  std::unordered_map<std::string_view, Entries::iterator> by_key_;  // views of the entries' keys
};

}  // namespace vallum::tls
