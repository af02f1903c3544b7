#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "async/single_writer.h"
#include "base/entropy.h"
#include "base/result.h"
#include "databroker/seal/row_seal.h"
#include "databroker/store/head.h"
#include "databroker/store/keys_at_rest.h"
#include "databroker/store/postgres_draft.h"
#include "databroker/store/postgres_link.h"
#include "databroker/store/seen_rows.h"
#include "telemetry/log.h"

namespace vallum::databroker {

// What one node knows of a data set that others change too: its head and where every row stands.
// Brings itself up to date inside the transactions of PostgresStore, and says so when what it reads
// cannot have come from what it knew.
class PostgresReplica {
 public:
  struct Parts {
    PostgresLink link;
    RowSeal seal;
    Bytes wrapped_keys;  // what the seal's came from
    crypto::KeyEncryptionKeys keys;
    Entropy& entropy;
    telemetry::Log& log;
  };
  explicit PostgresReplica(Parts parts);
  PostgresReplica(const PostgresReplica&) = delete;
  PostgresReplica& operator=(const PostgresReplica&) = delete;
  ~PostgresReplica() = default;

  // For opening: reads everything.
  Result<void> load();

  const Head& head() const { return head_; }
  const SeenRows& seen() const { return known_.get().seen; }
  const SharedNotes& notes() const { return notes_; }
  RowSeal& seal() { return seal_; }
  const Bytes& wrapped_keys() const { return known_.get().wrapped_keys; }
  const crypto::KeyEncryptionKeys& keys() const { return keys_; }
  PostgresLink& link() { return link_; }
  // What this node calls itself in notifications and in vallum.writers: 32 hexadecimal digits.
  const std::string& node() const { return node_; }
  // The database's clock in the transaction that was begun last.
  WallTime database_time() const { return database_time_; }
  // Of what is known now, and must be known when it is committed.
  PostgresDraft draft() { return {seal_, seen(), notes_, head_}; }

  enum class Attempt : std::uint8_t { IfDue, Now };
  // Begins a transaction that holds the lock and sees what this replica then knows. Until the
  // caller commits it or takes it back.
  Result<PostgresConnection*> begin_write(Attempt attempt = Attempt::IfDue);
  // Notes what the committed transaction wrote.
  void committed(const PostgresDraft& draft, Bytes sealed_head);

  // The rows of a prepared statement, as they are now; they may be newer than what is known.
  Result<PostgresRows> read(const char* name, const PostgresParameters& parameters = {});
  // The same, from the moment to which this replica is then up to date.
  Result<PostgresRows> read_in_step(const char* name, const PostgresParameters& parameters);
  // Catches up if there is anything to.
  Result<void> refresh();

  // Any thread, beside the store's: where a row stood when it was last seen, and the data keys, as
  // they are wrapped.
  std::optional<RowPlace> place_seen(const crypto::BlindId& id) const;
  Bytes wrapped_keys_seen() const;

  // What an operation returns that failed: drops a lost session and names the database.
  Unexpected give_up(const Error& error);

 private:
  struct SeenPlace {
    RowPlace place;
    RowSum entries;
  };
  // What a transaction sees of the data set beyond what is known.
  struct Sight {
    Head head;
    Bytes sealed_head;
    SharedNotes notes;
    Bytes sealed_options;
    Bytes sealed_leases;
    // When there are other data keys than before.
    std::optional<crypto::KeyRing> ring;
    Bytes wrapped_keys;
    std::vector<SeenPlace> rows;
  };
  // What readers look into.
  struct Known {
    SeenRows seen;
    Bytes wrapped_keys;
  };
  static constexpr std::int64_t kPlacesPerPage = 10000;

  // Drops the session if the error ended it, and says so. Returns whether it did.
  bool drop_if_lost(const Error& error);
  void queue_sight(PostgresConnection& connection, std::uint64_t after) const;
  Result<Sight> take_sight(PostgresConnection& connection,
                           const PostgresRows& head,
                           const PostgresRows& places);
  Result<void> take_keys(Sight& sight, const PostgresRows& head);
  Result<void> take_sealed(Sight& sight, RowSeal& seal, const PostgresRows& head);
  Result<void> take_notes(Sight& sight, RowSeal& seal, const PostgresRows& head);
  RowSum sum_of_notes(const Sight& sight);
  Result<SeenPlace> take_place(const PostgresRows& rows, std::size_t row, const Head& head);
  bool adopt(Sight sight);
  void take_over(Sight sight);
  void take_ring(crypto::KeyRing ring, Bytes wrapped_keys);
  void take_seen(SeenRows seen);
  Result<void> reload(PostgresConnection& connection);
  Result<void> renew(PostgresConnection& connection, SeenRows fresh, Sight sight);
  Result<PostgresConnection*> session(Attempt attempt);

  PostgresLink link_;
  RowSeal seal_;
  crypto::KeyEncryptionKeys keys_;
  Entropy& entropy_;
  telemetry::Log& log_;
  std::string node_;
  Head head_;
  Bytes sealed_head_;
  SharedNotes notes_;
  // What notes_ came from.
  Bytes sealed_options_;
  Bytes sealed_leases_;
  async::SingleWriter<Known> known_;
  WallTime database_time_{};
};

// Rows that are where they were last seen.
struct OpenedRows {
  std::vector<Record> records;
  // The first one that is not, or is sealed by a key that another node made since.
  std::optional<std::uint64_t> stale_version;
};
// Of the columns version, id, type, deleted_at, value. Internal when a value was altered. Any
// thread, with a seal of its own.
Result<OpenedRows> open_rows(const PostgresReplica& replica,
                             RowSeal& seal,
                             const PostgresRows& rows);

// Nothing when the columns (version, id, type, deleted_at) are not what a row of ours has.
std::optional<RowPlace> place_of_row(const PostgresRows& rows, std::size_t row);

// The database holds what no node wrote.
Unexpected fail_altered_database();

}  // namespace vallum::databroker
