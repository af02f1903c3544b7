#include "databroker/store/sqlite_store.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ranges>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "databroker/store/sqlite_file.h"

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
};

using SeenRows = std::unordered_map<crypto::BlindId, Seen, BlindHash>;

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
  explicit Native(SqliteFile opened) : file(std::move(opened)) {}

  struct Statements {
    SqliteStatement insert;
    SqliteStatement remove;
    SqliteStatement get;
    SqliteStatement list;
    SqliteStatement changes;
    SqliteStatement old_tombstones;
    SqliteStatement set_head;
  };

  Result<void> prepare();
  Result<void> load_seen();

  Result<BatchOutcome> apply(Batch batch, WallTime now);
  Result<Record> apply(Write write, WallTime now);
  Result<void> remove_row(const RowPlace& place);
  Result<void> insert_row(const RowPlace& place, const Record& record);
  void remember(const crypto::BlindId& id, std::optional<Seen> now);

  Result<void> begin();
  Result<void> finish();
  void undo();

  Result<RowPlace> place_of_row(SqliteStatement& row) const;
  Result<std::vector<Record>> read_rows(SqliteStatement& rows);
  Result<std::size_t> prune(std::int64_t deleted_before_ms);

  SqliteFile file;
  std::optional<Statements> statements;
  SeenRows seen;

  // What the open transaction changed in memory, to be put back if it fails.
  struct Undo {
    Head head;
    std::vector<std::pair<crypto::BlindId, std::optional<Seen>>> seen;
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
  statements.emplace(std::move(insert),
                     std::move(remove),
                     std::move(get),
                     std::move(list),
                     std::move(changes),
                     std::move(old),
                     std::move(set_head));
  return {};
}

// Reads where every row stands and compares with the sealed sum. Values stay unread: each is
// checked when it is asked for.
Result<void> SqliteStore::Native::load_seen() {
  TRY(auto rows, file.database.prepare("SELECT version, id, type, deleted_at FROM records"));
  RowSum sum;
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
    seen.emplace(place->id, Seen{.version = place->version, .is_deleted = place->is_deleted});
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
  undo_log = {.head = file.head, .seen = {}};
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

Result<void> SqliteStore::Native::remove_row(const RowPlace& place) {
  TRY_OK(
      statements->remove.bind(1, static_cast<std::int64_t>(place.version)).bind(2, place.id).run());
  file.head.sum.toggle(file.seal.row_term(place));
  return {};
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
  return {};
}

// The outer failure is the disk's, and fails the whole transaction; the inner one is this batch's.
Result<BatchOutcome> SqliteStore::Native::apply(Batch batch, WallTime now) {
  for (const Write& write : batch) {
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
                       .is_deleted = found->second.is_deleted}));
  }
  TRY_OK(insert_row(place, record));
  remember(place.id, Seen{.version = place.version, .is_deleted = place.is_deleted});
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
    TRY_OK(remove_row(place));
    remember(place.id, std::nullopt);
    file.head.state.pruned_version = std::max(file.head.state.pruned_version, place.version);
  }
  return places.size();
}

SqliteStore::SqliteStore(std::unique_ptr<Native> native) : native_(std::move(native)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const SqliteOptions& options,
                                                       const Secret& shared_secret,
                                                       Entropy& entropy) {
  TRY(auto file, open_sqlite_file(options.directory, shared_secret, entropy));
  auto native = std::make_unique<Native>(std::move(file));
  TRY_OK(native->prepare());
  TRY_OK(native->load_seen());
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(native)));
}

StoreState SqliteStore::state() const {
  return native_->file.head.state;
}

Result<std::vector<BatchOutcome>> SqliteStore::commit(std::vector<Batch> batches, WallTime now) {
  TRY_OK(native_->begin());
  const auto apply_all = [&]() -> Result<std::vector<BatchOutcome>> {
    std::vector<BatchOutcome> outcomes;
    outcomes.reserve(batches.size());
    for (Batch& batch : batches) {
      TRY(auto outcome, native_->apply(std::move(batch), now));
      outcomes.push_back(std::move(outcome));
    }
    TRY_OK(native_->finish());
    return outcomes;
  };
  auto outcomes = apply_all();
  if (!outcomes) {
    native_->undo();
  }
  return outcomes;
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

Result<std::size_t> SqliteStore::prune_tombstones(WallTime deleted_before) {
  TRY_OK(native_->begin());
  const auto prune = [&]() -> Result<std::size_t> {
    TRY(const std::size_t pruned, native_->prune(unix_millis(deleted_before)));
    TRY_OK(native_->finish());
    return pruned;
  };
  auto pruned = prune();
  if (!pruned) {
    native_->undo();
  }
  return pruned;
}

}  // namespace vallum::databroker
