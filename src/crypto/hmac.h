#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "base/bytes.h"
#include "crypto/evp.h"

namespace vallum::crypto {

enum class MacAlgorithm : std::uint8_t {
  HmacSha256,
  // SHA-512/256 of FIPS 180-4, which has its own initial value; not the first half of SHA-512.
  HmacSha512Trunc256,
};

using Mac = std::array<std::byte, 32>;

// A key and its prepared state: each message then costs a third of a one-shot HMAC. One thread at a
// time; make one per core.
class Hmac {
 public:
  Hmac(MacAlgorithm algorithm, ByteView key);

  Mac mac(ByteView message);
  // Over the parts one after another, with nothing between them.
  Mac mac(std::initializer_list<ByteView> parts);
  // Constant time. False when `expected` is not 32 bytes.
  bool verify(ByteView message, ByteView expected);

 private:
  Evp<evp_mac_ctx_st> context_;
};

// For keys that are used once.
Mac hmac(MacAlgorithm algorithm, ByteView key, ByteView message);

}  // namespace vallum::crypto
