#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "session/credentials.h"
#include "session/handle.h"
#include "session/lru_table.h"

namespace vallum::session {

// What a handle must fit to count for a request.
struct HandleUse {
  std::string_view host;
  // Of the route's provider. Empty: any.
  std::string_view idp_id;
  WallTime now;
  // How long a session counts whose access token could not be renewed in time.
  Duration outage_grace{0};
};

// The handles of a request that count, one for each session, in order of precedence. Until the next
// read().
struct Presented {
  static constexpr std::size_t kMax = 4;

  std::array<const Handle*, kMax> handles{};
  std::size_t count = 0;
  // Credentials that were there and do not count: forged, expired, for another host or provider.
  std::size_t refused = 0;

  std::span<const Handle* const> all() const { return std::span(handles).first(count); }
};

// Finds the handles that count among a request's credentials, and remembers handles that verified,
// so that a browser's next request costs no HMAC. Only what verified is remembered, so strangers
// cannot fill the memory. One per core.
class HandleReader {
 public:
  struct Limits {
    // At least Credentials::kMax.
    std::size_t handles_max = 20000;
  };
  HandleReader(const Secret& shared_key, Limits limits)
      : HandleReader(SecretList(shared_key.clone()), limits) {}
  HandleReader(const SecretList& shared_keys, Limits limits);

  // Other secrets from now on: what verified under one that is gone does not count any more.
  void use(const SecretList& shared_keys);

  // InvalidInput past Presented::kMax. Never allocates for handles it knows.
  Result<Presented> read(const Credentials& credentials, const HandleUse& use);

 private:
  // Null when it is not a handle of ours.
  const Handle* verified(std::string_view text);

  SecretList shared_keys_;
  Limits limits_;
  HandleCodec codec_;
  LruTable<Handle> known_;
};

}  // namespace vallum::session
