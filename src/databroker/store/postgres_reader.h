#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/entropy.h"
#include "databroker/seal/row_seal.h"
#include "databroker/store/postgres_link.h"
#include "databroker/store/postgres_replica.h"
#include "databroker/store/store.h"

namespace vallum::databroker {

// Records that are looked up together, by key. The keys outlive it.
class PostgresLookup {
 public:
  PostgresLookup(const std::vector<RecordKey>& keys, RowSeal& seal);

  // Of the statement "get".
  PostgresParameters parameters() const;
  // The version of the first record that was not found although it is known to be there.
  std::optional<std::uint64_t> missing(const std::vector<Record>& found,
                                       const PostgresReplica& replica) const;
  // One for each key; absent where there is none or it is deleted.
  std::vector<std::optional<Record>> in_order(std::vector<Record> found) const;

 private:
  const std::vector<RecordKey>& keys_;
  std::map<RecordKey, crypto::BlindId> ids_;
};

// A session that only looks up records, so that who waits for one does not wait for a commit as
// well. Serves what the replica knows to be the newest state of a record; whatever else it meets is
// left to the store, which then learns of it.
class PostgresReader final : public PointReader {
 public:
  // The replica and the entropy outlive it.
  PostgresReader(PostgresLink link,
                 const PostgresReplica& replica,
                 crypto::KeyEncryptionKeys keys,
                 Entropy& entropy);

  std::optional<std::vector<std::optional<Record>>> get_many(
      const std::vector<RecordKey>& keys) override;

 private:
  // False when the data keys cannot be unwrapped.
  bool take_keys();
  std::optional<PostgresRows> read(const PostgresLookup& lookup);

  PostgresLink link_;
  const PostgresReplica& replica_;
  crypto::KeyEncryptionKeys keys_;
  Entropy& entropy_;
  std::optional<RowSeal> seal_;
  Bytes wrapped_keys_;  // what seal_ came from
};

}  // namespace vallum::databroker
