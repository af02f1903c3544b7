#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "crypto/aead.h"
#include "crypto/hmac.h"
#include "crypto/key_encryption_keys.h"

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

// What may be known of a data key.
struct RingKey {
  std::uint64_t id = 0;
  // Nothing where nobody noted it.
  std::optional<WallTime> made_at;
};

// The keys of one deployment's records at rest: random data keys, of which the first seals and all
// open, and a random key for blind indexes, which stays. They are stored together, wrapped under a
// key-encryption key, so that changing that one wraps a few hundred bytes and touches no record.
//
// A sealed value is: data key id (8 bytes), nonce (24), ciphertext, tag (16), by XAES-256-GCM.
// Additional data: deployment, type, blind id, version, each behind its length as 4 bytes.
//
// One thread at a time; unwrap one per thread that needs it.
class KeyRing {
 public:
  static constexpr std::size_t kDataKeysMax = 64;

  // With one data key. `deployment` names the store; it is as lasting as the data.
  static KeyRing create(std::string_view deployment,
                        std::optional<WallTime> made_at,
                        Entropy& entropy);

  // NotFound when it is wrapped under a key that is not among these, and names it; InvalidInput
  // when a bit changed, or it is another deployment's.
  static Result<KeyRing> unwrap(const KeyEncryptionKeys& keys,
                                std::string_view deployment,
                                ByteView wrapped);
  // To be stored beside the records.
  Bytes wrap(const KeyEncryptionKeys& keys, Entropy& entropy) const;
  // The key it is wrapped under; nothing for a ring of the time before they had names.
  static std::optional<KeyId> wrapped_by(ByteView wrapped);
  // For a change that may have to be taken back.
  KeyRing clone() const;

  // Makes a new data key the one that seals; older keys go on opening. ResourceExhausted at
  // kDataKeysMax.
  Result<void> rotate(std::optional<WallTime> now, Entropy& entropy);
  // Forgets every data key but the one that seals: nothing may be sealed by them any more.
  void retire_older();
  std::size_t data_key_count() const { return data_keys_.size(); }
  // The one that seals first.
  std::vector<RingKey> data_keys() const;
  // Counts the changes of which keys there are. A ring as it was made has none.
  std::uint64_t generation() const { return generation_; }

  Bytes seal(const SealPlace& place, ByteView plaintext, Entropy& entropy);
  // NotFound when no key of the ring sealed it; InvalidInput when it is not what was sealed at this
  // place.
  Result<Bytes> open(const SealPlace& place, ByteView sealed);
  // Whether one of these keys sealed it, by what it says of itself.
  bool knows_key_of(ByteView sealed) const;
  // Whether the value was sealed by a key that no longer seals, so that a job can renew it.
  bool is_sealed_by_older_key(ByteView sealed) const;

  // The same text under the same scope gives the same id; nothing else can be learnt from it.
  BlindId blind(std::string_view scope, std::string_view text);

 private:
  struct SealKey {
    RingKey facts;
    Secret key;
    Xaes256Gcm cipher;
  };

  KeyRing(std::string_view deployment, Secret index_key);
  static Result<KeyRing> read(std::string_view deployment, ByteView plain, bool has_facts);
  Bytes additional_data(const SealPlace& place) const;
  void add_data_key(RingKey facts, Secret key);

  std::string deployment_;
  std::uint64_t generation_ = 0;
  Secret index_key_;
  Hmac index_mac_;
  std::vector<SealKey> data_keys_;  // the first one seals
};

// The first bytes of what a data key sealed: its id.
Bytes data_key_mark(std::uint64_t id);

}  // namespace vallum::crypto
