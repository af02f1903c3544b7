#include "crypto/secret_memory.h"

#include <cstddef>

#include <openssl/crypto.h>

#include "base/check.h"
#include "base/secret.h"

namespace vallum::crypto {
namespace {

constexpr std::size_t kArenaBytes = std::size_t{4} << 20;
constexpr std::size_t kSmallestBytes = 16;

// The heap when the arena is full, or was never there.
std::byte* take(std::size_t bytes) {
  void* const data = OPENSSL_secure_malloc(bytes);
  if (data != nullptr) {
    return static_cast<std::byte*>(data);
  }
  void* const on_heap = OPENSSL_malloc(bytes);
  CHECK(on_heap != nullptr);
  return static_cast<std::byte*>(on_heap);
}

// OpenSSL tells its arena from the heap by the address.
void give_back(std::byte* data, std::size_t bytes) {
  OPENSSL_secure_clear_free(data, bytes);
}

}  // namespace

SecretMemoryState protect_secrets() {
  static const SecretMemoryState kState = [] {
    // 1: all is well; 2: it can be used, but something of it failed, which is locking in practice.
    const int made = CRYPTO_secure_malloc_init(kArenaBytes, kSmallestBytes);
    use_secret_memory({.take = take, .give_back = give_back});
    return made == 1 ? SecretMemoryState::Locked : SecretMemoryState::NotLocked;
  }();
  return kState;
}

}  // namespace vallum::crypto
