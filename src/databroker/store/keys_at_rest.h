#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/key_encryption_keys.h"
#include "crypto/key_ring.h"

namespace vallum::databroker {

// What may be known of the keys of a store.
struct KeyFacts {
  struct Key {
    std::uint64_t id = 0;
    std::optional<WallTime> made_at;
    bool seals = false;  // the others are to be retired
    std::uint64_t rows = 0;
  };
  std::vector<Key> data_keys;
  // The key-encryption key they are wrapped under, and the one that rewrap() would take. Nothing:
  // wrapped before those keys had names.
  std::optional<crypto::KeyId> wrapped_by;
  crypto::KeyId active{};
  // Rows under a key that is none of these: they cannot be opened.
  std::uint64_t rows_without_key = 0;

  bool is_rotating() const { return data_keys.size() > 1; }
};

// How the keys of a persistent store are changed while it is in use. A rotation makes a new data
// key, which seals from then on; then every row is sealed anew, a bounded number in each
// transaction; with the last one the older keys are forgotten. Whatever ends the process in between
// loses nothing: rows open under either key, and the rotation is gone on with.
//
//   TRY_OK(keys.begin_rotation(now));
//   for (;;) { TRY(auto step, keys.reseal()); if (step.is_done) break; }
//
// Rows keep their versions, so nobody who follows the changes notices. Blocking, and used by the
// store's one thread. Failures as of Store.
class KeysAtRest {
 public:
  KeysAtRest() = default;
  KeysAtRest(const KeysAtRest&) = delete;
  KeysAtRest& operator=(const KeysAtRest&) = delete;
  virtual ~KeysAtRest() = default;

  // Reads where every row is sealed: takes as long as the store is big.
  virtual Result<KeyFacts> facts() = 0;
  // Returns false, and changes nothing, when the rotation before is not done.
  virtual Result<bool> begin_rotation(WallTime now) = 0;

  struct Step {
    std::size_t rows = 0;
    bool is_done = false;
  };
  // Seals some rows anew. Done at once when no rotation was begun.
  virtual Result<Step> reseal() = 0;
  // Wraps the data keys under the active key-encryption key. Returns false, and writes nothing,
  // when they are.
  virtual Result<bool> rewrap() = 0;
};

// How much one step of reseal() takes: what others wait for at most.
inline constexpr std::size_t kResealedRowsMax = 500;
inline constexpr std::size_t kResealedBytesMax = std::size_t{4} << 20;

// The data keys of a store. InvalidInput names the key that is wanted and the cure.
Result<crypto::KeyRing> unwrap_ring(const crypto::KeyEncryptionKeys& keys,
                                    std::string_view deployment,
                                    ByteView wrapped);

// Adds what a row under the key of this mark (its first 8 bytes) means.
void count_rows(KeyFacts& facts, ByteView mark, std::uint64_t rows);
// Without counts of rows.
KeyFacts facts_of(const crypto::KeyRing& ring,
                  ByteView wrapped,
                  const crypto::KeyEncryptionKeys& keys);

}  // namespace vallum::databroker
