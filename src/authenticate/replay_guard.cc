#include "authenticate/replay_guard.h"

#include "crypto/digest.h"

namespace vallum::authenticate {

bool ReplayGuard::take(std::string_view token, Instant now) {
  while (!by_age_.empty() && by_age_.front().first + lifetime_ <= now) {
    seen_.erase(by_age_.front().second);
    by_age_.pop_front();
  }
  if (seen_.size() >= entries_max_) {
    return false;
  }
  // The digest bounds memory whatever the token's size, and keeps no credential.
  const crypto::Digest256 digest = crypto::sha256(as_bytes(token));
  std::string key(as_text(digest));
  if (!seen_.insert(key).second) {
    return false;
  }
  by_age_.emplace_back(now, std::move(key));
  return true;
}

}  // namespace vallum::authenticate
