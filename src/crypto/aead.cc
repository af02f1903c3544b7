#include "crypto/aead.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include <openssl/evp.h>
#include <sodium.h>

#include "base/check.h"

namespace vallum::crypto {
namespace {

// OpenSSL counts bytes in an int.
constexpr std::size_t kMessageBytesMax = std::numeric_limits<int>::max() - 64;

const EVP_CIPHER* gcm_implementation() {
  static EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  CHECK(kCipher != nullptr);
  return kCipher;
}

const EVP_CIPHER* block_implementation() {
  static EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr);
  CHECK(kCipher != nullptr);
  return kCipher;
}

Evp<EVP_CIPHER_CTX> keyed_context(const EVP_CIPHER* cipher, ByteView key, bool encrypt) {
  CHECK(key.size() == 32);
  Evp<EVP_CIPHER_CTX> context(EVP_CIPHER_CTX_new());
  CHECK(context != nullptr);
  CHECK(EVP_CipherInit_ex2(
            context.get(), cipher, as_uchar(key), nullptr, encrypt ? 1 : 0, nullptr) == 1);
  return context;
}

void rekey(EVP_CIPHER_CTX* context, ByteView key) {
  CHECK(EVP_CipherInit_ex2(context, nullptr, as_uchar(key), nullptr, -1, nullptr) == 1);
}

int size_of(ByteView bytes) {
  CHECK(bytes.size() <= kMessageBytesMax);
  return static_cast<int>(bytes.size());
}

void start(EVP_CIPHER_CTX* context, const Aes256Gcm::Nonce& nonce, ByteView additional) {
  CHECK(EVP_CipherInit_ex2(context, nullptr, nullptr, as_uchar(ByteView(nonce)), -1, nullptr) == 1);
  int written = 0;
  if (!additional.empty()) {
    CHECK(EVP_CipherUpdate(context, nullptr, &written, as_uchar(additional), size_of(additional)) ==
          1);
  }
}

Unexpected refused() {
  return fail(ErrorKind::InvalidInput, "sealed message: wrong key, or altered");
}

// Appends ciphertext and tag.
void gcm_seal(EVP_CIPHER_CTX* context,
              const Aes256Gcm::Nonce& nonce,
              ByteView additional,
              ByteView message,
              Bytes& out) {
  start(context, nonce, additional);
  const std::size_t from = out.size();
  out.resize(from + message.size() + Aes256Gcm::kTagBytes);
  const ByteSpan sealed = ByteSpan(out).subspan(from);
  int written = 0;
  CHECK(EVP_CipherUpdate(
            context, as_uchar(sealed), &written, as_uchar(message), size_of(message)) == 1);
  const ByteSpan tag = sealed.last(Aes256Gcm::kTagBytes);
  CHECK(EVP_CipherFinal_ex(context, as_uchar(tag), &written) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Aes256Gcm::kTagBytes, tag.data()) == 1);
}

Result<Bytes> gcm_open(EVP_CIPHER_CTX* context,
                       const Aes256Gcm::Nonce& nonce,
                       ByteView additional,
                       ByteView sealed) {
  if (sealed.size() < Aes256Gcm::kTagBytes || sealed.size() > kMessageBytesMax) {
    return fail(ErrorKind::InvalidInput, "sealed message: too short or too long");
  }
  start(context, nonce, additional);
  const ByteView body = sealed.first(sealed.size() - Aes256Gcm::kTagBytes);
  std::array<std::byte, Aes256Gcm::kTagBytes> tag{};
  std::ranges::copy(sealed.last(Aes256Gcm::kTagBytes), tag.begin());
  Bytes out(body.size());
  int written = 0;
  CHECK(EVP_CipherUpdate(
            context, as_uchar(ByteSpan(out)), &written, as_uchar(body), size_of(body)) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Aes256Gcm::kTagBytes, tag.data()) == 1);
  std::array<unsigned char, Aes256Gcm::kTagBytes> rest{};
  if (EVP_CipherFinal_ex(context, rest.data(), &written) != 1) {
    // What a forger chose must not be seen by anyone.
    wipe(out);
    return refused();
  }
  return out;
}

}  // namespace

XChaCha20Poly1305::XChaCha20Poly1305(ByteView key) : key_(Bytes(key.begin(), key.end())) {
  static_assert(kNonceBytes == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
  static_assert(kTagBytes == crypto_aead_xchacha20poly1305_ietf_ABYTES);
  CHECK(key.size() == kKeyBytes);
  // Picks the implementation for this processor; libsodium makes it happen once.
  CHECK(sodium_init() >= 0);
}

Bytes XChaCha20Poly1305::seal(ByteView message, ByteView additional, Entropy& entropy) const {
  Bytes out(message.size() + kTagBytes + kNonceBytes);
  const ByteSpan nonce = ByteSpan(out).last(kNonceBytes);
  entropy.fill(nonce);
  CHECK(crypto_aead_xchacha20poly1305_ietf_encrypt(as_uchar(ByteSpan(out)),
                                                   nullptr,
                                                   as_uchar(message),
                                                   message.size(),
                                                   as_uchar(additional),
                                                   additional.size(),
                                                   nullptr,
                                                   as_uchar(nonce),
                                                   as_uchar(key_.expose())) == 0);
  return out;
}

Result<Bytes> XChaCha20Poly1305::open(ByteView sealed, ByteView additional) const {
  if (sealed.size() < kTagBytes + kNonceBytes) {
    return fail(ErrorKind::InvalidInput, "sealed message: too short");
  }
  const ByteView nonce = sealed.last(kNonceBytes);
  const ByteView body = sealed.first(sealed.size() - kNonceBytes);
  Bytes out(body.size() - kTagBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(as_uchar(ByteSpan(out)),
                                                 nullptr,
                                                 nullptr,
                                                 as_uchar(body),
                                                 body.size(),
                                                 as_uchar(additional),
                                                 additional.size(),
                                                 as_uchar(nonce),
                                                 as_uchar(key_.expose())) != 0) {
    return refused();
  }
  return out;
}

XChaCha20Poly1305List::XChaCha20Poly1305List(const SecretList& keys) {
  CHECK(keys.has_value());
  for (const Secret& key : keys.all()) {
    ciphers_.emplace_back(key.expose());
  }
}

Result<Bytes> XChaCha20Poly1305List::open(ByteView sealed, ByteView additional) const {
  auto opened = ciphers_.front().open(sealed, additional);
  for (std::size_t i = 1; i < ciphers_.size() && !opened; ++i) {
    opened = ciphers_[i].open(sealed, additional);
  }
  return opened;
}

Aes256Gcm::Aes256Gcm(ByteView key)
    : encrypt_(keyed_context(gcm_implementation(), key, true)),
      decrypt_(keyed_context(gcm_implementation(), key, false)) {}

Bytes Aes256Gcm::seal(const Nonce& nonce, ByteView additional, ByteView message) {
  Bytes out;
  gcm_seal(encrypt_.get(), nonce, additional, message, out);
  return out;
}

Result<Bytes> Aes256Gcm::open(const Nonce& nonce, ByteView additional, ByteView sealed) {
  return gcm_open(decrypt_.get(), nonce, additional, sealed);
}

// The two contexts are keyed by it until their first message, because they have to be by something.
Xaes256Gcm::Xaes256Gcm(ByteView key)
    : block_(keyed_context(block_implementation(), key, true)),
      encrypt_(keyed_context(gcm_implementation(), key, true)),
      decrypt_(keyed_context(gcm_implementation(), key, false)) {
  CHECK(EVP_CIPHER_CTX_set_padding(block_.get(), 0) == 1);
  Bytes subkey(16);
  int written = 0;
  const std::array<unsigned char, 16> zeros{};
  CHECK(EVP_CipherUpdate(block_.get(), as_uchar(ByteSpan(subkey)), &written, zeros.data(), 16) ==
        1);
  // Doubling in GF(2^128), as CMAC does it (RFC 4493 2.3), without a branch on key bits.
  unsigned carry = 0;
  for (std::size_t i = subkey.size(); i-- > 0;) {
    const unsigned value = std::to_integer<unsigned>(subkey[i]);
    subkey[i] = static_cast<std::byte>(((value << 1U) | carry) & 0xffU);
    carry = value >> 7U;
  }
  subkey[15] ^= static_cast<std::byte>(0x87U & (0U - carry));
  subkey_ = Secret(std::move(subkey));
}

Xaes256Gcm::MessageKey Xaes256Gcm::derive(const std::byte* nonce) {
  MessageKey blocks{};
  for (std::size_t half = 0; half < 2; ++half) {
    std::byte* block = blocks.data() + half * 16;
    block[1] = static_cast<std::byte>(half + 1);
    block[2] = std::byte{'X'};
    std::memcpy(block + 4, nonce, 12);
    for (std::size_t i = 0; i < 16; ++i) {
      block[i] ^= subkey_.expose()[i];
    }
  }
  MessageKey key{};
  int written = 0;
  CHECK(EVP_CipherUpdate(block_.get(),
                         as_uchar(ByteSpan(key)),
                         &written,
                         as_uchar(ByteView(blocks)),
                         static_cast<int>(blocks.size())) == 1);
  wipe(blocks);
  return key;
}

void Xaes256Gcm::seal_to(Bytes& out, const Nonce& nonce, ByteView additional, ByteView message) {
  Aes256Gcm::Nonce tail{};
  std::copy(nonce.begin() + 12, nonce.end(), tail.begin());
  MessageKey key = derive(nonce.data());
  rekey(encrypt_.get(), key);
  wipe(key);
  out.reserve(out.size() + kNonceBytes + message.size() + kTagBytes);
  out.insert(out.end(), nonce.begin(), nonce.end());
  gcm_seal(encrypt_.get(), tail, additional, message, out);
}

Bytes Xaes256Gcm::seal(const Nonce& nonce, ByteView additional, ByteView message) {
  Bytes out;
  seal_to(out, nonce, additional, message);
  return out;
}

Bytes Xaes256Gcm::seal(ByteView message, ByteView additional, Entropy& entropy) {
  Bytes out;
  seal_to(out, message, additional, entropy);
  return out;
}

void Xaes256Gcm::seal_to(Bytes& out, ByteView message, ByteView additional, Entropy& entropy) {
  Nonce nonce{};
  entropy.fill(nonce);
  seal_to(out, nonce, additional, message);
}

Result<Bytes> Xaes256Gcm::open(ByteView sealed, ByteView additional) {
  if (sealed.size() < kNonceBytes + kTagBytes) {
    return fail(ErrorKind::InvalidInput, "sealed message: too short");
  }
  Aes256Gcm::Nonce tail{};
  std::ranges::copy(sealed.subspan(12, 12), tail.begin());
  MessageKey key = derive(sealed.data());
  rekey(decrypt_.get(), key);
  wipe(key);
  return gcm_open(decrypt_.get(), tail, additional, sealed.subspan(kNonceBytes));
}

}  // namespace vallum::crypto
