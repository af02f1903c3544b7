#include "tls/session_cache.h"

#include <utility>

#include <openssl/ssl.h>

namespace vallum::tls {

void SessionCache::put(std::string_view key, Ssl<ssl_session_st> session) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    found->second->session = std::move(session);
    entries_.splice(entries_.begin(), entries_, found->second);
    return;
  }
  if (entries_.size() >= sessions_max_) {
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({.key = std::string(key), .session = std::move(session)});
  by_key_.emplace(entries_.front().key, entries_.begin());
}

Ssl<ssl_session_st> SessionCache::take(std::string_view key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    return nullptr;
  }
  const Entries::iterator entry = found->second;
  if (SSL_SESSION_get_protocol_version(entry->session.get()) < TLS1_3_VERSION) {
    entries_.splice(entries_.begin(), entries_, entry);
    SSL_SESSION_up_ref(entry->session.get());
    return Ssl<ssl_session_st>(entry->session.get());
  }
  Ssl<ssl_session_st> session = std::move(entry->session);
  by_key_.erase(found);
  entries_.erase(entry);
  return session;
}

}  // namespace vallum::tls
