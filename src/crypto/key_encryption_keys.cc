#include "crypto/key_encryption_keys.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "crypto/aead.h"
#include "crypto/hmac.h"
#include "crypto/kdf.h"

namespace vallum::crypto {
namespace {

constexpr std::size_t kKeyBytes = Xaes256Gcm::kKeyBytes;
constexpr std::string_view kIdPurpose = "vallum/key-encryption-id";

Bytes with_id(const KeyId& id, ByteView additional) {
  Bytes out(id.begin(), id.end());
  out.insert(out.end(), additional.begin(), additional.end());
  return out;
}

Unexpected fail_altered() {
  return fail(ErrorKind::InvalidInput, "wrapped keys: they were altered, or are another store's");
}

}  // namespace

std::string key_id_text(const KeyId& id) {
  return to_hex(id);
}

KeyId key_id_of(const Secret& secret, std::string_view purpose) {
  const Mac mac = hmac(MacAlgorithm::HmacSha256, secret.expose(), as_bytes(purpose));
  KeyId id{};
  std::copy_n(mac.begin(), id.size(), id.begin());
  return id;
}

void KeyEncryptionKeys::add(Secret key) {
  const KeyId id = key_id_of(key, kIdPurpose);
  if (!has(id)) {
    keys_.push_back({.id = id, .key = std::move(key)});
  }
}

KeyEncryptionKeys KeyEncryptionKeys::derive(const Secret& shared_secret) {
  return derive(SecretList(shared_secret.clone()));
}

KeyEncryptionKeys KeyEncryptionKeys::derive(const SecretList& shared_secrets) {
  return of({}, shared_secrets);
}

KeyEncryptionKeys KeyEncryptionKeys::of(std::span<const Secret> configured,
                                        const SecretList& shared_secrets) {
  KeyEncryptionKeys keys;
  for (const Secret& key : configured) {
    CHECK(key.size() == kKeyBytes);
    keys.add(key.clone());
  }
  for (const Secret& shared : shared_secrets.all()) {
    keys.add(hkdf_sha256(shared.expose(), "vallum/key-encryption", kKeyBytes));
  }
  CHECK(!keys.keys_.empty());
  return keys;
}

KeyEncryptionKeys KeyEncryptionKeys::clone() const {
  KeyEncryptionKeys copy;
  for (const Key& key : keys_) {
    copy.keys_.push_back({.id = key.id, .key = key.key.clone()});
  }
  return copy;
}

bool KeyEncryptionKeys::has(const KeyId& id) const {
  return std::ranges::find(keys_, id, &Key::id) != keys_.end();
}

std::string KeyEncryptionKeys::ids_text() const {
  std::string text;
  for (const Key& key : keys_) {
    text.append(text.empty() ? "" : ", ").append(key_id_text(key.id));
  }
  return text;
}

Bytes KeyEncryptionKeys::wrap(ByteView plain, ByteView additional, Entropy& entropy) const {
  const Key& active = keys_.front();
  Xaes256Gcm cipher(active.key.expose());
  const Bytes sealed = cipher.seal(plain, with_id(active.id, additional), entropy);
  return with_id(active.id, sealed);
}

Result<KeyId> KeyEncryptionKeys::id_of(ByteView wrapped) {
  KeyId id{};
  if (wrapped.size() < id.size()) {
    return fail(ErrorKind::InvalidInput, "wrapped keys: too short");
  }
  std::copy_n(wrapped.begin(), id.size(), id.begin());
  return id;
}

// The id is there to name a key, not to choose one: where it was altered, some key still opens the
// rest, and "altered" is the truth.
Result<KeyEncryptionKeys::Unwrapped> KeyEncryptionKeys::unwrap(ByteView wrapped,
                                                               ByteView additional) const {
  TRY(const KeyId id, id_of(wrapped));
  const ByteView sealed = wrapped.subspan(id.size());
  for (const Key& key : keys_) {
    auto plain = Xaes256Gcm(key.key.expose()).open(sealed, with_id(key.id, additional));
    if (plain) {
      Secret opened(*std::move(plain));
      if (key.id == id) {
        return Unwrapped{.plain = std::move(opened), .id = id};
      }
      return fail_altered();
    }
  }
  if (has(id)) {
    return fail_altered();
  }
  return fail(ErrorKind::NotFound,
              "wrapped keys: wrapped under key-encryption key " + key_id_text(id) +
                  ", which is not configured");
}

Result<Secret> KeyEncryptionKeys::unwrap_unnamed(ByteView sealed, ByteView additional) const {
  for (const Key& key : keys_) {
    if (auto plain = Xaes256Gcm(key.key.expose()).open(sealed, additional)) {
      return Secret(*std::move(plain));
    }
  }
  return fail(ErrorKind::InvalidInput,
              "wrapped keys: no configured key unwraps them, or they were altered");
}

}  // namespace vallum::crypto
