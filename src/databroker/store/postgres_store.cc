#include "databroker/store/postgres_store.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <poll.h>

#include "databroker/index_entries.h"
#include "databroker/store/backoff.h"
#include "databroker/store/postgres_draft.h"
#include "databroker/store/postgres_listener.h"
#include "databroker/store/postgres_reader.h"
#include "databroker/store/postgres_replica.h"
#include "databroker/store/postgres_schema.h"

namespace vallum::databroker {
namespace {

// So many bytes of sealed values are written by one statement, which the database works at while
// the next ones are sealed. Fewer, and it spends its time on statements rather than on rows.
constexpr std::size_t kBytesPerStatement = 32U << 10U;
// Rows that are indexed again by one statement.
constexpr std::size_t kIndexedPerStatement = 1000;
// Tombstones that one transaction forgets.
constexpr std::int64_t kPrunedAtOnce = 1000;
// Records that are indexed again at a time.
constexpr std::int64_t kRecordsPerIndexing = 500;
// How long it is asked whether a COMMIT happened. Nothing else of the node's is read or written
// meanwhile.
constexpr Duration kCommitQuestionsFor = std::chrono::seconds(10);

void queue_rows(PostgresConnection& connection,
                const char* statement,
                std::span<const PostgresDraft::Insert* const> rows) {
  if (rows.empty()) {
    return;
  }
  std::vector<std::optional<std::int64_t>> versions;
  std::vector<ByteView> ids;
  std::vector<ByteView> types;
  std::vector<std::optional<std::int64_t>> deleted;
  std::vector<ByteView> values;
  std::vector<ByteView> entries;
  for (const PostgresDraft::Insert* row : rows) {
    versions.emplace_back(static_cast<std::int64_t>(row->place.version));
    ids.emplace_back(row->place.id);
    types.emplace_back(row->place.type);
    deleted.push_back(row->deleted_at_ms);
    values.emplace_back(row->sealed);
    entries.emplace_back(row->entries);
  }
  PostgresParameters parameters;
  parameters.add_array(versions).add_array(ids).add_array(types).add_array(deleted);
  parameters.add_array(values).add_array(entries);
  connection.run(statement, parameters);
}

// Nothing is lost if the transaction is taken back.
void send_inserts(PostgresConnection& connection, PostgresDraft& draft) {
  const std::vector<PostgresDraft::Insert> inserts = draft.take_inserts();
  std::vector<const PostgresDraft::Insert*> added;
  std::vector<const PostgresDraft::Insert*> replaced;
  for (const PostgresDraft::Insert& row : inserts) {
    (row.is_new ? added : replaced).push_back(&row);
  }
  queue_rows(connection, "add", added);
  queue_rows(connection, "put", replaced);
  connection.send();
}

void queue_indexing(PostgresConnection& connection, std::span<const PostgresDraft::Indexed> rows) {
  while (!rows.empty()) {
    const std::size_t count = std::min(rows.size(), kIndexedPerStatement);
    std::vector<std::optional<std::int64_t>> versions;
    std::vector<ByteView> entries;
    for (const PostgresDraft::Indexed& row : rows.first(count)) {
      versions.emplace_back(static_cast<std::int64_t>(row.place.version));
      entries.emplace_back(row.entries);
    }
    connection.run("index", PostgresParameters().add_array(versions).add_array(entries));
    rows = rows.subspan(count);
  }
}

Unexpected fail_stale(std::uint64_t version) {
  return fail(ErrorKind::Internal,
              "vallum.records, version " + std::to_string(version) +
                  ": is not the record last written there; it is not served");
}

// Whole rows that no longer fit into one transaction are left to the next one.
std::vector<std::size_t> rows_of_a_step(const PostgresRows& rows) {
  std::vector<std::size_t> taken;
  std::size_t bytes = 0;
  for (std::size_t row = 0; row < rows.count() && bytes < kResealedBytesMax; ++row) {
    bytes += rows.bytes(row, 4).size();
    taken.push_back(row);
  }
  return taken;
}

void queue_resealed(PostgresConnection& connection,
                    const std::vector<PostgresDraft::Resealed>& rows) {
  std::vector<std::optional<std::int64_t>> versions;
  std::vector<ByteView> values;
  for (const PostgresDraft::Resealed& row : rows) {
    versions.emplace_back(static_cast<std::int64_t>(row.version));
    values.emplace_back(row.sealed);
  }
  if (!versions.empty()) {
    connection.run("reseal", PostgresParameters().add_array(versions).add_array(values));
  }
}

Unexpected fail_in_doubt() {
  return fail(ErrorKind::DeadlineExceeded,
              "postgres: the database did not say in time whether the write happened");
}

}  // namespace

struct PostgresStore::Native final : KeysAtRest {
  Native(const Parts& parts, PostgresAddress address, PostgresReplica::Parts replica_parts)
      : clock(parts.clock),
        entropy(parts.entropy),
        commit_questions_max(parts.commit_questions_max),
        silence_max(parts.silence_max),
        lease_time(parts.lease_time),
        address(std::move(address)),
        replica(std::move(replica_parts)) {}

  Result<KeyFacts> facts() override;
  Result<bool> begin_rotation(WallTime now) override;
  Result<Step> reseal() override;
  Result<bool> rewrap() override;
  Result<void> draft_resealed(PostgresDraft& draft, const PostgresRows& rows);

  Result<std::vector<Record>> take_all_records(const PostgresRows& rows);

  Result<std::vector<Record>> read_records(const char* name, const PostgresParameters& parameters);
  Result<void> index_again(PostgresConnection& connection,
                           std::string_view type,
                           PostgresDraft& draft);

  // Writes the draft and ends the transaction, for good or bad; the replica then knows.
  Result<void> write(PostgresConnection& connection, PostgresDraft& draft);
  void queue(PostgresConnection& connection, PostgresDraft& draft, ByteView sealed_head);
  enum class Written : std::uint8_t {
    Committed,  // the replica has still to be told
    CaughtUp,   // and the replica knows
  };
  Result<Written> end_write(PostgresConnection& connection, ByteView token);
  Result<Written> ask_whether_written(ByteView token);
  WallTime lease_now(WallTime caller) const {
    return lease_time == LeaseTime::Database ? replica.database_time() : caller;
  }
  // Changes the leases in a transaction; `change` gets the table and the time that counts.
  template <class F>
  std::invoke_result_t<F&, LeaseTable&, WallTime> change_leases(F change, WallTime now);

  const Clock& clock;
  Entropy& entropy;
  const int commit_questions_max;
  const Duration silence_max;
  const LeaseTime lease_time;
  PostgresAddress address;
  PostgresReplica replica;
  std::uint64_t resealed_up_to = 0;  // by version, of the rotation under way
};

// Requires rows that were read in step.
Result<std::vector<Record>> PostgresStore::Native::take_all_records(const PostgresRows& rows) {
  TRY(OpenedRows opened, open_rows(replica, replica.seal(), rows));
  if (opened.stale_version) {
    return fail_stale(*opened.stale_version);
  }
  return std::move(opened.records);
}

// As they are now; where another node changed some since this one looked, in step with it.
Result<std::vector<Record>> PostgresStore::Native::read_records(
    const char* name, const PostgresParameters& parameters) {
  TRY(const PostgresRows rows, replica.read(name, parameters));
  TRY(OpenedRows opened, open_rows(replica, replica.seal(), rows));
  if (!opened.stale_version) {
    return std::move(opened.records);
  }
  TRY(const PostgresRows rows_in_step, replica.read_in_step(name, parameters));
  return take_all_records(rows_in_step);
}

void PostgresStore::Native::queue(PostgresConnection& connection,
                                  PostgresDraft& draft,
                                  ByteView sealed_head) {
  const auto put_note = [&](std::string_view name, const std::string& text) {
    const Bytes sealed = draft.seal().seal_note(name, as_bytes(text));
    connection.run("set_note", PostgresParameters().add_text(name).add(sealed));
  };
  if (draft.is_cleared()) {
    connection.run("patience");
    connection.run("clear");
  }
  if (draft.pruned_to()) {
    connection.run("prune",
                   PostgresParameters().add(static_cast<std::int64_t>(*draft.pruned_to())));
    connection.run("forget_writers", PostgresParameters().add_text(replica.node()));
  }
  send_inserts(connection, draft);
  queue_indexing(connection, draft.indexed());
  queue_resealed(connection, draft.resealed());
  if (draft.wrapped_keys()) {
    connection.run("set_note", PostgresParameters().add_text("keys").add(*draft.wrapped_keys()));
  }
  if (draft.has_new_options()) {
    put_note(kOptionsNoteName, draft.notes().options_text);
  }
  if (draft.has_new_leases()) {
    put_note(kLeasesNoteName, draft.notes().leases_text);
  }
  connection.run("set_head", PostgresParameters().add(sealed_head));
}

Result<void> PostgresStore::Native::write(PostgresConnection& connection, PostgresDraft& draft) {
  if (draft.is_empty()) {
    roll_back(connection);
    return {};
  }
  Bytes sealed_head = seal_head(draft.seal(), draft.head());
  Bytes token(16);
  entropy.fill(token);
  queue(connection, draft, sealed_head);
  connection.run("set_token", PostgresParameters().add_text(replica.node()).add(token));
  connection.run("tell", PostgresParameters().add_text(replica.node()));
  // A server that stops waiting for its standby says COMMIT all the same, with a warning.
  connection.run("patience");
  connection.run("commit");
  TRY(const Written written, end_write(connection, token));
  if (written == Written::Committed) {
    replica.committed(draft, std::move(sealed_head));
  }
  return {};
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
    if (!answers && answers.error().kind() == ErrorKind::Conflict) {
      return fail_altered_database();  // a row stands where none should
    }
    return replica.give_up(answers ? Error(ErrorKind::Internal, "postgres: it did not commit")
                                   : answers.error());
  }
  return ask_whether_written(token);
}

// The session ended before the answer came. Under the lock the transaction is over, one way or the
// other, and what this node wrote last is in vallum.writers.
Result<PostgresStore::Native::Written> PostgresStore::Native::ask_whether_written(ByteView token) {
  Backoff backoff(entropy.next_u64());
  // Hosts that swallow everything make each question last as long as connecting may.
  const Instant last = clock.now() + kCommitQuestionsFor;
  for (int i = 0; i < commit_questions_max && clock.now() < last; ++i) {
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
  PostgresLink link(address.clone(), parts.silence_max, parts.clock, parts.entropy);
  TRY(PostgresConnection* const connection, link.get());
  auto data_set = open_postgres_tables(*connection, parts.keys, parts.clock.wall(), parts.entropy);
  if (!data_set) {
    return fail(data_set.error().with_context(link.place()));
  }
  link.drop();  // the next session finds the tables
  link.expect(data_set->deployment, PostgresLink::Use::Statements);
  auto native = std::make_unique<Native>(
      parts,
      std::move(address),
      PostgresReplica::Parts{.link = std::move(link),
                             .seal = std::move(data_set->seal),
                             .wrapped_keys = std::move(data_set->wrapped_keys),
                             .keys = parts.keys.clone(),
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
  PostgresDraft draft = replica.draft();
  std::vector<BatchOutcome> outcomes;
  outcomes.reserve(batches.size());
  for (Batch& batch : batches) {
    outcomes.push_back(draft.apply(std::move(batch), now, native_->lease_now(now)));
    if (draft.insert_bytes() >= kBytesPerStatement) {
      send_inserts(*connection, draft);
    }
  }
  TRY_OK(native_->write(*connection, draft));
  return outcomes;
}

Result<Record> PostgresStore::get(const RecordKey& key) {
  TRY(auto records, get_many({key}));
  if (!records.front()) {
    return fail(ErrorKind::NotFound, "record not found");
  }
  return *std::move(records.front());
}

Result<std::vector<std::optional<Record>>> PostgresStore::get_many(
    const std::vector<RecordKey>& keys) {
  PostgresReplica& replica = native_->replica;
  PostgresLookup lookup(keys, replica.seal());
  TRY(const PostgresRows rows, replica.read("get", lookup.parameters()));
  TRY(OpenedRows opened, open_rows(replica, replica.seal(), rows));
  const bool is_as_seen = !opened.stale_version && !lookup.missing(opened.records, replica);
  if (is_as_seen) {
    return lookup.in_order(std::move(opened.records));
  }
  // Another node changed something, or somebody else did.
  TRY(const PostgresRows rows_in_step, replica.read_in_step("get", lookup.parameters()));
  TRY(std::vector<Record> records, native_->take_all_records(rows_in_step));
  if (const auto version = lookup.missing(records, replica)) {
    return fail_stale(*version);
  }
  return lookup.in_order(std::move(records));
}

std::vector<std::unique_ptr<PointReader>> PostgresStore::readers(std::size_t count) {
  std::vector<std::unique_ptr<PointReader>> readers;
  for (std::size_t i = 0; i < count; ++i) {
    PostgresLink link(
        native_->address.clone(), native_->silence_max, native_->clock, native_->entropy);
    link.expect(native_->replica.link().deployment(), PostgresLink::Use::Statements);
    readers.push_back(std::make_unique<PostgresReader>(
        std::move(link), native_->replica, native_->replica.keys().clone(), native_->entropy));
  }
  return readers;
}

Result<std::vector<Record>> PostgresStore::list(std::string_view type, Page page) {
  PostgresReplica& replica = native_->replica;
  PostgresParameters which;
  which.add(replica.seal().type_tag(type))
      .add(static_cast<std::int64_t>(page.after_version))
      .add(static_cast<std::int64_t>(page.records_max));
  return native_->read_records("list", which);
}

Result<std::vector<Record>> PostgresStore::find(std::string_view type,
                                                const std::vector<IndexEntry>& any_of,
                                                Page page) {
  std::vector<crypto::BlindId> entries;
  std::vector<ByteView> views;
  entries.reserve(any_of.size());
  for (const IndexEntry& entry : any_of) {
    entries.push_back(native_->replica.seal().blind_entry(type, entry));
  }
  views.assign(entries.begin(), entries.end());
  PostgresParameters which;
  which.add_array(views)
      .add(static_cast<std::int64_t>(page.after_version))
      .add(static_cast<std::int64_t>(page.records_max));
  TRY(auto records, native_->read_records("find", which));
  for (const Record& record : records) {
    if (record.type != type) {
      return fail_stale(record.version);
    }
  }
  return records;
}

// Names stand in sealed values only, so one record of each type is opened.
Result<std::vector<std::string>> PostgresStore::types() {
  PostgresReplica& replica = native_->replica;
  TRY_OK(replica.refresh());
  std::vector<std::string> types;
  for (const TypeTag& tag : replica.seen().live_types()) {
    PostgresParameters first;
    first.add(tag).add(std::int64_t{0}).add(std::int64_t{1});
    TRY(auto records, native_->read_records("list", first));
    if (!records.empty()) {
      types.push_back(std::move(records.front().type));
    } else if (replica.seen().live(tag) > 0) {
      return fail_altered_database();
    }
  }
  std::ranges::sort(types);
  return types;
}

Result<std::uint64_t> PostgresStore::count(std::string_view type) {
  PostgresReplica& replica = native_->replica;
  TRY_OK(replica.refresh());
  return replica.seen().live(replica.seal().type_tag(type));
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
  PostgresLink link(
      native_->address.clone(), native_->silence_max, native_->clock, native_->entropy);
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
  const auto up_to = static_cast<std::uint64_t>(rows.integer(count - 1, 0).value_or(0));
  if (!replica.seen().is_tombstone(up_to)) {
    roll_back(*connection);
    return fail_altered_database();
  }
  PostgresDraft draft = replica.draft();
  draft.prune(up_to);
  TRY_OK(native_->write(*connection, draft));
  return count;
}

Result<OptionsByType> PostgresStore::options() {
  TRY_OK(native_->replica.refresh());
  return native_->replica.notes().options;
}

// Reads all records of the type in the transaction that is open, and indexes them by the draft's
// options.
Result<void> PostgresStore::Native::index_again(PostgresConnection& connection,
                                                std::string_view type,
                                                PostgresDraft& draft) {
  std::uint64_t after = 0;
  for (;;) {
    connection.run("list",
                   PostgresParameters()
                       .add(replica.seal().type_tag(type))
                       .add(static_cast<std::int64_t>(after))
                       .add(kRecordsPerIndexing));
    TRY(const auto answers, connection.finish());
    TRY(const auto records, take_all_records(answers.front()));
    if (records.empty()) {
      return {};
    }
    for (const Record& record : records) {
      draft.index_again(record);
    }
    after = records.back().version;
  }
}

Result<void> PostgresStore::set_options(std::string_view type, const TypeOptions& options) {
  PostgresReplica& replica = native_->replica;
  TRY(PostgresConnection* const connection, replica.begin_write());
  OptionsByType changed = replica.notes().options;
  const auto found = changed.find(type);
  const bool is_new = found == changed.end();
  const TypeOptions before = is_new ? TypeOptions() : found->second;
  if (is_new && !options.empty() && changed.size() >= kTypesWithOptionsMax) {
    roll_back(*connection);
    return fail(ErrorKind::ResourceExhausted, "options: too many types have some");
  }
  if (!options.empty()) {
    changed.insert_or_assign(std::string(type), options);
  } else if (!is_new) {
    changed.erase(found);
  }
  PostgresDraft draft = replica.draft();
  draft.set_options(std::move(changed));
  if (before.indexable_fields != options.indexable_fields) {
    if (const auto indexed = native_->index_again(*connection, type, draft); !indexed) {
      roll_back(*connection);
      return replica.give_up(indexed.error());
    }
  }
  return native_->write(*connection, draft);
}

template <class F>
std::invoke_result_t<F&, LeaseTable&, WallTime> PostgresStore::Native::change_leases(F change,
                                                                                     WallTime now) {
  TRY(PostgresConnection* const connection, replica.begin_write());
  LeaseTable leases = replica.notes().leases;
  auto changed = change(leases, lease_now(now));
  if (!changed) {
    roll_back(*connection);
    return changed;
  }
  PostgresDraft draft = replica.draft();
  draft.set_leases(std::move(leases));
  TRY_OK(write(*connection, draft));
  return changed;
}

Result<Lease> PostgresStore::acquire_lease(std::string_view name,
                                           std::string_view id,
                                           Duration duration,
                                           WallTime now) {
  const auto acquire = [&](LeaseTable& leases, WallTime time) {
    return leases.acquire(std::string(name), std::string(id), duration, time);
  };
  return native_->change_leases(acquire, now);
}

Result<Lease> PostgresStore::renew_lease(std::string_view name,
                                         std::string_view id,
                                         Duration duration,
                                         WallTime now) {
  const auto renew = [&](LeaseTable& leases, WallTime time) {
    return leases.renew(name, id, duration, time);
  };
  return native_->change_leases(renew, now);
}

Result<void> PostgresStore::release_lease(std::string_view name, std::string_view id) {
  const auto release = [&](LeaseTable& leases, WallTime /*time*/) -> Result<void> {
    leases.release(name, id);
    return {};
  };
  return native_->change_leases(release, WallTime{});
}

Result<KeyFacts> PostgresStore::Native::facts() {
  TRY(const PostgresRows rows, replica.read_in_step("under_keys", {}));
  KeyFacts facts = facts_of(replica.seal().ring(), replica.wrapped_keys(), replica.keys());
  for (std::size_t row = 0; row < rows.count(); ++row) {
    count_rows(
        facts, rows.bytes(row, 0), static_cast<std::uint64_t>(rows.integer(row, 1).value_or(0)));
  }
  return facts;
}

Result<bool> PostgresStore::Native::begin_rotation(WallTime now) {
  TRY(PostgresConnection* const connection, replica.begin_write());
  crypto::KeyRing next = replica.seal().ring().clone();
  const bool is_rotating = next.data_key_count() > 1;
  const auto rotated = is_rotating ? Result<void>() : next.rotate(now, entropy);
  if (is_rotating || !rotated) {
    roll_back(*connection);
    return rotated ? Result<bool>(false) : fail(rotated.error());
  }
  PostgresDraft draft = replica.draft();
  Bytes wrapped = next.wrap(replica.keys(), entropy);
  draft.set_ring(std::move(next), std::move(wrapped), entropy);
  TRY_OK(write(*connection, draft));
  resealed_up_to = 0;
  return true;
}

Result<void> PostgresStore::Native::draft_resealed(PostgresDraft& draft, const PostgresRows& rows) {
  for (const std::size_t row : rows_of_a_step(rows)) {
    const auto place = place_of_row(rows, row);
    if (!place || replica.seen().find(place->id) != place) {
      return fail_altered_database();
    }
    auto sealed = replica.seal().reseal(*place, rows.bytes(row, 4));
    if (!sealed) {
      return fail(
          sealed.error().with_context("vallum.records, version " + std::to_string(place->version)));
    }
    draft.reseal({.version = place->version, .sealed = *std::move(sealed)});
  }
  return {};
}

// Under the lock nobody writes, so what is found is all there is; and who writes next seals by the
// keys that it then sees.
Result<KeysAtRest::Step> PostgresStore::Native::reseal() {
  TRY(PostgresConnection* const connection, replica.begin_write());
  if (replica.seal().ring().data_key_count() == 1) {
    roll_back(*connection);
    return Step{.rows = 0, .is_done = true};
  }
  const Bytes active = crypto::data_key_mark(replica.seal().ring().data_keys().front().id);
  connection->run("to_reseal",
                  PostgresParameters()
                      .add(static_cast<std::int64_t>(resealed_up_to))
                      .add(active)
                      .add(static_cast<std::int64_t>(kResealedRowsMax)));
  const auto answers = connection->finish();
  PostgresDraft draft = replica.draft();
  const auto drafted =
      answers ? draft_resealed(draft, answers->front()) : Result<void>(fail(answers.error()));
  if (!drafted) {
    roll_back(*connection);
    return replica.give_up(drafted.error());
  }
  const std::size_t count = draft.resealed().size();
  if (count == 0 && resealed_up_to > 0) {
    roll_back(*connection);
    resealed_up_to = 0;  // once more from the beginning, to see that there is none
    return Step{.rows = 0, .is_done = false};
  }
  if (count == 0) {
    crypto::KeyRing next = replica.seal().ring().clone();
    next.retire_older();
    Bytes wrapped = next.wrap(replica.keys(), entropy);
    draft.set_ring(std::move(next), std::move(wrapped), entropy);
  }
  const std::uint64_t last = count == 0 ? 0 : draft.resealed().back().version;
  TRY_OK(write(*connection, draft));
  resealed_up_to = last;
  return Step{.rows = count, .is_done = count == 0};
}

Result<bool> PostgresStore::Native::rewrap() {
  TRY(PostgresConnection* const connection, replica.begin_write());
  if (crypto::KeyRing::wrapped_by(replica.wrapped_keys()) == replica.keys().active_id()) {
    roll_back(*connection);
    return false;
  }
  PostgresDraft draft = replica.draft();
  draft.set_wrapped(replica.seal().ring().wrap(replica.keys(), entropy));
  TRY_OK(write(*connection, draft));
  return true;
}

KeysAtRest* PostgresStore::keys_at_rest() {
  return native_.get();
}

Result<void> PostgresStore::clear() {
  PostgresReplica& replica = native_->replica;
  TRY(PostgresConnection* const connection, replica.begin_write());
  PostgresDraft draft = replica.draft();
  draft.clear(native_->entropy);
  return native_->write(*connection, draft);
}

}  // namespace vallum::databroker
