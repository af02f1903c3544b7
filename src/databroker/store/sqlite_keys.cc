#include "databroker/store/sqlite_keys.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace vallum::databroker {
namespace {

// Sealed notes beside the head.
constexpr std::array<std::string_view, 2> kNotes = {"options", "leases"};

struct Resealed {
  std::uint64_t version;
  Bytes value;
};

Unexpected fail_row(std::uint64_t version, const Error& error) {
  return fail(error.with_context("vallum.db, record " + std::to_string(version)));
}

Result<void> put_note(SqliteDatabase& database, std::string_view name, ByteView value) {
  TRY(auto put,
      database.prepare("INSERT INTO notes (name, value) VALUES (?1, ?2)"
                       " ON CONFLICT (name) DO UPDATE SET value = excluded.value"));
  return put.bind_text(1, name).bind(2, value).run();
}

Bytes active_mark(const RowSeal& seal) {
  return crypto::data_key_mark(seal.ring().data_keys().front().id);
}

}  // namespace

Result<KeyFacts> SqliteKeys::facts() {
  TRY(auto select, file_.database.prepare("SELECT value FROM notes WHERE name = 'keys'"));
  TRY(const bool is_row, select.step());
  if (!is_row) {
    return fail(ErrorKind::Internal, "vallum.db: its keys are gone; restore a backup");
  }
  KeyFacts facts = facts_of(file_.seal.ring(), select.blob(0), keys_);
  select.reset();
  TRY(auto rows,
      file_.database.prepare("SELECT substr(value, 1, 8), count(*) FROM records GROUP BY 1"));
  for (;;) {
    TRY(const bool is_more, rows.step());
    if (!is_more) {
      return facts;
    }
    count_rows(facts, rows.blob(0), static_cast<std::uint64_t>(rows.integer(1)));
  }
}

Result<void> SqliteKeys::write_ring() {
  TRY_OK(put_note(file_.database, "keys", file_.seal.ring().wrap(keys_, entropy_)));
  return put_note(file_.database, "head", seal_head(file_.seal, file_.head));
}

Result<void> SqliteKeys::reseal_notes() {
  for (const std::string_view name : kNotes) {
    TRY(const std::string note, read_sealed_note(file_, name));
    if (!note.empty()) {
      TRY_OK(put_note(file_.database, name, file_.seal.seal_note(name, as_bytes(note))));
    }
  }
  return {};
}

Result<void> SqliteKeys::transact(const std::function<Result<void>()>& change) {
  const Head head_before = file_.head;
  crypto::KeyRing ring_before = file_.seal.ring().clone();
  const auto run = [&]() -> Result<void> {
    TRY_OK(file_.database.execute("BEGIN IMMEDIATE"));
    TRY_OK(change());
    return file_.database.execute("COMMIT");
  };
  auto done = run();
  if (!done) {
    file_.database.roll_back();
    file_.head = head_before;
    file_.seal.replace_ring(std::move(ring_before));
  }
  return done;
}

void SqliteKeys::use_ring(crypto::KeyRing ring) {
  file_.head.sum.toggle(file_.seal.keys_term());
  file_.head.sum.toggle(file_.seal.keys_term(ring));
  file_.seal.replace_ring(std::move(ring));
}

Result<bool> SqliteKeys::begin_rotation(WallTime now) {
  if (file_.seal.ring().data_key_count() > 1) {
    return false;
  }
  crypto::KeyRing next = file_.seal.ring().clone();
  TRY_OK(next.rotate(now, entropy_));
  TRY_OK(transact([&]() -> Result<void> {
    use_ring(std::move(next));
    return write_ring();
  }));
  resealed_up_to_ = 0;
  return true;
}

Result<std::size_t> SqliteKeys::reseal_some() {
  const Bytes active = active_mark(file_.seal);
  TRY(auto rows,
      file_.database.prepare("SELECT version, id, type, deleted_at, value FROM records"
                             " WHERE version > ?1 AND substr(value, 1, 8) <> ?2"
                             " ORDER BY version LIMIT ?3"));
  rows.bind(1, static_cast<std::int64_t>(resealed_up_to_))
      .bind(2, active)
      .bind(3, static_cast<std::int64_t>(kResealedRowsMax));
  std::vector<Resealed> resealed;
  for (std::size_t bytes = 0; bytes < kResealedBytesMax;) {
    TRY(const bool is_row, rows.step());
    if (!is_row) {
      break;
    }
    RowPlace place{.version = static_cast<std::uint64_t>(rows.integer(0)),
                   .is_deleted = !rows.is_null(3)};
    if (rows.blob(1).size() != place.id.size() || rows.blob(2).size() != place.type.size()) {
      return fail_row(place.version, Error(ErrorKind::Internal, "store: a record was altered"));
    }
    std::ranges::copy(rows.blob(1), place.id.begin());
    std::ranges::copy(rows.blob(2), place.type.begin());
    auto value = file_.seal.reseal(place, rows.blob(4));
    if (!value) {
      return fail_row(place.version, value.error());
    }
    bytes += value->size();
    resealed.push_back({.version = place.version, .value = *std::move(value)});
  }
  rows.reset();
  TRY(auto update, file_.database.prepare("UPDATE records SET value = ?1 WHERE version = ?2"));
  for (const Resealed& row : resealed) {
    TRY_OK(update.bind(1, row.value).bind(2, static_cast<std::int64_t>(row.version)).run());
  }
  if (!resealed.empty()) {
    resealed_up_to_ = resealed.back().version;
  }
  return resealed.size();
}

Result<bool> SqliteKeys::is_all_resealed() {
  TRY(auto rows,
      file_.database.prepare("SELECT 1 FROM records WHERE substr(value, 1, 8) <> ?1 LIMIT 1"));
  const Bytes active = active_mark(file_.seal);
  TRY(const bool is_row, rows.bind(1, active).step());
  return !is_row;
}

Result<void> SqliteKeys::retire() {
  return transact([&]() -> Result<void> {
    // While the older keys are known.
    TRY_OK(reseal_notes());
    crypto::KeyRing next = file_.seal.ring().clone();
    next.retire_older();
    use_ring(std::move(next));
    return write_ring();
  });
}

Result<KeysAtRest::Step> SqliteKeys::reseal() {
  if (file_.seal.ring().data_key_count() == 1) {
    return Step{.rows = 0, .is_done = true};
  }
  std::size_t count = 0;
  const std::uint64_t up_to_before = resealed_up_to_;
  const auto done = transact([&]() -> Result<void> {
    TRY(count, reseal_some());
    return {};
  });
  if (!done) {
    resealed_up_to_ = up_to_before;
    return fail(done.error());
  }
  if (count > 0) {
    return Step{.rows = count, .is_done = false};
  }
  TRY(const bool is_all, is_all_resealed());
  if (!is_all) {
    resealed_up_to_ = 0;  // somebody put rows behind our back: they are looked at, too
    return Step{.rows = 0, .is_done = false};
  }
  TRY_OK(retire());
  return Step{.rows = 0, .is_done = true};
}

Result<bool> SqliteKeys::rewrap() {
  TRY(const KeyFacts now, facts());
  if (now.wrapped_by == now.active) {
    return false;
  }
  TRY_OK(transact(
      [&] { return put_note(file_.database, "keys", file_.seal.ring().wrap(keys_, entropy_)); }));
  return true;
}

}  // namespace vallum::databroker
