#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/entropy.h"
#include "base/result.h"
#include "databroker/seal/row_seal.h"
#include "databroker/store/head.h"
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
  const SeenRows& seen() const { return seen_; }
  RowSeal& seal() { return seal_; }
  PostgresLink& link() { return link_; }
  // What this node calls itself in notifications and in vallum.writers: 32 hexadecimal digits.
  const std::string& node() const { return node_; }

  enum class Attempt : std::uint8_t { IfDue, Now };
  // Begins a transaction that holds the lock and sees what this replica then knows. Until the
  // caller commits it or takes it back.
  Result<PostgresConnection*> begin_write(Attempt attempt = Attempt::IfDue);
  // Notes what the committed transaction wrote.
  void committed(const Head& head, Bytes sealed, const std::vector<RowPlace>& rows);
  // The head as it is without the tombstones up to that version. Internal when none is there: the
  // database does not tell what it told before.
  Result<Head> head_pruned_to(std::uint64_t version);
  void committed_prune(const Head& head, Bytes sealed);

  // The rows of a prepared statement, as they are now; they may be newer than what is known.
  Result<PostgresRows> read(const char* name, const PostgresParameters& parameters = {});
  // The same, from the moment to which this replica is then up to date.
  Result<PostgresRows> read_in_step(const char* name, const PostgresParameters& parameters);
  // Catches up if there is anything to.
  Result<void> refresh();

  // What an operation returns that failed: drops a lost session and names the database.
  Unexpected give_up(const Error& error);

 private:
  // What a transaction sees of the data set beyond what is known.
  struct Sight {
    Head head;
    Bytes sealed_head;
    std::vector<RowPlace> rows;
  };
  static constexpr std::int64_t kPlacesPerPage = 10000;

  void queue_sight(PostgresConnection& connection, std::uint64_t after) const;
  Result<Sight> take_sight(PostgresConnection& connection,
                           const PostgresRows& head,
                           const PostgresRows& places);
  bool adopt(Sight sight);
  Result<void> reload(PostgresConnection& connection);
  Result<void> renew(PostgresConnection& connection, SeenRows fresh, const Sight& sight);
  Result<PostgresConnection*> session(Attempt attempt);

  PostgresLink link_;
  RowSeal seal_;
  Entropy& entropy_;
  telemetry::Log& log_;
  std::string node_;
  Head head_;
  Bytes sealed_head_;
  SeenRows seen_;
};

// Nothing when the columns (version, id, type, deleted_at) are not what a row of ours has.
std::optional<RowPlace> place_of_row(const PostgresRows& rows, std::size_t row);

// The database holds what no node wrote.
Unexpected fail_altered_database();

}  // namespace vallum::databroker
