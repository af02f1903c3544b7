#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "databroker/seal/row_seal.h"
#include "databroker/store/head.h"

namespace vallum::databroker {

// Where every row of a shared store stands, as this process last saw it, with the sum of them all:
// so that the store cannot tell it an older story. About 90 bytes for each row.
class SeenRows {
 public:
  // The seal outlives this.
  explicit SeenRows(RowSeal& seal) : seal_(seal) {}

  std::optional<RowPlace> find(const crypto::BlindId& id) const;
  // What the row with that id adds to the sum: its own term and those of its index entries.
  RowSum terms_of(const crypto::BlindId& id) const;
  const RowSum& sum() const { return sum_; }
  // Records of that type that are not deleted.
  std::uint64_t live(const TypeTag& type) const;
  // Types that have any.
  std::vector<TypeTag> live_types() const;

  // Puts the row in the place of the one with its id. `entries` is the sum of the terms of its
  // index entries.
  void put(const RowPlace& place, const RowSum& entries);
  bool is_tombstone(std::uint64_t version) const { return tombstones_.contains(version); }
  // The sum without the tombstones up to that version.
  RowSum sum_without_tombstones(std::uint64_t up_to) const;
  // Forgets all tombstones up to that version.
  void drop_tombstones(std::uint64_t up_to);

  // Takes over what another one over the same seal holds.
  void replace_by(SeenRows&& other);

  // Whether a store that looked like this (with that state) can have come to look like `now` by
  // writing and pruning alone.
  bool may_become(const StoreState& state, const SeenRows& now, const StoreState& now_state) const;

 private:
  // Blind ids are uniform already.
  struct BlindHash {
    std::size_t operator()(const crypto::BlindId& id) const {
      std::size_t hash = 0;
      std::memcpy(&hash, id.data(), sizeof(hash));
      return hash;
    }
  };
  struct Row {
    std::uint64_t version = 0;
    std::uint32_t type = 0;  // its number in types_
    bool is_deleted = false;
  };

  RowPlace place_of(const crypto::BlindId& id, const Row& row) const;
  RowSum terms_of(const crypto::BlindId& id, const Row& row) const;
  std::uint32_t number_of(const TypeTag& type);

  RowSeal& seal_;
  std::unordered_map<crypto::BlindId, Row, BlindHash> rows_;
  std::unordered_map<crypto::BlindId, RowSum, BlindHash> entries_;  // of rows that have any
  std::map<std::uint64_t, crypto::BlindId> tombstones_;             // by version
  std::map<TypeTag, std::uint32_t> type_numbers_;
  std::vector<TypeTag> types_;
  std::vector<std::uint64_t> live_;  // records of each type, by its number
  RowSum sum_;
};

}  // namespace vallum::databroker
