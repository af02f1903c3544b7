#include "authenticate/replay_guard.h"

#include "crypto/digest.h"

namespace vallum::authenticate {
namespace {

// The digest bounds memory whatever the token's size, and keeps no credential.
std::string key_of(std::string_view token) {
  const crypto::Digest256 digest = crypto::sha256(as_bytes(token));
  return std::string(as_text(digest));
}

}  // namespace

bool ReplayGuard::take(std::string_view token, Instant now) {
  while (!by_age_.empty() && by_age_.front().first + lifetime_ <= now) {
    seen_.erase(by_age_.front().second);
    by_age_.pop_front();
  }
  if (seen_.size() >= entries_max_) {
    return false;
  }
  std::string key = key_of(token);
  if (!seen_.insert(key).second) {
    return false;
  }
  by_age_.emplace_back(now, std::move(key));
  return true;
}

void ReplayGuard::give_back(std::string_view token) {
  const std::string key = key_of(token);
  if (seen_.erase(key) > 0) {
    std::erase_if(by_age_, [&key](const auto& entry) { return entry.second == key; });
  }
}

}  // namespace vallum::authenticate
