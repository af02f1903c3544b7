#pragma once

#include <map>

#include "base/entropy.h"
#include "databroker/store/store.h"

namespace vallum::databroker {

// Records that end with the process.
class MemoryStore final : public Store {
 public:
  explicit MemoryStore(Entropy& entropy);

  StoreState state() const override { return state_; }
  Result<std::vector<BatchOutcome>> commit(std::vector<Batch> batches, WallTime now) override;
  Result<Record> get(const RecordKey& key) override;
  Result<std::vector<Record>> list(std::string_view type, Page page) override;
  Result<std::vector<Record>> changes(Page page) override;
  Result<std::size_t> prune_tombstones(WallTime deleted_before) override;

 private:
  BatchOutcome apply(Batch batch, WallTime now);
  Record apply(Write write, WallTime now);

  StoreState state_;
  std::map<RecordKey, Record> records_;  // tombstones too
  std::map<std::uint64_t, const Record*> by_version_;
};

}  // namespace vallum::databroker
