#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/entropy.h"
#include "crypto/key_encryption_keys.h"
#include "databroker/store/store.h"

namespace vallum::databroker {

struct SqliteOptions {
  // Made when absent. The store is vallum.db in it, beside what SQLite puts there; nothing else is
  // touched.
  std::string directory;
  // When a new store is made, if somebody knows.
  std::optional<WallTime> now = std::nullopt;
};

// Records in one file, sealed row by row (decision 8), durable when commit() returns. Holds for
// each record its blind id and version in memory, so that a row put back to an earlier state under
// a running process is noticed, and keeps a sealed sum of all rows, so that it is noticed at the
// next start. What is not noticed: the whole file put back while no process runs.
class SqliteStore final : public Store {
 public:
  // Opens or makes the store. Fails with InvalidInput, naming the file, the cause and the cure,
  // when the file is not ours, is of a newer version, or its data keys are wrapped under none of
  // `keys`; then
  // nothing was written. Unavailable when another process has it.
  static Result<std::unique_ptr<SqliteStore>> open(const SqliteOptions& options,
                                                   const crypto::KeyEncryptionKeys& keys,
                                                   Entropy& entropy);
  ~SqliteStore() override;

  StoreState state() const override;
  Result<std::vector<BatchOutcome>> commit(std::vector<Batch> batches, WallTime now) override;
  Result<Record> get(const RecordKey& key) override;
  Result<std::vector<Record>> list(std::string_view type, Page page) override;
  Result<std::vector<Record>> find(std::string_view type,
                                   const std::vector<IndexEntry>& any_of,
                                   Page page) override;
  Result<std::vector<std::string>> types() override;
  Result<std::uint64_t> count(std::string_view type) override;
  Result<std::vector<Record>> changes(Page page) override;
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
  explicit SqliteStore(std::unique_ptr<Native> native);

  std::unique_ptr<Native> native_;
};

}  // namespace vallum::databroker
