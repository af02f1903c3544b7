#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/buffered_entropy.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/strings.h"
#include "crypto/key_ring.h"
#include "databroker/index_entries.h"
#include "databroker/record.h"

namespace vallum::databroker {

// Equal for equal types, and says nothing else.
using TypeTag = std::array<std::byte, 16>;

// Where a row stands, in the words the backend may see.
struct RowPlace {
  crypto::BlindId id{};
  TypeTag type{};
  std::uint64_t version = 0;
  bool is_deleted = false;

  bool operator==(const RowPlace&) const = default;
};

// The sum of all rows of a store, whatever their order: one row more, less or other makes another
// sum. The terms are keyed (MSet-XOR-Hash), so only who holds the keys can make two sets meet.
class RowSum {
 public:
  // Adds the row's term, or takes it out again.
  void toggle(const crypto::BlindId& term);
  // The same for all terms of another sum.
  void toggle(const RowSum& terms) { toggle(terms.sum_); }

  ByteView bytes() const { return sum_; }
  static RowSum from_bytes(ByteView bytes);
  bool operator==(const RowSum&) const = default;

 private:
  std::array<std::byte, 32> sum_{};
};

// What every persistent backend does to a record before it writes it, and after it read it. The
// backend sees blind ids, blind types, versions, and which rows are tombstones; nothing else.
// One thread at a time.
class RowSeal {
 public:
  // `entropy` outlives this.
  RowSeal(crypto::KeyRing ring, Entropy& entropy)
      : ring_(std::move(ring)), entropy_(std::make_unique<BufferedEntropy>(entropy)) {}

  crypto::BlindId blind_id(std::string_view type, std::string_view id);
  TypeTag type_tag(std::string_view type);
  RowPlace place_of(const Record& record);
  crypto::BlindId row_term(const RowPlace& place);
  // An index entry as the backend may see it, and its term: index rows belong to the sum too.
  crypto::BlindId blind_entry(std::string_view type, const IndexEntry& entry);
  crypto::BlindId entry_term(const crypto::BlindId& entry, std::uint64_t version);
  // The term of a note, so that it cannot be put back to what it was.
  crypto::BlindId note_term(std::string_view name, std::string_view note);

  // The term of which data keys there are, so that a retired one cannot be put back. All zero for
  // the keys a store was made with.
  crypto::BlindId keys_term() { return keys_term(ring_); }
  crypto::BlindId keys_term(const crypto::KeyRing& ring);

  const crypto::KeyRing& ring() const { return ring_; }
  // Of the same store. Returns the one before.
  crypto::KeyRing replace_ring(crypto::KeyRing ring) {
    return std::exchange(ring_, std::move(ring));
  }

  Bytes seal(const RowPlace& place, const Record& record);
  // Internal when the bytes are not what was sealed for this place.
  Result<Record> open(const RowPlace& place, ByteView sealed);
  // The same value under the key that seals now. Internal like open().
  Result<Bytes> reseal(const RowPlace& place, ByteView sealed);

  // For the store's own notes, each under its own name.
  Bytes seal_note(std::string_view name, ByteView note);
  Result<Bytes> open_note(std::string_view name, ByteView sealed);

 private:
  crypto::KeyRing ring_;
  // Every row needs a nonce.
  std::unique_ptr<BufferedEntropy> entropy_;
  // A handful of types make all records.
  std::unordered_map<std::string, TypeTag, StringHash, std::equal_to<>> type_tags_;
};

}  // namespace vallum::databroker
