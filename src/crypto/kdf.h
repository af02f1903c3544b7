#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

namespace vallum::crypto {

// RFC 5869 with SHA-256. An empty salt is a salt of zeros, as the RFC says.
Secret hkdf_sha256_extract(ByteView salt, ByteView key_material);

// Requires 1 <= bytes <= 8160 and a pseudo-random key of at least 32 bytes.
Secret hkdf_sha256_expand(ByteView pseudo_random_key, std::string_view info, std::size_t bytes);

// Extract with an empty salt, then expand.
Secret hkdf_sha256(ByteView key_material, std::string_view info, std::size_t bytes);

}  // namespace vallum::crypto
