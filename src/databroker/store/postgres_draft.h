#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/time.h"
#include "databroker/lease_table.h"
#include "databroker/record.h"
#include "databroker/seal/row_seal.h"
#include "databroker/store/head.h"
#include "databroker/store/seen_rows.h"
#include "databroker/store/store.h"
#include "databroker/type_options.h"

namespace vallum::databroker {

inline constexpr std::string_view kOptionsNoteName = "options";
inline constexpr std::string_view kLeasesNoteName = "leases";

// What a data set holds beside its records.
struct SharedNotes {
  OptionsByType options;
  LeaseTable leases;
  // As they are sealed; "" for none.
  std::string options_text;
  std::string leases_text;

  // What they add to the sum of the data set.
  RowSum terms(RowSeal& seal) const;
};

// What one transaction makes of the data set, before any of it is written: rows with what they add
// to the sum, notes and the head. All of it under the database's lock, so what is known is what is
// there.
class PostgresDraft {
 public:
  struct Row {
    RowPlace place;
    RowSum entry_terms;
    std::uint64_t insert = 0;  // the number of the last one of it
  };
  // A row as it is written.
  struct Insert {
    RowPlace place;
    std::optional<std::int64_t> deleted_at_ms;
    Bytes sealed;
    Bytes entries;        // blind, one after the other
    bool is_new = false;  // no row has its id yet, nor had in this transaction
  };
  // A row that stays as it is but for its index entries.
  struct Indexed {
    RowPlace place;
    Bytes entries;
    RowSum entry_terms;
  };

  // All outlive the draft.
  PostgresDraft(RowSeal& seal, const SeenRows& seen, const SharedNotes& notes, const Head& head)
      : seal_(seal), seen_(seen), notes_(notes), before_(head), head_(head) {}

  // `lease_now` is what fences are judged by.
  BatchOutcome apply(Batch batch, WallTime now, WallTime lease_now);
  // Records must be as they are stored. Requires new options to be set before.
  void index_again(const Record& record);
  void set_options(OptionsByType options);
  void set_leases(LeaseTable leases);
  // Forgets every row; nothing else may have been drafted.
  void clear(Entropy& entropy);
  // Forgets the tombstones up to that version.
  void prune(std::uint64_t up_to);
  // Other data keys. What is sealed after this is sealed by them, and the notes, too.
  void set_ring(crypto::KeyRing ring, Bytes wrapped, Entropy& entropy);
  // The same keys, wrapped another time.
  void set_wrapped(Bytes wrapped) { wrapped_keys_ = std::move(wrapped); }
  // The same value, sealed anew.
  struct Resealed {
    std::uint64_t version;
    Bytes sealed;
  };
  void reseal(Resealed row) { resealed_.push_back(std::move(row)); }

  bool is_empty() const { return head_ == before_ && resealed_.empty() && !wrapped_keys_; }
  // What seals the head and the notes.
  RowSeal& seal() { return new_seal_ ? *new_seal_ : seal_; }
  const std::optional<RowSeal>& new_seal() const { return new_seal_; }
  const std::optional<Bytes>& wrapped_keys() const { return wrapped_keys_; }
  const std::vector<Resealed>& resealed() const { return resealed_; }
  const Head& head() const { return head_; }
  // The last state of each.
  const std::vector<Row>& rows() const { return rows_; }
  // What was drafted since the last call, to be written in this order; with insert_bytes() of
  // values. So one part can be on its way while the next is sealed.
  std::vector<Insert> take_inserts();
  std::size_t insert_bytes() const { return insert_bytes_; }
  const std::vector<Indexed>& indexed() const { return indexed_; }
  // With the changes.
  const SharedNotes& notes() const { return changed_notes_ ? *changed_notes_ : notes_; }
  bool has_new_options() const {
    return notes().options_text != notes_.options_text || must_reseal(notes().options_text);
  }
  bool has_new_leases() const {
    return notes().leases_text != notes_.leases_text || must_reseal(notes().leases_text);
  }
  bool is_cleared() const { return is_cleared_; }
  std::optional<std::uint64_t> pruned_to() const { return pruned_to_; }

 private:
  struct BlindHash {
    std::size_t operator()(const crypto::BlindId& id) const {
      std::size_t hash = 0;
      std::memcpy(&hash, id.data(), sizeof(hash));
      return hash;
    }
  };

  Result<void> check(const Write& write, WallTime lease_now) const;
  Record apply(Write write, WallTime now);
  void draft(Insert insert, const RowSum& entry_terms);
  std::optional<RowPlace> find(const crypto::BlindId& id) const;
  void take_entries(const Record& record, Bytes& entries, RowSum& terms) const;
  SharedNotes& change_notes();
  bool must_reseal(const std::string& note) const { return new_seal_ && !note.empty(); }

  RowSeal& seal_;
  const SeenRows& seen_;
  const SharedNotes& notes_;
  const Head before_;
  Head head_;
  std::vector<Row> rows_;
  std::vector<Insert> inserts_;
  std::uint64_t inserts_taken_ = 0;
  std::size_t insert_bytes_ = 0;
  std::unordered_map<crypto::BlindId, std::size_t, BlindHash> numbers_;
  std::vector<Indexed> indexed_;
  std::optional<SharedNotes> changed_notes_;
  std::optional<std::uint64_t> pruned_to_;
  bool is_cleared_ = false;
  std::optional<RowSeal> new_seal_;
  std::optional<Bytes> wrapped_keys_;
  std::vector<Resealed> resealed_;
};

}  // namespace vallum::databroker
