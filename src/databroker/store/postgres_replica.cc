#include "databroker/store/postgres_replica.h"

#include <algorithm>
#include <array>
#include <utility>

#include "databroker/store/postgres_schema.h"

namespace vallum::databroker {
namespace {

// A data set that others keep changing in ways we cannot follow is not waited for any longer.
constexpr int kAttempts = 3;

Unexpected fail_moving() {
  return fail(ErrorKind::Unavailable,
              "postgres: the data set is being replaced, or sessions keep ending; try again");
}

Result<std::string> open_note(RowSeal& seal, std::string_view name, ByteView sealed) {
  if (sealed.empty()) {
    return std::string();
  }
  const auto plain = seal.open_note(name, sealed);
  if (!plain) {
    return fail(ErrorKind::Internal,
                "vallum.notes: '" + std::string(name) + "' was altered; restore a backup");
  }
  return std::string(as_text(*plain));
}

}  // namespace

Unexpected fail_altered_database() {
  return fail(ErrorKind::Internal,
              "schema vallum: a record was added, removed, altered or put back to an earlier state "
              "outside of Vallum; restore a backup, or drop the schema to begin without sessions");
}

std::optional<RowPlace> place_of_row(const PostgresRows& rows, std::size_t row) {
  RowPlace place;
  const auto version = rows.integer(row, 0);
  const ByteView id = rows.bytes(row, 1);
  const ByteView type = rows.bytes(row, 2);
  if (!version || *version <= 0 || id.size() != place.id.size() ||
      type.size() != place.type.size()) {
    return std::nullopt;
  }
  place.version = static_cast<std::uint64_t>(*version);
  std::ranges::copy(id, place.id.begin());
  std::ranges::copy(type, place.type.begin());
  place.is_deleted = !rows.is_null(row, 3);
  return place;
}

Result<OpenedRows> open_rows(const PostgresReplica& replica,
                             RowSeal& seal,
                             const PostgresRows& rows) {
  OpenedRows opened;
  for (std::size_t row = 0; row < rows.count(); ++row) {
    const auto place = place_of_row(rows, row);
    if (!place || replica.place_seen(place->id) != place ||
        !seal.ring().knows_key_of(rows.bytes(row, 4))) {
      opened.stale_version = place ? place->version : 0;
      return opened;
    }
    auto record = seal.open(*place, rows.bytes(row, 4));
    if (!record) {
      return fail(
          record.error().with_context("vallum.records, version " + std::to_string(place->version)));
    }
    opened.records.push_back(*std::move(record));
  }
  return opened;
}

PostgresReplica::PostgresReplica(Parts parts)
    : link_(std::move(parts.link)),
      seal_(std::move(parts.seal)),
      keys_(std::move(parts.keys)),
      entropy_(parts.entropy),
      log_(parts.log),
      known_(SeenRows(seal_), std::move(parts.wrapped_keys)) {
  std::array<std::byte, 16> name{};
  entropy_.fill(name);
  node_ = to_hex(name);
}

bool PostgresReplica::drop_if_lost(const Error& error) {
  const bool was_lost = link_.drop_if_lost();
  if (was_lost) {
    log_.warn("the session with the database was lost",
              {{"database", link_.place()}, {"error", error.message()}});
  }
  return was_lost;
}

Unexpected PostgresReplica::give_up(const Error& error) {
  drop_if_lost(error);
  // What was allowed at the start is not the caller's mistake later.
  const bool is_ours =
      error.kind() == ErrorKind::InvalidInput || error.kind() == ErrorKind::Conflict;
  Error named = error.with_context(link_.place());
  return is_ours ? fail(ErrorKind::Internal, std::string(named.message())) : fail(std::move(named));
}

Result<PostgresConnection*> PostgresReplica::session(Attempt attempt) {
  return attempt == Attempt::Now ? link_.get_now() : link_.get();
}

void PostgresReplica::queue_sight(PostgresConnection& connection, std::uint64_t after) const {
  connection.run("head");
  connection.run("places",
                 PostgresParameters().add(static_cast<std::int64_t>(after)).add(kPlacesPerPage));
}

// Unwraps only what is another than before.
Result<void> PostgresReplica::take_keys(Sight& sight, const PostgresRows& head) {
  const ByteView wrapped = head.bytes(0, 5);
  sight.wrapped_keys.assign(wrapped.begin(), wrapped.end());
  if (sight.wrapped_keys == wrapped_keys()) {
    return {};
  }
  auto ring = unwrap_ring(keys_, link_.deployment(), wrapped);
  if (!ring) {
    return fail(ErrorKind::Internal, "schema vallum: " + std::string(ring.error().message()));
  }
  sight.ring.emplace(*std::move(ring));
  return {};
}

// What the head and the notes add up to beside the rows.
RowSum PostgresReplica::sum_of_notes(const Sight& sight) {
  RowSum sum = sight.notes.terms(seal_);
  sum.toggle(sight.ring ? seal_.keys_term(*sight.ring) : seal_.keys_term());
  return sum;
}

Result<void> PostgresReplica::take_sealed(Sight& sight, RowSeal& seal, const PostgresRows& head) {
  const ByteView sealed = head.bytes(0, 0);
  sight.sealed_head.assign(sealed.begin(), sealed.end());
  TRY(sight.head, open_head(seal, sealed));
  return take_notes(sight, seal, head);
}

// Opens and reads only what is another than before.
Result<void> PostgresReplica::take_notes(Sight& sight, RowSeal& seal, const PostgresRows& head) {
  const auto bytes_of = [&head](int column) {
    const ByteView bytes = head.bytes(0, column);
    return Bytes(bytes.begin(), bytes.end());
  };
  sight.notes = notes_;
  sight.sealed_options = bytes_of(2);
  sight.sealed_leases = bytes_of(3);
  if (sight.sealed_options != sealed_options_) {
    TRY(sight.notes.options_text, open_note(seal, kOptionsNoteName, sight.sealed_options));
    TRY(sight.notes.options, decode_options(sight.notes.options_text));
  }
  if (sight.sealed_leases != sealed_leases_) {
    TRY(sight.notes.leases_text, open_note(seal, kLeasesNoteName, sight.sealed_leases));
    TRY(sight.notes.leases, LeaseTable::decode(sight.notes.leases_text));
  }
  const std::int64_t micros = head.integer(0, 4).value_or(0);
  database_time_ = WallTime(std::chrono::microseconds(micros));
  return {};
}

Result<PostgresReplica::SeenPlace> PostgresReplica::take_place(const PostgresRows& rows,
                                                               std::size_t row,
                                                               const Head& head) {
  const auto place = place_of_row(rows, row);
  ByteView entries = rows.bytes(row, 4);
  crypto::BlindId entry{};
  if (!place || place->version > head.state.latest_version || entries.size() % entry.size() != 0) {
    return fail_altered_database();
  }
  SeenPlace seen{.place = *place, .entries = {}};
  for (; !entries.empty(); entries = entries.subspan(entry.size())) {
    std::ranges::copy(entries.first(entry.size()), entry.begin());
    seen.entries.toggle(seal_.entry_term(entry, place->version));
  }
  return seen;
}

// Reads on while a page was full, in the same transaction.
Result<PostgresReplica::Sight> PostgresReplica::take_sight(PostgresConnection& connection,
                                                           const PostgresRows& head,
                                                           const PostgresRows& places) {
  if (head.count() != 1 || as_text(head.bytes(0, 1)) != postgres_schema_version()) {
    return fail(ErrorKind::Unavailable,
                "schema vallum is no longer the one this version of Vallum knows: start the "
                "version that changed it");
  }
  Sight sight;
  TRY_OK(take_keys(sight, head));
  if (sight.ring) {
    RowSeal by_new_keys(sight.ring->clone(), entropy_);
    TRY_OK(take_sealed(sight, by_new_keys, head));
  } else {
    TRY_OK(take_sealed(sight, seal_, head));
  }
  const auto take = [this, &sight](const PostgresRows& page) -> Result<bool> {
    for (std::size_t row = 0; row < page.count(); ++row) {
      TRY(const SeenPlace seen, take_place(page, row, sight.head));
      sight.rows.push_back(seen);
    }
    return page.count() == static_cast<std::size_t>(kPlacesPerPage);
  };
  TRY(bool is_more, take(places));
  while (is_more) {
    const auto after = static_cast<std::int64_t>(sight.rows.back().place.version);
    connection.run("places", PostgresParameters().add(after).add(kPlacesPerPage));
    TRY(const auto answers, connection.finish());
    TRY(is_more, take(answers[0]));
  }
  return sight;
}

// Returns false when what was seen cannot be what is known and then what was written after it. Then
// seen() may hold some newer rows, which reload() does not mind.
bool PostgresReplica::adopt(Sight sight) {
  const StoreState& now = sight.head.state;
  const StoreState& known = head_.state;
  if (now.server_version != known.server_version || now.latest_version < known.latest_version ||
      now.pruned_version < known.pruned_version || now.pruned_version > known.latest_version) {
    return false;
  }
  known_.change([&](Known& known_rows) {
    for (const SeenPlace& seen : sight.rows) {
      known_rows.seen.put(seen.place, seen.entries);
    }
    known_rows.seen.drop_tombstones(now.pruned_version);
  });
  RowSum sum = seen().sum();
  sum.toggle(sum_of_notes(sight));
  if (sum != sight.head.sum) {
    return false;
  }
  take_over(std::move(sight));
  return true;
}

void PostgresReplica::take_over(Sight sight) {
  head_ = sight.head;
  sealed_head_ = std::move(sight.sealed_head);
  notes_ = std::move(sight.notes);
  sealed_options_ = std::move(sight.sealed_options);
  sealed_leases_ = std::move(sight.sealed_leases);
  if (sight.ring) {
    take_ring(*std::move(sight.ring), std::move(sight.wrapped_keys));
  }
}

void PostgresReplica::take_ring(crypto::KeyRing ring, Bytes wrapped_keys) {
  seal_.replace_ring(std::move(ring));
  known_.change([&](Known& known) { known.wrapped_keys = std::move(wrapped_keys); });
}

void PostgresReplica::take_seen(SeenRows seen) {
  known_.change([&](Known& known) { known.seen.replace_by(std::move(seen)); });
}

std::optional<RowPlace> PostgresReplica::place_seen(const crypto::BlindId& id) const {
  return known_.look([&](const Known& known) { return known.seen.find(id); });
}

Bytes PostgresReplica::wrapped_keys_seen() const {
  return known_.look([](const Known& known) { return known.wrapped_keys; });
}

Result<void> PostgresReplica::load() {
  TRY(PostgresConnection* const connection, link_.get());
  auto loaded = reload(*connection);
  if (!loaded) {
    return give_up(loaded.error());
  }
  return {};
}

// Reads where every row stands and compares with the sealed sum, and with what was known. Values
// stay unread: each is checked when it is asked for.
Result<void> PostgresReplica::reload(PostgresConnection& connection) {
  connection.run("look");
  queue_sight(connection, 0);
  TRY(const auto answers, connection.finish());
  auto sight = take_sight(connection, answers[1], answers[2]);
  roll_back(connection);
  if (!sight) {
    return fail(sight.error());
  }
  SeenRows fresh(seal_);
  for (const SeenPlace& seen : sight->rows) {
    fresh.put(seen.place, seen.entries);
  }
  const StoreState& now = sight->head.state;
  RowSum sum = fresh.sum();
  sum.toggle(sum_of_notes(*sight));
  if (sum != sight->head.sum) {
    return fail_altered_database();
  }
  const bool is_same_data_set = now.server_version == head_.state.server_version;
  if (is_same_data_set && !seen().may_become(head_.state, fresh, now)) {
    return renew(connection, std::move(fresh), *std::move(sight));
  }
  take_seen(std::move(fresh));
  take_over(*std::move(sight));
  return {};
}

// The data set went back to an earlier state: what anybody read of it since is not to be relied on.
Result<void> PostgresReplica::renew(PostgresConnection& connection, SeenRows fresh, Sight sight) {
  connection.run("begin");
  connection.run("lock");
  connection.run("head");
  const auto renewed = [&]() -> Result<void> {
    TRY(const auto answers, connection.finish());
    if (answers[2].count() != 1 || !std::ranges::equal(answers[2].bytes(0, 0), sight.sealed_head)) {
      return fail_moving();  // another node was quicker
    }
    Head& head = sight.head;
    do {
      head.state.server_version = entropy_.next_u64();
    } while (head.state.server_version == 0);
    // No version means two things, not even to who looks at the number alone.
    head.state.latest_version = std::max(head.state.latest_version, head_.state.latest_version);
    if (sight.ring) {
      take_ring(sight.ring->clone(), sight.wrapped_keys);
    }
    const Bytes sealed = seal_head(seal_, head);
    connection.run("set_head", PostgresParameters().add(sealed));
    connection.run("tell", PostgresParameters().add_text(node_));
    connection.run("patience");
    connection.run("commit");
    TRY_OK(connection.finish());
    sight.sealed_head = sealed;
    return {};
  };
  const std::uint64_t version = sight.head.state.latest_version;
  if (const auto done = renewed(); !done) {
    roll_back(connection);
    return done;
  }
  log_.error(
      "the database went back to an earlier state (a standby was promoted, or a backup restored): "
      "changes were lost, and every node reads everything again",
      {{"database", link_.place()},
       {"version", version},
       {"version_seen_before", head_.state.latest_version}});
  take_seen(std::move(fresh));
  take_over(std::move(sight));
  return {};
}

Result<PostgresConnection*> PostgresReplica::begin_write(Attempt attempt) {
  for (int i = 0; i < kAttempts; ++i) {
    TRY(PostgresConnection* const connection, session(attempt));
    connection->run("begin");
    connection->run("lock");
    queue_sight(*connection, head_.state.latest_version);
    auto answers = connection->finish();
    if (!answers && drop_if_lost(answers.error())) {
      continue;  // idle sessions end when a server restarts; nothing was written
    }
    auto sight = answers ? take_sight(*connection, (*answers)[2], (*answers)[3])
                         : Result<Sight>(fail(answers.error()));
    if (!sight) {
      roll_back(*connection);
      return give_up(sight.error());
    }
    if (adopt(*std::move(sight))) {
      return connection;
    }
    roll_back(*connection);
    if (const auto reloaded = reload(*connection); !reloaded) {
      return give_up(reloaded.error());
    }
  }
  return fail_moving();
}

void PostgresReplica::committed(const PostgresDraft& draft, Bytes sealed_head) {
  SharedNotes notes = draft.notes();  // the draft's may be our own
  if (draft.is_cleared()) {
    take_seen(SeenRows(seal_));
  }
  known_.change([&](Known& known) {
    if (draft.pruned_to()) {
      known.seen.drop_tombstones(*draft.pruned_to());
    }
    for (const PostgresDraft::Row& row : draft.rows()) {
      known.seen.put(row.place, row.entry_terms);
    }
    for (const PostgresDraft::Indexed& row : draft.indexed()) {
      known.seen.put(row.place, row.entry_terms);
    }
  });
  // Read from the database when they are next looked at, whatever their seal is.
  if (draft.has_new_options()) {
    sealed_options_.clear();
  }
  if (draft.has_new_leases()) {
    sealed_leases_.clear();
  }
  if (draft.wrapped_keys()) {
    const crypto::KeyRing& ring = draft.new_seal() ? draft.new_seal()->ring() : seal_.ring();
    take_ring(ring.clone(), *draft.wrapped_keys());
  }
  head_ = draft.head();
  sealed_head_ = std::move(sealed_head);
  notes_ = std::move(notes);
}

Result<PostgresRows> PostgresReplica::read(const char* name, const PostgresParameters& parameters) {
  for (int i = 0; i < kAttempts; ++i) {
    TRY(PostgresConnection* const connection, link_.get());
    connection->run(name, parameters);
    auto answers = connection->finish();
    if (answers) {
      return std::move(answers->front());
    }
    if (!drop_if_lost(answers.error())) {
      return give_up(answers.error());
    }
  }
  return fail_moving();
}

Result<PostgresRows> PostgresReplica::read_in_step(const char* name,
                                                   const PostgresParameters& parameters) {
  for (int i = 0; i < kAttempts; ++i) {
    TRY(PostgresConnection* const connection, link_.get());
    connection->run("look");
    queue_sight(*connection, head_.state.latest_version);
    connection->run(name, parameters);
    auto answers = connection->finish();
    if (!answers && drop_if_lost(answers.error())) {
      continue;
    }
    auto sight = answers ? take_sight(*connection, (*answers)[1], (*answers)[2])
                         : Result<Sight>(fail(answers.error()));
    roll_back(*connection);
    if (!sight) {
      return give_up(sight.error());
    }
    if (adopt(*std::move(sight))) {
      return std::move(answers->back());
    }
    if (const auto reloaded = reload(*connection); !reloaded) {
      return give_up(reloaded.error());
    }
  }
  return fail_moving();
}

Result<void> PostgresReplica::refresh() {
  TRY(const auto head, read("head"));
  if (head.count() == 1 && std::ranges::equal(head.bytes(0, 0), sealed_head_)) {
    return {};
  }
  TRY_OK(read_in_step("head", {}));
  return {};
}

}  // namespace vallum::databroker
