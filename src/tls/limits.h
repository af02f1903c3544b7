#pragma once

#include <cstddef>

#include "base/time.h"

namespace vallum::tls {

// Plain bytes that one attempt to write takes: four full records, sent together.
inline constexpr std::size_t kWriteBytesMax = 64 * 1024;
// Encrypted bytes that may wait for a peer that does not read; then the connection fails. More than
// one attempt to write or a handshake leaves, so only a peer that provokes answers reaches it.
inline constexpr std::size_t kPendingBytesMax = 256 * 1024;

// A key encrypts tickets for one period and decrypts them for two more.
inline constexpr Duration kTicketPeriod = std::chrono::hours(8);
inline constexpr std::size_t kTicketKeysKept = 3;

// Sessions with upstream servers that one core remembers; the longest unused is forgotten first.
inline constexpr std::size_t kSessionsMax = 1024;

// A bundle of trusted authorities or a certificate file is never longer.
inline constexpr std::size_t kPemFileBytesMax = std::size_t{5} << 20;

}  // namespace vallum::tls
