#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/secret_list.h"

namespace vallum::crypto {

// A name for a key, 8 bytes that say nothing about it.
using KeyId = std::array<std::byte, 8>;

// Lower-case hexadecimal, as people read it.
std::string key_id_text(const KeyId& id);
// The id of a secret under a purpose of its own, so that the ids of two purposes do not meet.
KeyId key_id_of(const Secret& secret, std::string_view purpose);

// The keys that wrap a deployment's data keys. They are configured, and never stored beside what
// they wrap: the first one wraps, all unwrap. Immutable.
class KeyEncryptionKeys {
 public:
  // Of a process that configures none: one of each shared secret.
  static KeyEncryptionKeys derive(const Secret& shared_secret);
  static KeyEncryptionKeys derive(const SecretList& shared_secrets);
  // The configured ones, and behind them those that come from the shared secrets, so that a
  // deployment can change from one to the other. Without configured ones: those alone.
  static KeyEncryptionKeys of(std::span<const Secret> configured, const SecretList& shared_secrets);

  KeyEncryptionKeys clone() const;

  const KeyId& active_id() const { return keys_.front().id; }
  bool has(const KeyId& id) const;
  // The ids of all, for people: "0123456789abcdef, ...".
  std::string ids_text() const;

  // Under the first key. `additional` must be the same at unwrap().
  Bytes wrap(ByteView plain, ByteView additional, Entropy& entropy) const;

  struct Unwrapped {
    Secret plain;
    KeyId id;
  };
  // NotFound when it was wrapped under none of these keys, and names the one it was; InvalidInput
  // when it was altered, or wrapped for something else.
  Result<Unwrapped> unwrap(ByteView wrapped, ByteView additional) const;
  // The same for what was wrapped before keys had names. InvalidInput when no key opens it.
  Result<Secret> unwrap_unnamed(ByteView sealed, ByteView additional) const;
  // Which key it claims to be wrapped under.
  static Result<KeyId> id_of(ByteView wrapped);

 private:
  struct Key {
    KeyId id;
    Secret key;
  };
  KeyEncryptionKeys() = default;
  void add(Secret key);

  std::vector<Key> keys_;
};

}  // namespace vallum::crypto
