#include "databroker/store/postgres_draft.h"

#include <utility>

#include "databroker/index_entries.h"

namespace vallum::databroker {

RowSum SharedNotes::terms(RowSeal& seal) const {
  RowSum terms;
  if (!options_text.empty()) {
    terms.toggle(seal.note_term(kOptionsNoteName, options_text));
  }
  if (!leases_text.empty()) {
    terms.toggle(seal.note_term(kLeasesNoteName, leases_text));
  }
  return terms;
}

std::optional<RowPlace> PostgresDraft::find(const crypto::BlindId& id) const {
  const auto found = numbers_.find(id);
  return found == numbers_.end() ? seen_.find(id) : std::optional(rows_[found->second].place);
}

Result<void> PostgresDraft::check(const Write& write, WallTime lease_now) const {
  if (write.fence) {
    TRY_OK(notes().leases.check(*write.fence, lease_now));
  }
  if (!write.expected_version) {
    return {};
  }
  const auto found = find(seal_.blind_id(write.type, write.id));
  const bool is_live = found && !found->is_deleted;
  if ((is_live ? found->version : 0) != *write.expected_version) {
    return fail(ErrorKind::Conflict, "record: it is not at the expected version");
  }
  return {};
}

BatchOutcome PostgresDraft::apply(Batch batch, WallTime now, WallTime lease_now) {
  for (const Write& write : batch) {
    TRY_OK(check(write, lease_now));
  }
  std::vector<Record> written;
  written.reserve(batch.size());
  for (Write& write : batch) {
    written.push_back(apply(std::move(write), now));
  }
  return written;
}

void PostgresDraft::take_entries(const Record& record, Bytes& entries, RowSum& terms) const {
  const auto options = notes().options.find(record.type);
  const bool has_options = options != notes().options.end();
  for (const IndexEntry& entry : index_entries(record, has_options ? &options->second : nullptr)) {
    const crypto::BlindId blind = seal_.blind_entry(record.type, entry);
    entries.insert(entries.end(), blind.begin(), blind.end());
    terms.toggle(seal_.entry_term(blind, record.version));
  }
}

Record PostgresDraft::apply(Write write, WallTime now) {
  Record record{.type = std::move(write.type),
                .id = std::move(write.id),
                .value = {},
                .version = ++head_.state.latest_version,
                .modified_at = now,
                .deleted_at = std::nullopt};
  if (write.value) {
    record.value = *std::move(write.value);
  } else {
    record.deleted_at = now;
  }
  Insert insert{.place = seal_.place_of(record),
                .deleted_at_ms = record.deleted_at ? std::optional(unix_millis(now)) : std::nullopt,
                .sealed = {},
                .entries = {},
                .is_new = false};
  RowSum entry_terms;
  take_entries(record, insert.entries, entry_terms);
  insert.sealed = seal_.seal(insert.place, record);
  draft(std::move(insert), entry_terms);
  return record;
}

void PostgresDraft::draft(Insert insert, const RowSum& entry_terms) {
  const auto [number, is_first] = numbers_.try_emplace(insert.place.id, rows_.size());
  if (is_first) {
    head_.sum.toggle(seen_.terms_of(insert.place.id));
    insert.is_new = !seen_.find(insert.place.id);
    rows_.push_back({.place = insert.place, .entry_terms = entry_terms});
  } else {
    Row& before = rows_[number->second];
    head_.sum.toggle(seal_.row_term(before.place));
    head_.sum.toggle(before.entry_terms);
    before.place = insert.place;
    before.entry_terms = entry_terms;
  }
  head_.sum.toggle(seal_.row_term(insert.place));
  head_.sum.toggle(entry_terms);

  Row& row = rows_[number->second];
  insert_bytes_ += insert.sealed.size();
  if (is_first || row.insert < inserts_taken_) {
    row.insert = inserts_taken_ + inserts_.size();
    inserts_.push_back(std::move(insert));
  } else {
    Insert& before = inserts_[row.insert - inserts_taken_];
    insert_bytes_ -= before.sealed.size();
    insert.is_new = before.is_new;
    before = std::move(insert);
  }
}

std::vector<PostgresDraft::Insert> PostgresDraft::take_inserts() {
  inserts_taken_ += inserts_.size();
  insert_bytes_ = 0;
  return std::exchange(inserts_, {});
}

void PostgresDraft::index_again(const Record& record) {
  Indexed row{.place = seal_.place_of(record), .entries = {}, .entry_terms = {}};
  take_entries(record, row.entries, row.entry_terms);
  head_.sum.toggle(seen_.terms_of(row.place.id));
  head_.sum.toggle(seal_.row_term(row.place));
  head_.sum.toggle(row.entry_terms);
  indexed_.push_back(std::move(row));
}

SharedNotes& PostgresDraft::change_notes() {
  if (!changed_notes_) {
    changed_notes_ = notes_;
  }
  return *changed_notes_;
}

void PostgresDraft::set_options(OptionsByType options) {
  head_.sum.toggle(notes().terms(seal_));
  SharedNotes& notes = change_notes();
  notes.options_text = encode_options(options);
  notes.options = std::move(options);
  head_.sum.toggle(notes.terms(seal_));
}

void PostgresDraft::set_leases(LeaseTable leases) {
  head_.sum.toggle(notes().terms(seal_));
  SharedNotes& notes = change_notes();
  notes.leases_text = leases.encode();
  notes.leases = std::move(leases);
  head_.sum.toggle(notes.terms(seal_));
}

void PostgresDraft::clear(Entropy& entropy) {
  is_cleared_ = true;
  set_options({});
  head_.sum = notes().terms(seal_);
  head_.sum.toggle(seal_.keys_term());
  do {
    head_.state.server_version = entropy.next_u64();
  } while (head_.state.server_version == 0 ||
           head_.state.server_version == before_.state.server_version);
  head_.state.pruned_version = head_.state.latest_version;
}

void PostgresDraft::set_ring(crypto::KeyRing ring, Bytes wrapped, Entropy& entropy) {
  head_.sum.toggle(seal_.keys_term());
  head_.sum.toggle(seal_.keys_term(ring));
  new_seal_.emplace(std::move(ring), entropy);
  wrapped_keys_ = std::move(wrapped);
}

void PostgresDraft::prune(std::uint64_t up_to) {
  pruned_to_ = up_to;
  head_.state.pruned_version = up_to;
  head_.sum.toggle(seen_.sum());
  head_.sum.toggle(seen_.sum_without_tombstones(up_to));
}

}  // namespace vallum::databroker
