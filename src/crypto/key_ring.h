#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/hmac.h"

namespace vallum::crypto {

using BlindId = std::array<std::byte, 32>;

// Where a sealed value stands. It is bound to the seal, so that a value that was moved to another
// record, given another type, or put back after a change does not open. Views: until the call
// returns.
struct SealPlace {
  std::string_view type;
  BlindId blind_id;
  std::uint64_t version = 0;
};

// The keys of one deployment's records at rest: random data keys, of which the first seals and all
// open, and a random key for blind indexes. They are stored wrapped under a key derived from the
// shared secret, so that changing that secret re-wraps 100 bytes and touches no record.
//
// A sealed value is: data key id (8 bytes), nonce (24), ciphertext, tag (16), by XAES-256-GCM.
// Additional data: deployment, type, blind id, version, each behind its length as 4 bytes.
//
// One thread at a time; unwrap one per thread that needs it.
class KeyRing {
 public:
  static constexpr std::size_t kDataKeysMax = 64;

  // With one data key. `deployment` names the store; it is as lasting as the data.
  static KeyRing create(std::string_view deployment, Entropy& entropy);

  // InvalidInput when the secret or deployment is not the one it was wrapped with, or a bit
  // changed.
  static Result<KeyRing> unwrap(const Secret& shared_secret,
                                std::string_view deployment,
                                ByteView wrapped);
  // To be stored beside the records.
  Bytes wrap(const Secret& shared_secret, Entropy& entropy) const;

  // Makes a new data key the one that seals; older keys go on opening. ResourceExhausted at
  // kDataKeysMax.
  Result<void> rotate(Entropy& entropy);
  std::size_t data_key_count() const { return data_keys_.size(); }

  Bytes seal(const SealPlace& place, ByteView plaintext, Entropy& entropy);
  // NotFound when no key of the ring sealed it; InvalidInput when it is not what was sealed at this
  // place.
  Result<Bytes> open(const SealPlace& place, ByteView sealed);
  // Whether the value was sealed by a key that no longer seals, so that a job can renew it.
  bool is_sealed_by_older_key(ByteView sealed) const;

  // The same text under the same scope gives the same id; nothing else can be learnt from it.
  BlindId blind(std::string_view scope, std::string_view text);

 private:
  struct SealKey {
    std::uint64_t id;
    Secret key;
    Xaes256Gcm cipher;
  };

  KeyRing(std::string_view deployment, Secret index_key);
  Bytes additional_data(const SealPlace& place) const;
  void add_data_key(std::uint64_t id, Secret key);

  std::string deployment_;
  Secret index_key_;
  Hmac index_mac_;
  std::vector<SealKey> data_keys_;  // the first one seals
};

}  // namespace vallum::crypto
