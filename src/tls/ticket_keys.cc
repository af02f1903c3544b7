#include "tls/ticket_keys.h"

#include <algorithm>
#include <utility>

#include "crypto/kdf.h"
#include "tls/limits.h"

namespace vallum::tls {

namespace {

std::int64_t period_of(WallTime time) {
  return unix_seconds(time) / std::chrono::floor<std::chrono::seconds>(kTicketPeriod).count();
}

TicketKeys::Key key_from(const Secret& seed) {
  const Secret name = crypto::hkdf_sha256_expand(seed.expose(), "ticket name", 16);
  TicketKeys::Key key;
  std::ranges::copy(name.expose(), key.name.begin());
  key.encrypt = crypto::hkdf_sha256_expand(seed.expose(), "ticket encryption", 32);
  key.authenticate = crypto::hkdf_sha256_expand(seed.expose(), "ticket authentication", 32);
  return key;
}

}  // namespace

TicketKeys::TicketKeys(const Secret& seed, WallTime start)
    : seed_(crypto::hkdf_sha256(seed.expose(), "first period", 32)), period_(period_of(start)) {
  keys_.push_front(key_from(seed_));
}

void TicketKeys::step() {
  seed_ = crypto::hkdf_sha256_expand(seed_.expose(), "next period", 32);
  ++period_;
  keys_.push_front(key_from(seed_));
  if (keys_.size() > kTicketKeysKept) {
    keys_.pop_back();
  }
}

void TicketKeys::advance(WallTime now) {
  const std::int64_t period = period_of(now);
  while (period_ < period) {
    step();
  }
}

const TicketKeys::Key& TicketKeys::newest(WallTime now) {
  advance(now);
  return keys_.front();
}

const TicketKeys::Key* TicketKeys::find(ByteView name, WallTime now) {
  advance(now);
  for (const Key& key : keys_) {
    if (std::ranges::equal(ByteView(key.name), name)) {
      return &key;
    }
  }
  return nullptr;
}

}  // namespace vallum::tls
