#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace vallum::crypto {

enum class HashAlgorithm : std::uint8_t { Sha256, Sha384, Sha512 };

using Digest256 = std::array<std::byte, 32>;

Digest256 sha256(ByteView message);

// 32, 48 or 64 bytes.
Bytes hash(HashAlgorithm algorithm, ByteView message);

}  // namespace vallum::crypto
