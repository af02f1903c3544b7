#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/entropy.h"
#include "base/secret.h"
#include "base/time.h"
#include "databroker/store/store.h"
#include "telemetry/log.h"

namespace vallum::databroker {

// Records in schema `vallum` of a PostgreSQL database that any number of nodes share, sealed row by
// row (decision 8), committed there when commit() returns.
//
// Versions are handed out under an advisory lock inside the transaction that writes them, so their
// order is the order in which changes become visible, on all nodes. Each node holds where every row
// stands and the keyed sum of them all, and compares that with the sealed head of the data set in
// every transaction: rows added, removed, altered or put back behind the nodes' backs are errors,
// never data. When the whole database went back to an earlier state (a standby that was behind
// was promoted, a backup restored), the first node to notice gives the data set a new server
// version, so that all of them read everything again. Not noticed: that, while no node runs.
//
// A lost session is made again; until then calls fail at once, Unavailable. Whether a COMMIT
// without an answer happened is asked of the database afterwards.
class PostgresStore final : public Store {
 public:
  // Whose time ends leases.
  enum class LeaseTime : std::uint8_t {
    Database,
    Caller,  // for tests, which cannot wait
  };
  struct Parts {
    // libpq's URL or keywords; see PostgresAddress.
    const Secret& address;
    const crypto::KeyEncryptionKeys& keys;
    // The rest outlives the store. The log is written to by the store's thread.
    const Clock& clock;
    Entropy& entropy;
    telemetry::Log& log;
    // How often it is asked whether a COMMIT without an answer happened, before the callers are
    // told that it is not known. 8 make about ten seconds, with pauses that double; no question
    // begins later than that.
    int commit_questions_max = 8;
    // A server that owes an answer and says nothing for so long is taken for lost.
    Duration silence_max = std::chrono::seconds(10);
    LeaseTime lease_time = LeaseTime::Database;
  };

  // Opens or makes the data set. Fails with InvalidInput, naming the database, the cause and the
  // cure, when the address is not safe, the schema is not ours or of a newer version, or its data
  // keys are wrapped under none of `keys`; then nothing was written. Internal when it was altered.
  static Result<std::unique_ptr<PostgresStore>> open(const Parts& parts);
  ~PostgresStore() override;

  StoreState state() const override;
  Result<std::vector<BatchOutcome>> commit(std::vector<Batch> batches, WallTime now) override;
  Result<Record> get(const RecordKey& key) override;
  Result<std::vector<std::optional<Record>>> get_many(const std::vector<RecordKey>& keys) override;
  Result<std::vector<Record>> list(std::string_view type, Page page) override;
  Result<std::vector<Record>> find(std::string_view type,
                                   const std::vector<IndexEntry>& any_of,
                                   Page page) override;
  Result<std::vector<std::string>> types() override;
  Result<std::uint64_t> count(std::string_view type) override;
  Result<std::vector<Record>> changes(Page page) override;
  Result<StoreState> refresh() override;
  std::unique_ptr<ChangeListener> listen() override;
  // Each with a session of its own.
  std::vector<std::unique_ptr<PointReader>> readers(std::size_t count) override;
  Result<std::size_t> prune_tombstones(WallTime deleted_before) override;
  Result<OptionsByType> options() override;
  Result<void> set_options(std::string_view type, const TypeOptions& options) override;
  Result<Lease> acquire_lease(std::string_view name,
                              std::string_view id,
                              Duration duration,
                              WallTime now) override;
  Result<Lease> renew_lease(std::string_view name,
                            std::string_view id,
                            Duration duration,
                            WallTime now) override;
  Result<void> release_lease(std::string_view name, std::string_view id) override;
  Result<void> clear() override;
  KeysAtRest* keys_at_rest() override;

 private:
  struct Native;
  explicit PostgresStore(std::unique_ptr<Native> native);

  std::unique_ptr<Native> native_;
};

}  // namespace vallum::databroker
