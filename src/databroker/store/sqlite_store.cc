#include "databroker/store/sqlite_store.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <ranges>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/check.h"
#include "databroker/store/sqlite_file.h"
#include "databroker/store/sqlite_keys.h"

namespace vallum::databroker {
namespace {

// Blind ids are uniform already.
struct BlindHash {
  std::size_t operator()(const crypto::BlindId& id) const {
    std::size_t hash = 0;
    std::memcpy(&hash, id.data(), sizeof(hash));
    return hash;
  }
};

// What this process knows of each row, so that the file cannot tell it an older story.
struct Seen {
  std::uint64_t version = 0;
  bool is_deleted = false;
  bool is_indexed = false;
};

using SeenRows = std::unordered_map<crypto::BlindId, Seen, BlindHash>;

constexpr std::string_view kOptionsNote = "options";
constexpr std::string_view kLeasesNote = "leases";
constexpr std::size_t kReindexPage = 500;

Unexpected fail_stale() {
  return fail(ErrorKind::Internal,
              "store: a stored record is not the one last written there; it is not served");
}

Unexpected fail_altered() {
  return fail(ErrorKind::Internal,
              "vallum.db: a record was added, removed, altered or put back to an earlier state "
              "outside of Vallum; restore a backup, or move the file away to begin without "
              "sessions");
}

}  // namespace

struct SqliteStore::Native {
  Native(SqliteFile opened, crypto::KeyEncryptionKeys wrapping, Entropy& random)
      : file(std::move(opened)), entropy(random), keys(file, std::move(wrapping), random) {}

  struct Statements {
    SqliteStatement insert;
    SqliteStatement remove;
    SqliteStatement get;
    SqliteStatement list;
    SqliteStatement changes;
    SqliteStatement old_tombstones;
    SqliteStatement set_head;
    SqliteStatement add_entry;
    SqliteStatement entries_of;
    SqliteStatement remove_entries;
    SqliteStatement find_entry;
    SqliteStatement set_note;
  };

  Result<void> prepare();
  Result<void> load_seen();
  Result<std::unordered_set<std::uint64_t>> load_entries(RowSum& sum);
  Result<void> load_notes(RowSum& sum);

  Result<BatchOutcome> apply(Batch batch, WallTime now);
  Result<Record> apply(Write write, WallTime now);
  Result<void> remove_row(const RowPlace& place, bool is_indexed);
  Result<void> insert_row(const RowPlace& place, const Record& record);
  // True when there was something to add.
  Result<bool> add_entries(const Record& record);
  Result<void> remove_entries(std::uint64_t version);
  Result<void> reindex(std::string_view type);
  Result<void> set_options(std::string_view type, const TypeOptions& replacement);
  Result<void> replace_leases(LeaseTable replacement);
  Result<void> replace_note(std::string_view name, std::string_view before, std::string_view after);
  Result<void> clear();
  void remember(const crypto::BlindId& id, std::optional<Seen> now);
  void count_live(const TypeTag& type, bool is_more);
  const TypeOptions* options_of(std::string_view type) const;

  Result<void> begin();
  Result<void> finish();
  void undo();
  // Runs `change` in a transaction: all of it or nothing, here and in the file.
  template <class F>
  std::invoke_result_t<F&> transact(F change);

  Result<RowPlace> place_of_row(SqliteStatement& row) const;
  Result<std::vector<Record>> read_rows(SqliteStatement& rows);
  Result<std::size_t> prune(std::int64_t deleted_before_ms);

  SqliteFile file;
  Entropy& entropy;
  SqliteKeys keys;
  std::optional<Statements> statements;
  SeenRows seen;
  std::map<TypeTag, std::uint64_t> live;  // records of each type, above 0
  OptionsByType options;
  LeaseTable leases;

  // What the open transaction changed in memory, to be put back if it fails.
  struct Undo {
    Head head;
    std::vector<std::pair<crypto::BlindId, std::optional<Seen>>> seen;
    std::vector<std::pair<TypeTag, bool>> live;
    std::optional<OptionsByType> options;
    std::optional<LeaseTable> leases;
    // The whole of both, of a transaction that emptied them.
    std::optional<SeenRows> all_seen;
    std::optional<std::map<TypeTag, std::uint64_t>> all_live;
  };
  Undo undo_log;
};

Result<void> SqliteStore::Native::prepare() {
  SqliteDatabase& database = file.database;
  TRY(auto insert,
      database.prepare("INSERT INTO records (version, id, type, deleted_at, value)"
                       " VALUES (?1, ?2, ?3, ?4, ?5)"));
  TRY(auto remove, database.prepare("DELETE FROM records WHERE version = ?1 AND id = ?2"));
  constexpr std::string_view kColumns = "SELECT version, id, type, deleted_at, value FROM records ";
  const auto select = [&](std::string_view rest) {
    return database.prepare(std::string(kColumns).append(rest));
  };
  TRY(auto get, select("WHERE version = ?1"));
  TRY(auto list,
      select("WHERE type = ?1 AND version > ?2 AND deleted_at IS NULL ORDER BY version LIMIT ?3"));
  TRY(auto changes, select("WHERE version > ?1 ORDER BY version LIMIT ?2"));
  TRY(auto old, select("WHERE deleted_at IS NOT NULL AND deleted_at < ?1 LIMIT ?2"));
  TRY(auto set_head, database.prepare("UPDATE notes SET value = ?1 WHERE name = 'head'"));
  TRY(auto add_entry,
      database.prepare("INSERT INTO index_entries (entry, version) VALUES (?1, ?2)"));
  TRY(auto entries_of, database.prepare("SELECT entry FROM index_entries WHERE version = ?1"));
  TRY(auto remove_entries, database.prepare("DELETE FROM index_entries WHERE version = ?1"));
  TRY(auto find_entry,
      database.prepare("SELECT version FROM index_entries WHERE entry = ?1 AND version > ?2"
                       " ORDER BY version LIMIT ?3"));
  TRY(auto set_note,
      database.prepare("INSERT INTO notes (name, value) VALUES (?1, ?2)"
                       " ON CONFLICT (name) DO UPDATE SET value = excluded.value"));
  statements.emplace(std::move(insert),
                     std::move(remove),
                     std::move(get),
                     std::move(list),
                     std::move(changes),
                     std::move(old),
                     std::move(set_head),
                     std::move(add_entry),
                     std::move(entries_of),
                     std::move(remove_entries),
                     std::move(find_entry),
                     std::move(set_note));
  return {};
}

Result<std::unordered_set<std::uint64_t>> SqliteStore::Native::load_entries(RowSum& sum) {
  TRY(auto rows, file.database.prepare("SELECT entry, version FROM index_entries"));
  std::unordered_set<std::uint64_t> versions;
  for (;;) {
    TRY(const bool is_row, rows.step());
    if (!is_row) {
      return versions;
    }
    crypto::BlindId entry{};
    if (rows.blob(0).size() != entry.size()) {
      return fail_altered();
    }
    std::ranges::copy(rows.blob(0), entry.begin());
    const auto version = static_cast<std::uint64_t>(rows.integer(1));
    sum.toggle(file.seal.entry_term(entry, version));
    versions.insert(version);
  }
}

Result<void> SqliteStore::Native::load_notes(RowSum& sum) {
  TRY(const std::string options_note, read_sealed_note(file, kOptionsNote));
  TRY(const std::string leases_note, read_sealed_note(file, kLeasesNote));
  TRY(options, decode_options(options_note));
  TRY(leases, LeaseTable::decode(leases_note));
  if (!options_note.empty()) {
    sum.toggle(file.seal.note_term(kOptionsNote, options_note));
  }
  if (!leases_note.empty()) {
    sum.toggle(file.seal.note_term(kLeasesNote, leases_note));
  }
  return {};
}

// Reads where every row stands and compares with the sealed sum. Values stay unread: each is
// checked when it is asked for.
Result<void> SqliteStore::Native::load_seen() {
  TRY(auto rows, file.database.prepare("SELECT version, id, type, deleted_at FROM records"));
  RowSum sum;
  sum.toggle(file.seal.keys_term());
  TRY(const auto indexed, load_entries(sum));
  TRY_OK(load_notes(sum));
  for (;;) {
    TRY(const bool is_row, rows.step());
    if (!is_row) {
      break;
    }
    const Result<RowPlace> place = place_of_row(rows);
    if (!place) {
      return fail_altered();
    }
    sum.toggle(file.seal.row_term(*place));
    seen.emplace(place->id,
                 Seen{.version = place->version,
                      .is_deleted = place->is_deleted,
                      .is_indexed = indexed.contains(place->version)});
    if (!place->is_deleted) {
      ++live[place->type];
    }
  }
  return sum == file.head.sum ? Result<void>() : fail_altered();
}

Result<RowPlace> SqliteStore::Native::place_of_row(SqliteStatement& row) const {
  RowPlace place;
  const ByteView id = row.blob(1);
  const ByteView type = row.blob(2);
  if (id.size() != place.id.size() || type.size() != place.type.size()) {
    return fail_stale();
  }
  place.version = static_cast<std::uint64_t>(row.integer(0));
  std::ranges::copy(id, place.id.begin());
  std::ranges::copy(type, place.type.begin());
  place.is_deleted = !row.is_null(3);
  return place;
}

Result<void> SqliteStore::Native::begin() {
  undo_log = {};
  undo_log.head = file.head;
  return file.database.execute("BEGIN IMMEDIATE");
}

Result<void> SqliteStore::Native::finish() {
  if (file.head == undo_log.head) {
    return file.database.execute("COMMIT");  // no row changed: nothing to make durable
  }
  const Bytes sealed = seal_head(file.seal, file.head);
  TRY_OK(statements->set_head.bind(1, sealed).run());
  return file.database.execute("COMMIT");
}

void SqliteStore::Native::undo() {
  file.database.roll_back();
  file.head = undo_log.head;
  if (undo_log.options) {
    options = *std::move(undo_log.options);
  }
  if (undo_log.leases) {
    leases = *std::move(undo_log.leases);
  }
  if (undo_log.all_seen) {
    seen = *std::move(undo_log.all_seen);
    live = *std::move(undo_log.all_live);
  }
  const auto counted = std::exchange(undo_log.live, {});
  for (const auto& [type, is_more] : counted) {
    count_live(type, !is_more);
  }
  for (const auto& [id, before] : undo_log.seen | std::views::reverse) {
    if (before) {
      seen[id] = *before;
    } else {
      seen.erase(id);
    }
  }
}

void SqliteStore::Native::remember(const crypto::BlindId& id, std::optional<Seen> now) {
  const auto found = seen.find(id);
  undo_log.seen.emplace_back(id, found == seen.end() ? std::nullopt : std::optional(found->second));
  if (now) {
    seen[id] = *now;
  } else {
    seen.erase(id);
  }
}

void SqliteStore::Native::count_live(const TypeTag& type, bool is_more) {
  undo_log.live.emplace_back(type, is_more);
  std::uint64_t& count = live[type];
  count += is_more ? 1 : std::uint64_t{0} - 1;
  if (count == 0) {
    live.erase(type);
  }
}

const TypeOptions* SqliteStore::Native::options_of(std::string_view type) const {
  const auto found = options.find(type);
  return found == options.end() ? nullptr : &found->second;
}

Result<void> SqliteStore::Native::remove_row(const RowPlace& place, bool is_indexed) {
  TRY_OK(
      statements->remove.bind(1, static_cast<std::int64_t>(place.version)).bind(2, place.id).run());
  file.head.sum.toggle(file.seal.row_term(place));
  if (!place.is_deleted) {
    count_live(place.type, false);
  }
  return is_indexed ? remove_entries(place.version) : Result<void>();
}

Result<bool> SqliteStore::Native::add_entries(const Record& record) {
  const std::vector<IndexEntry> entries = index_entries(record, options_of(record.type));
  for (const IndexEntry& entry : entries) {
    const crypto::BlindId blind = file.seal.blind_entry(record.type, entry);
    SqliteStatement& add = statements->add_entry;
    TRY_OK(add.bind(1, blind).bind(2, static_cast<std::int64_t>(record.version)).run());
    file.head.sum.toggle(file.seal.entry_term(blind, record.version));
  }
  return !entries.empty();
}

// What the version's row was indexed by is read from the table, so that nothing of it is left
// whatever the options are by now.
Result<void> SqliteStore::Native::remove_entries(std::uint64_t version) {
  SqliteStatement& rows = statements->entries_of;
  const SqliteStatement::ResetOnExit reset(rows);
  rows.bind(1, static_cast<std::int64_t>(version));
  for (;;) {
    TRY(const bool is_row, rows.step());
    if (!is_row) {
      break;
    }
    crypto::BlindId entry{};
    if (rows.blob(0).size() != entry.size()) {
      return fail_stale();
    }
    std::ranges::copy(rows.blob(0), entry.begin());
    file.head.sum.toggle(file.seal.entry_term(entry, version));
  }
  return statements->remove_entries.bind(1, static_cast<std::int64_t>(version)).run();
}

Result<void> SqliteStore::Native::reindex(std::string_view type) {
  const TypeTag tag = file.seal.type_tag(type);
  std::uint64_t after = 0;
  for (;;) {
    statements->list.bind(1, tag)
        .bind(2, static_cast<std::int64_t>(after))
        .bind(3, static_cast<std::int64_t>(kReindexPage));
    TRY(const auto records, read_rows(statements->list));
    if (records.empty()) {
      return {};
    }
    for (const Record& record : records) {
      const crypto::BlindId id = file.seal.blind_id(record.type, record.id);
      Seen now = seen.find(id)->second;
      if (now.is_indexed) {
        TRY_OK(remove_entries(record.version));
      }
      TRY(now.is_indexed, add_entries(record));
      remember(id, now);
    }
    after = records.back().version;
  }
}

Result<void> SqliteStore::Native::replace_note(std::string_view name,
                                               std::string_view before,
                                               std::string_view after) {
  const Bytes sealed = file.seal.seal_note(name, as_bytes(after));
  TRY_OK(statements->set_note.bind_text(1, name).bind(2, sealed).run());
  for (const std::string_view note : {before, after}) {
    if (!note.empty()) {
      file.head.sum.toggle(file.seal.note_term(name, note));
    }
  }
  return {};
}

Result<void> SqliteStore::Native::set_options(std::string_view type,
                                              const TypeOptions& replacement) {
  const auto found = options.find(type);
  const TypeOptions before = found == options.end() ? TypeOptions() : found->second;
  if (found == options.end() && !replacement.empty() && options.size() >= kTypesWithOptionsMax) {
    return fail(ErrorKind::ResourceExhausted, "options: too many types have some");
  }
  undo_log.options = options;
  if (!replacement.empty()) {
    options.insert_or_assign(std::string(type), replacement);
  } else if (found != options.end()) {
    options.erase(found);
  }
  TRY_OK(replace_note(kOptionsNote, encode_options(*undo_log.options), encode_options(options)));
  return before.indexable_fields == replacement.indexable_fields ? Result<void>() : reindex(type);
}

Result<void> SqliteStore::Native::replace_leases(LeaseTable replacement) {
  undo_log.leases = std::exchange(leases, std::move(replacement));
  return replace_note(kLeasesNote, undo_log.leases->encode(), leases.encode());
}

Result<void> SqliteStore::Native::clear() {
  TRY_OK(file.database.execute("DELETE FROM records; DELETE FROM index_entries"));
  undo_log.all_seen = std::exchange(seen, {});
  undo_log.all_live = std::exchange(live, {});
  undo_log.options = std::exchange(options, {});
  file.head.sum = {};
  file.head.sum.toggle(file.seal.keys_term());
  if (const std::string note = leases.encode(); !note.empty()) {
    file.head.sum.toggle(file.seal.note_term(kLeasesNote, note));
  }
  TRY_OK(replace_note(kOptionsNote, "", ""));
  const std::uint64_t before = file.head.state.server_version;
  std::uint64_t& version = file.head.state.server_version;
  for (version = 0; version == 0 || version == before;) {
    version = entropy.next_u64();
  }
  file.head.state.pruned_version = file.head.state.latest_version;
  return {};
}

template <class F>
std::invoke_result_t<F&> SqliteStore::Native::transact(F change) {
  TRY_OK(begin());
  auto result = change();
  if (result) {
    if (auto done = finish(); !done) {
      result = fail(std::move(done).error());
    }
  }
  if (!result) {
    undo();
  }
  return result;
}

Result<void> SqliteStore::Native::insert_row(const RowPlace& place, const Record& record) {
  const Bytes sealed = file.seal.seal(place, record);
  SqliteStatement& insert = statements->insert;
  insert.bind(1, static_cast<std::int64_t>(place.version)).bind(2, place.id).bind(3, place.type);
  if (record.deleted_at) {
    insert.bind(4, unix_millis(*record.deleted_at));
  } else {
    insert.bind_null(4);
  }
  TRY_OK(insert.bind(5, sealed).run());
  file.head.sum.toggle(file.seal.row_term(place));
  if (!place.is_deleted) {
    count_live(place.type, true);
  }
  return {};
}

// The outer failure is the disk's, and fails the whole transaction; the inner one is this batch's.
Result<BatchOutcome> SqliteStore::Native::apply(Batch batch, WallTime now) {
  for (const Write& write : batch) {
    if (write.fence) {
      if (auto held = leases.check(*write.fence, now); !held) {
        return BatchOutcome(fail(std::move(held).error()));
      }
    }
    if (!write.expected_version) {
      continue;
    }
    const auto found = seen.find(file.seal.blind_id(write.type, write.id));
    const bool is_live = found != seen.end() && !found->second.is_deleted;
    if ((is_live ? found->second.version : 0) != *write.expected_version) {
      return BatchOutcome(fail(ErrorKind::Conflict, "record: it is not at the expected version"));
    }
  }
  std::vector<Record> written;
  written.reserve(batch.size());
  for (Write& write : batch) {
    TRY(auto record, apply(std::move(write), now));
    written.push_back(std::move(record));
  }
  return BatchOutcome(std::move(written));
}

Result<Record> SqliteStore::Native::apply(Write write, WallTime now) {
  Record record{.type = std::move(write.type),
                .id = std::move(write.id),
                .value = {},
                .version = ++file.head.state.latest_version,
                .modified_at = now,
                .deleted_at = std::nullopt};
  if (write.value) {
    record.value = *std::move(write.value);
  } else {
    record.deleted_at = now;
  }
  const RowPlace place = file.seal.place_of(record);
  if (const auto found = seen.find(place.id); found != seen.end()) {
    TRY_OK(remove_row({.id = place.id,
                       .type = place.type,
                       .version = found->second.version,
                       .is_deleted = found->second.is_deleted},
                      found->second.is_indexed));
  }
  TRY_OK(insert_row(place, record));
  TRY(const bool is_indexed, add_entries(record));
  remember(
      place.id,
      Seen{.version = place.version, .is_deleted = place.is_deleted, .is_indexed = is_indexed});
  return record;
}

Result<std::vector<Record>> SqliteStore::Native::read_rows(SqliteStatement& rows) {
  const SqliteStatement::ResetOnExit reset(rows);
  std::vector<Record> records;
  for (;;) {
    TRY(const bool is_row, rows.step());
    if (!is_row) {
      return records;
    }
    const auto read = [&]() -> Result<Record> {
      TRY(const RowPlace place, place_of_row(rows));
      const auto found = seen.find(place.id);
      if (found == seen.end() || found->second.version != place.version) {
        return fail_stale();
      }
      return file.seal.open(place, rows.blob(4));
    };
    Result<Record> record = read();
    if (!record) {
      return fail(std::move(record).error().with_context("vallum.db, record " +
                                                         std::to_string(rows.integer(0))));
    }
    records.push_back(*std::move(record));
  }
}

Result<std::size_t> SqliteStore::Native::prune(std::int64_t deleted_before_ms) {
  std::vector<RowPlace> places;
  SqliteStatement& rows = statements->old_tombstones;
  const SqliteStatement::ResetOnExit reset(rows);
  rows.bind(1, deleted_before_ms).bind(2, std::int64_t{1000});
  for (;;) {
    TRY(const bool is_row, rows.step());
    if (!is_row) {
      break;
    }
    TRY(const RowPlace place, place_of_row(rows));
    places.push_back(place);
  }
  for (const RowPlace& place : places) {
    const auto found = seen.find(place.id);
    if (found == seen.end() || found->second.version != place.version ||
        !found->second.is_deleted) {
      return fail_stale();
    }
    TRY_OK(remove_row(place, found->second.is_indexed));
    remember(place.id, std::nullopt);
    file.head.state.pruned_version = std::max(file.head.state.pruned_version, place.version);
  }
  return places.size();
}

SqliteStore::SqliteStore(std::unique_ptr<Native> native) : native_(std::move(native)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const SqliteOptions& options,
                                                       const crypto::KeyEncryptionKeys& keys,
                                                       Entropy& entropy) {
  TRY(auto file, open_sqlite_file(options.directory, keys, options.now, entropy));
  auto native = std::make_unique<Native>(std::move(file), keys.clone(), entropy);
  TRY_OK(native->prepare());
  TRY_OK(native->load_seen());
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(native)));
}

StoreState SqliteStore::state() const {
  return native_->file.head.state;
}

Result<std::vector<BatchOutcome>> SqliteStore::commit(std::vector<Batch> batches, WallTime now) {
  return native_->transact([&]() -> Result<std::vector<BatchOutcome>> {
    std::vector<BatchOutcome> outcomes;
    outcomes.reserve(batches.size());
    for (Batch& batch : batches) {
      TRY(auto outcome, native_->apply(std::move(batch), now));
      outcomes.push_back(std::move(outcome));
    }
    return outcomes;
  });
}

Result<Record> SqliteStore::get(const RecordKey& key) {
  const auto found = native_->seen.find(native_->file.seal.blind_id(key.type, key.id));
  if (found == native_->seen.end() || found->second.is_deleted) {
    return fail(ErrorKind::NotFound, "record not found");
  }
  SqliteStatement& row = native_->statements->get;
  row.bind(1, static_cast<std::int64_t>(found->second.version));
  TRY(auto records, native_->read_rows(row));
  // Whatever stands in that row opened as what it claims to be; it must also be what was asked for.
  if (records.size() != 1 || records.front().key() != key) {
    return fail_stale();
  }
  return std::move(records.front());
}

Result<std::vector<Record>> SqliteStore::list(std::string_view type, Page page) {
  const TypeTag tag = native_->file.seal.type_tag(type);
  SqliteStatement& rows = native_->statements->list;
  rows.bind(1, tag)
      .bind(2, static_cast<std::int64_t>(page.after_version))
      .bind(3, static_cast<std::int64_t>(page.records_max));
  return native_->read_rows(rows);
}

Result<std::vector<Record>> SqliteStore::changes(Page page) {
  if (page.after_version < native_->file.head.state.pruned_version) {
    return fail(ErrorKind::Conflict, "changes: that version is too old");
  }
  SqliteStatement& rows = native_->statements->changes;
  rows.bind(1, static_cast<std::int64_t>(page.after_version))
      .bind(2, static_cast<std::int64_t>(page.records_max));
  return native_->read_rows(rows);
}

Result<std::vector<Record>> SqliteStore::find(std::string_view type,
                                              const std::vector<IndexEntry>& any_of,
                                              Page page) {
  std::set<std::uint64_t> versions;
  SqliteStatement& rows = native_->statements->find_entry;
  for (const IndexEntry& entry : any_of) {
    const SqliteStatement::ResetOnExit reset(rows);
    const crypto::BlindId blind = native_->file.seal.blind_entry(type, entry);
    rows.bind(1, blind)
        .bind(2, static_cast<std::int64_t>(page.after_version))
        .bind(3, static_cast<std::int64_t>(page.records_max));
    for (;;) {
      TRY(const bool is_row, rows.step());
      if (!is_row) {
        break;
      }
      versions.insert(static_cast<std::uint64_t>(rows.integer(0)));
    }
  }
  std::vector<Record> records;
  for (const std::uint64_t version : versions) {
    if (records.size() == page.records_max) {
      break;
    }
    SqliteStatement& row = native_->statements->get;
    row.bind(1, static_cast<std::int64_t>(version));
    TRY(auto found, native_->read_rows(row));
    if (found.size() != 1 || found.front().type != type) {
      return fail_stale();
    }
    records.push_back(std::move(found.front()));
  }
  return records;
}

// Names stand in sealed values only, so one record of each type is opened.
Result<std::vector<std::string>> SqliteStore::types() {
  std::vector<std::string> types;
  types.reserve(native_->live.size());
  for (const auto& [tag, count] : native_->live) {
    SqliteStatement& rows = native_->statements->list;
    rows.bind(1, tag).bind(2, std::int64_t{0}).bind(3, std::int64_t{1});
    TRY(auto records, native_->read_rows(rows));
    if (records.empty()) {
      return fail_stale();
    }
    types.push_back(std::move(records.front().type));
  }
  std::ranges::sort(types);
  return types;
}

Result<std::uint64_t> SqliteStore::count(std::string_view type) {
  const auto found = native_->live.find(native_->file.seal.type_tag(type));
  return found == native_->live.end() ? 0 : found->second;
}

Result<std::size_t> SqliteStore::prune_tombstones(WallTime deleted_before) {
  return native_->transact([&] { return native_->prune(unix_millis(deleted_before)); });
}

Result<OptionsByType> SqliteStore::options() {
  return native_->options;
}

Result<void> SqliteStore::set_options(std::string_view type, const TypeOptions& options) {
  return native_->transact([&] { return native_->set_options(type, options); });
}

Result<Lease> SqliteStore::acquire_lease(std::string_view name,
                                         std::string_view id,
                                         Duration duration,
                                         WallTime now) {
  LeaseTable leases = native_->leases;
  TRY(auto lease, leases.acquire(std::string(name), std::string(id), duration, now));
  TRY_OK(native_->transact([&] { return native_->replace_leases(std::move(leases)); }));
  return lease;
}

Result<Lease> SqliteStore::renew_lease(std::string_view name,
                                       std::string_view id,
                                       Duration duration,
                                       WallTime now) {
  LeaseTable leases = native_->leases;
  TRY(auto lease, leases.renew(name, id, duration, now));
  TRY_OK(native_->transact([&] { return native_->replace_leases(std::move(leases)); }));
  return lease;
}

Result<void> SqliteStore::release_lease(std::string_view name, std::string_view id) {
  LeaseTable leases = native_->leases;
  if (!leases.release(name, id)) {
    return {};
  }
  return native_->transact([&] { return native_->replace_leases(std::move(leases)); });
}

Result<void> SqliteStore::clear() {
  return native_->transact([&] { return native_->clear(); });
}

KeysAtRest* SqliteStore::keys_at_rest() {
  return &native_->keys;
}

}  // namespace vallum::databroker
