#pragma once

#include <cstdint>

namespace vallum::crypto {

enum class SecretMemoryState : std::uint8_t {
  Locked,     // never written to swap or to a core dump
  NotLocked,  // the system allows too little (RLIMIT_MEMLOCK): it may be; say so
};

// From now on every Secret lies in memory of this process that is locked, left out of core dumps
// and guarded on both sides; 4 MiB of it, and the heap where that is full. What OpenSSL derives
// from a key for its own use stays on the heap. Once, before the process has a second thread; what
// it returned is returned again.
SecretMemoryState protect_secrets();

}  // namespace vallum::crypto
