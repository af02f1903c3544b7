#include "databroker/store/postgres_store.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include <poll.h>

#include "databroker/store/backoff.h"
#include "databroker/store/postgres_listener.h"
#include "databroker/store/postgres_replica.h"
#include "databroker/store/postgres_schema.h"

namespace vallum::databroker {
namespace {

// One statement inserts so many rows or bytes, so that a big group is sent while it is sealed.
constexpr std::size_t kRowsPerStatement = 1000;
constexpr std::size_t kBytesPerStatement = 1U << 20;
// Tombstones that one transaction forgets.
constexpr std::int64_t kPrunedAtOnce = 1000;
// A row to be written.
struct DraftRow {
  RowPlace place;
  std::optional<std::int64_t> deleted_at_ms;
  Bytes sealed;
};

// What a group of batches makes of the data set, before any of it is written.
class Draft {
 public:
  Draft(PostgresReplica& replica, WallTime now)
      : replica_(replica), now_(now), head_(replica.head()) {}

  BatchOutcome apply(Batch batch) {
    RowSeal& seal = replica_.seal();
    for (const Write& write : batch) {
      if (!write.expected_version) {
        continue;
      }
      const auto found = find(seal.blind_id(write.type, write.id));
      const bool is_live = found && !found->is_deleted;
      if ((is_live ? found->version : 0) != *write.expected_version) {
        return fail(ErrorKind::Conflict, "record: it is not at the expected version");
      }
    }
    std::vector<Record> written;
    written.reserve(batch.size());
    for (Write& write : batch) {
      written.push_back(apply(std::move(write)));
    }
    return written;
  }

  const Head& head() const { return head_; }
  const std::vector<DraftRow>& rows() const { return rows_; }

 private:
  struct BlindHash {
    std::size_t operator()(const crypto::BlindId& id) const {
      std::size_t hash = 0;
      std::memcpy(&hash, id.data(), sizeof(hash));
      return hash;
    }
  };

  std::optional<RowPlace> find(const crypto::BlindId& id) const {
    const auto found = numbers_.find(id);
    return found == numbers_.end() ? replica_.seen().find(id)
                                   : std::optional(rows_[found->second].place);
  }

  Record apply(Write write) {
    RowSeal& seal = replica_.seal();
    Record record{.type = std::move(write.type),
                  .id = std::move(write.id),
                  .value = {},
                  .version = ++head_.state.latest_version,
                  .modified_at = now_,
                  .deleted_at = std::nullopt};
    if (write.value) {
      record.value = *std::move(write.value);
    } else {
      record.deleted_at = now_;
    }
    const RowPlace place = seal.place_of(record);
    if (const auto before = find(place.id)) {
      head_.sum.toggle(seal.row_term(*before));
    }
    head_.sum.toggle(seal.row_term(place));
    const auto [number, is_new] = numbers_.try_emplace(place.id, rows_.size());
    if (is_new) {
      rows_.emplace_back();
    }
    rows_[number->second] = {
        .place = place,
        .deleted_at_ms = record.deleted_at ? std::optional(unix_millis(now_)) : std::nullopt,
        .sealed = seal.seal(place, record)};
    return record;
  }

  PostgresReplica& replica_;
  WallTime now_;
  Head head_;
  std::vector<DraftRow> rows_;  // the last state of each
  std::unordered_map<crypto::BlindId, std::size_t, BlindHash> numbers_;
};

void queue_rows(PostgresConnection& connection, std::span<const DraftRow> rows) {
  std::vector<std::optional<std::int64_t>> versions;
  std::vector<ByteView> ids;
  std::vector<ByteView> types;
  std::vector<std::optional<std::int64_t>> deleted;
  std::vector<ByteView> values;
  for (const DraftRow& row : rows) {
    versions.emplace_back(static_cast<std::int64_t>(row.place.version));
    ids.emplace_back(row.place.id);
    types.emplace_back(row.place.type);
    deleted.push_back(row.deleted_at_ms);
    values.emplace_back(row.sealed);
  }
  PostgresParameters parameters;
  parameters.add_array(versions).add_array(ids).add_array(types).add_array(deleted).add_array(
      values);
  connection.run("put", parameters);
}

void queue_all_rows(PostgresConnection& connection, std::span<const DraftRow> rows) {
  while (!rows.empty()) {
    std::size_t count = 0;
    std::size_t bytes = 0;
    while (count < rows.size() && count < kRowsPerStatement && bytes < kBytesPerStatement) {
      bytes += rows[count].sealed.size();
      ++count;
    }
    queue_rows(connection, rows.first(count));
    rows = rows.subspan(count);
  }
}

Unexpected fail_stale(std::uint64_t version) {
  return fail(ErrorKind::Internal,
              "vallum.records, version " + std::to_string(version) +
                  ": is not the record last written there; it is not served");
}

Unexpected fail_in_doubt() {
  return fail(ErrorKind::DeadlineExceeded,
              "postgres: the database did not say in time whether the write happened");
}

}  // namespace

struct PostgresStore::Native {
  Native(const Parts& parts, PostgresAddress address, PostgresReplica::Parts replica_parts)
      : clock(parts.clock),
        entropy(parts.entropy),
        commit_questions_max(parts.commit_questions_max),
        address(std::move(address)),
        replica(std::move(replica_parts)) {}

  // Rows that are where they were last seen.
  struct Found {
    std::vector<Record> records;
    // The first one that is not.
    std::optional<std::uint64_t> stale_version;
  };
  Result<Found> take_records(const PostgresRows& rows);
  Result<std::vector<Record>> take_all_records(const PostgresRows& rows);

  void queue_end(PostgresConnection& connection, ByteView sealed_head, ByteView token);
  enum class Written : std::uint8_t {
    Committed,  // the replica has still to be told
    CaughtUp,   // and the replica knows
  };
  Result<Written> end_write(PostgresConnection& connection, ByteView token);
  Result<Written> ask_whether_written(ByteView token);
  Bytes make_token();

  const Clock& clock;
  Entropy& entropy;
  const int commit_questions_max;
  PostgresAddress address;
  PostgresReplica replica;
};

Result<PostgresStore::Native::Found> PostgresStore::Native::take_records(const PostgresRows& rows) {
  Found found;
  for (std::size_t row = 0; row < rows.count(); ++row) {
    const auto place = place_of_row(rows, row);
    const auto known = place ? replica.seen().find(place->id) : std::nullopt;
    if (!place || known != place) {
      found.stale_version = place ? place->version : 0;
      return found;
    }
    auto record = replica.seal().open(*place, rows.bytes(row, 4));
    if (!record) {
      return fail(
          record.error().with_context("vallum.records, version " + std::to_string(place->version)));
    }
    found.records.push_back(*std::move(record));
  }
  return found;
}

// Requires rows that were read in step.
Result<std::vector<Record>> PostgresStore::Native::take_all_records(const PostgresRows& rows) {
  TRY(Found found, take_records(rows));
  if (found.stale_version) {
    return fail_stale(*found.stale_version);
  }
  return std::move(found.records);
}

Bytes PostgresStore::Native::make_token() {
  Bytes token(16);
  entropy.fill(token);
  return token;
}

void PostgresStore::Native::queue_end(PostgresConnection& connection,
                                      ByteView sealed_head,
                                      ByteView token) {
  connection.run("set_head", PostgresParameters().add(sealed_head));
  connection.run("set_token", PostgresParameters().add_text(replica.node()).add(token));
  connection.run("tell", PostgresParameters().add_text(replica.node()));
  // A server that stops waiting for its standby says COMMIT all the same, with a warning.
  connection.run("patience");
  connection.run("commit");
}

Result<PostgresStore::Native::Written> PostgresStore::Native::end_write(
    PostgresConnection& connection, ByteView token) {
  const auto answers = connection.finish();
  if (answers && answers->back().is_tagged("COMMIT")) {
    if (connection.was_warned()) {
      return fail_in_doubt();
    }
    return Written::Committed;
  }
  if (connection.is_usable()) {
    roll_back(connection);
    return replica.give_up(answers ? Error(ErrorKind::Internal, "postgres: it did not commit")
                                   : answers.error());
  }
  return ask_whether_written(token);
}

// The session ended before the answer came. Under the lock the transaction is over, one way or the
// other, and what this node wrote last is in vallum.writers.
Result<PostgresStore::Native::Written> PostgresStore::Native::ask_whether_written(ByteView token) {
  Backoff backoff(entropy.next_u64());
  for (int i = 0; i < commit_questions_max; ++i) {
    replica.link().drop_if_lost();
    const auto connection = replica.begin_write(PostgresReplica::Attempt::Now);
    if (connection) {
      (*connection)->run("token", PostgresParameters().add_text(replica.node()));
      const auto answers = (*connection)->finish();
      roll_back(**connection);
      if (answers) {
        const PostgresRows& row = answers->front();
        if (row.count() == 1 && std::ranges::equal(row.bytes(0, 0), token)) {
          return Written::CaughtUp;
        }
        return fail(ErrorKind::Unavailable, "postgres: the session was lost; nothing was written");
      }
    } else if (connection.error().kind() != ErrorKind::Unavailable) {
      return fail_in_doubt();
    }
    const auto pause = std::chrono::ceil<std::chrono::milliseconds>(backoff.next());
    ::poll(nullptr, 0, static_cast<int>(pause.count()));
  }
  return fail_in_doubt();
}

PostgresStore::PostgresStore(std::unique_ptr<Native> native) : native_(std::move(native)) {}
PostgresStore::~PostgresStore() = default;

Result<std::unique_ptr<PostgresStore>> PostgresStore::open(const Parts& parts) {
  TRY(auto address, PostgresAddress::parse(parts.address));
  PostgresLink link(address.clone(), parts.clock, parts.entropy);
  TRY(PostgresConnection* const connection, link.get());
  auto data_set = open_postgres_tables(*connection, parts.shared_secret, parts.entropy);
  if (!data_set) {
    return fail(data_set.error().with_context(link.place()));
  }
  link.drop();  // the next session finds the tables
  link.expect(data_set->deployment, PostgresLink::Use::Statements);
  auto native = std::make_unique<Native>(parts,
                                         std::move(address),
                                         PostgresReplica::Parts{.link = std::move(link),
                                                                .seal = std::move(data_set->seal),
                                                                .entropy = parts.entropy,
                                                                .log = parts.log});
  TRY_OK(native->replica.load());
  return std::unique_ptr<PostgresStore>(new PostgresStore(std::move(native)));
}

StoreState PostgresStore::state() const {
  return native_->replica.head().state;
}

Result<std::vector<BatchOutcome>> PostgresStore::commit(std::vector<Batch> batches, WallTime now) {
  PostgresReplica& replica = native_->replica;
  TRY(PostgresConnection* const connection, replica.begin_write());
  Draft draft(replica, now);
  std::vector<BatchOutcome> outcomes;
  outcomes.reserve(batches.size());
  for (Batch& batch : batches) {
    outcomes.push_back(draft.apply(std::move(batch)));
  }
  if (draft.rows().empty()) {
    roll_back(*connection);
    return outcomes;
  }
  Bytes sealed_head = seal_head(replica.seal(), draft.head());
  const Bytes token = native_->make_token();
  queue_all_rows(*connection, draft.rows());
  native_->queue_end(*connection, sealed_head, token);
  TRY(const Native::Written written, native_->end_write(*connection, token));
  if (written == Native::Written::Committed) {
    std::vector<RowPlace> places;
    places.reserve(draft.rows().size());
    for (const DraftRow& row : draft.rows()) {
      places.push_back(row.place);
    }
    replica.committed(draft.head(), std::move(sealed_head), places);
  }
  return outcomes;
}

Result<Record> PostgresStore::get(const RecordKey& key) {
  PostgresReplica& replica = native_->replica;
  const crypto::BlindId id = replica.seal().blind_id(key.type, key.id);
  PostgresParameters which;
  which.add(id);
  TRY(PostgresRows rows, replica.read("get", which));
  TRY(Native::Found found, native_->take_records(rows));
  const auto known = replica.seen().find(id);
  const bool is_missing = rows.count() == 0;
  if (found.stale_version || (is_missing && known && !known->is_deleted)) {
    // Another node changed it, or somebody else did.
    TRY(rows, replica.read_in_step("get", which));
    TRY(found.records, native_->take_all_records(rows));
    const auto now_known = replica.seen().find(id);
    if (rows.count() == 0 && now_known && !now_known->is_deleted) {
      return fail_stale(now_known->version);
    }
  }
  if (found.records.empty() || found.records.front().is_deleted()) {
    return fail(ErrorKind::NotFound, "record not found");
  }
  Record& record = found.records.front();
  if (record.key() != key) {
    return fail_stale(record.version);
  }
  return std::move(record);
}

Result<std::vector<Record>> PostgresStore::list(std::string_view type, Page page) {
  PostgresReplica& replica = native_->replica;
  PostgresParameters which;
  which.add(replica.seal().type_tag(type))
      .add(static_cast<std::int64_t>(page.after_version))
      .add(static_cast<std::int64_t>(page.records_max));
  TRY(const PostgresRows rows, replica.read("list", which));
  TRY(Native::Found found, native_->take_records(rows));
  if (!found.stale_version) {
    return std::move(found.records);
  }
  TRY(const PostgresRows rows_in_step, replica.read_in_step("list", which));
  return native_->take_all_records(rows_in_step);
}

Result<std::vector<Record>> PostgresStore::changes(Page page) {
  PostgresReplica& replica = native_->replica;
  PostgresParameters which;
  which.add(static_cast<std::int64_t>(page.after_version))
      .add(static_cast<std::int64_t>(page.records_max));
  TRY(const PostgresRows rows, replica.read_in_step("changes", which));
  if (page.after_version < replica.head().state.pruned_version) {
    return fail(ErrorKind::Conflict, "changes: that version is too old");
  }
  return native_->take_all_records(rows);
}

Result<StoreState> PostgresStore::refresh() {
  TRY_OK(native_->replica.refresh());
  return state();
}

std::unique_ptr<ChangeListener> PostgresStore::listen() {
  PostgresLink link(native_->address.clone(), native_->clock, native_->entropy);
  link.expect(native_->replica.link().deployment(), PostgresLink::Use::Listening);
  auto listener = PostgresListener::create(std::move(link), native_->replica.node());
  return listener ? *std::move(listener) : nullptr;
}

// Forgets all tombstones up to a version, so that the other nodes know which, and none that is
// followed by one that is still needed.
Result<std::size_t> PostgresStore::prune_tombstones(WallTime deleted_before) {
  PostgresReplica& replica = native_->replica;
  PostgresParameters limit;
  limit.add(kPrunedAtOnce);
  const std::int64_t before_ms = unix_millis(deleted_before);
  const auto count_old = [before_ms](const PostgresRows& rows) {
    std::size_t count = 0;
    while (count < rows.count() && rows.integer(count, 1).value_or(before_ms) < before_ms) {
      ++count;
    }
    return count;
  };
  // Most of the time there is nothing to forget, which needs no lock.
  TRY(const PostgresRows candidates, replica.read("tombstones", limit));
  if (count_old(candidates) == 0) {
    return std::size_t{0};
  }
  TRY(PostgresConnection* const connection, replica.begin_write());
  connection->run("tombstones", limit);
  const auto answers = connection->finish();
  if (!answers) {
    roll_back(*connection);
    return replica.give_up(answers.error());
  }
  const PostgresRows& rows = answers->front();
  const std::size_t count = count_old(rows);
  if (count == 0) {
    roll_back(*connection);
    return std::size_t{0};
  }
  const std::int64_t up_to = rows.integer(count - 1, 0).value_or(0);
  TRY(const Head head, replica.head_pruned_to(static_cast<std::uint64_t>(up_to)));
  Bytes sealed_head = seal_head(replica.seal(), head);
  const Bytes token = native_->make_token();
  connection->run("prune", PostgresParameters().add(up_to));
  connection->run("forget_writers", PostgresParameters().add_text(replica.node()));
  native_->queue_end(*connection, sealed_head, token);
  TRY(const Native::Written written, native_->end_write(*connection, token));
  if (written == Native::Written::Committed) {
    replica.committed_prune(head, std::move(sealed_head));
  }
  return count;
}

}  // namespace vallum::databroker
