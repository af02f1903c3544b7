#pragma once

#include <map>
#include <set>
#include <tuple>

#include "base/entropy.h"
#include "databroker/store/store.h"

namespace vallum::databroker {

// Records that end with the process. Tests derive from it to watch it or to make it fail.
class MemoryStore : public Store {
 public:
  // `entropy` outlives the store.
  explicit MemoryStore(Entropy& entropy);

  StoreState state() const override { return state_; }
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
  Result<OptionsByType> options() override { return options_; }
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

 private:
  BatchOutcome apply(Batch batch, WallTime now);
  Record apply(Write write, WallTime now);
  const TypeOptions* options_of(std::string_view type) const;
  // Both by the entries the record has under the options of the moment.
  void add_to_index(const Record& record);
  void remove_from_index(const Record& record);

  Entropy& entropy_;
  StoreState state_;
  std::map<RecordKey, Record> records_;  // tombstones too
  std::map<std::uint64_t, const Record*> by_version_;
  std::map<std::string, std::uint64_t, std::less<>> live_;  // records of each type, above 0
  std::map<std::tuple<std::string, IndexEntry>, std::set<std::uint64_t>> index_;
  OptionsByType options_;
  LeaseTable leases_;
};

}  // namespace vallum::databroker
