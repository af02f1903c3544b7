#pragma once

#include <array>
#include <string_view>

#include "base/secret.h"
#include "crypto/hmac.h"

namespace vallum::telemetry {

// Stands in records for a text that must not be in them: equal texts have equal hashes within a
// deployment, and without its key nobody can try out which text it was. One thread.
class FieldHash {
 public:
  // The deployment's shared secret, from which the key is derived.
  explicit FieldHash(const Secret& shared_secret);

  // "hmac-" and 32 hexadecimal digits; "" of "". Until the next call. Never allocates.
  std::string_view of(std::string_view text);

 private:
  static constexpr std::size_t kBytes = 16;
  static constexpr std::string_view kPrefix = "hmac-";

  crypto::Hmac key_;
  std::array<char, kPrefix.size() + 2 * kBytes> text_{};
};

}  // namespace vallum::telemetry
