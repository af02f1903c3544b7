#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/secret_list.h"
#include "crypto/evp.h"

namespace vallum::crypto {

// XChaCha20-Poly1305 with a random nonce. A sealed message is ciphertext, 16-byte tag, 24-byte
// nonce, in this order: the nonce is a suffix. Any thread.
class XChaCha20Poly1305 {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kNonceBytes = 24;
  static constexpr std::size_t kTagBytes = 16;

  // Requires a key of 32 bytes.
  explicit XChaCha20Poly1305(ByteView key);

  Bytes seal(ByteView message, ByteView additional, Entropy& entropy) const;
  // InvalidInput when it is too short or was not sealed under this key with this additional data.
  Result<Bytes> open(ByteView sealed, ByteView additional) const;

 private:
  Secret key_;
};

// The same under keys that take turns: the first seals, all open. Any thread.
class XChaCha20Poly1305List {
 public:
  // Requires at least one, each of 32 bytes.
  explicit XChaCha20Poly1305List(const SecretList& keys);

  Bytes seal(ByteView message, ByteView additional, Entropy& entropy) const {
    return ciphers_.front().seal(message, additional, entropy);
  }
  Result<Bytes> open(ByteView sealed, ByteView additional) const;

 private:
  std::vector<XChaCha20Poly1305> ciphers_;
};

// AES-256-GCM under one key, with nonces chosen by the caller, who must never use one twice for
// this key. Key schedules are kept. One thread at a time.
class Aes256Gcm {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kNonceBytes = 12;
  static constexpr std::size_t kTagBytes = 16;
  using Nonce = std::array<std::byte, kNonceBytes>;

  // Requires a key of 32 bytes.
  explicit Aes256Gcm(ByteView key);

  // Returns ciphertext and tag.
  Bytes seal(const Nonce& nonce, ByteView additional, ByteView message);
  Result<Bytes> open(const Nonce& nonce, ByteView additional, ByteView sealed);

 private:
  Evp<evp_cipher_ctx_st> encrypt_;
  Evp<evp_cipher_ctx_st> decrypt_;
};

// XAES-256-GCM (C2SP): AES-256-GCM under a key derived from the first half of a 24-byte random
// nonce. Unlike plain GCM, whose 12-byte random nonces allow 2^32 messages, one key lasts for any
// number of messages a deployment can write. A sealed message is nonce, ciphertext, tag. One thread
// at a time.
class Xaes256Gcm {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kNonceBytes = 24;
  static constexpr std::size_t kTagBytes = 16;
  using Nonce = std::array<std::byte, kNonceBytes>;

  // Requires a key of 32 bytes.
  explicit Xaes256Gcm(ByteView key);

  Bytes seal(const Nonce& nonce, ByteView additional, ByteView message);
  Bytes seal(ByteView message, ByteView additional, Entropy& entropy);
  // Appends the sealed message to `out`, which has room for it, or memory is taken.
  void seal_to(Bytes& out, ByteView message, ByteView additional, Entropy& entropy);
  Result<Bytes> open(ByteView sealed, ByteView additional);

 private:
  // Of one message; the caller wipes it. Not a Secret: those cost more than the message.
  using MessageKey = std::array<std::byte, kKeyBytes>;
  MessageKey derive(const std::byte* nonce);
  void seal_to(Bytes& out, const Nonce& nonce, ByteView additional, ByteView message);

  Evp<evp_cipher_ctx_st> block_;
  // Keyed anew for every message: making one costs more than a small message.
  Evp<evp_cipher_ctx_st> encrypt_;
  Evp<evp_cipher_ctx_st> decrypt_;
  Secret subkey_;
};

}  // namespace vallum::crypto
