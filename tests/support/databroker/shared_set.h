#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "databroker/store/memory_store.h"
#include "databroker/store/store.h"

namespace vallum::testing {

// A data set that several nodes change.
struct SharedSet {
  explicit SharedSet(Entropy& entropy)
      : store(std::make_unique<databroker::MemoryStore>(entropy)) {}

  std::unique_ptr<databroker::MemoryStore> store;
  bool is_away = false;
};

// One node's view of it: knows what it last looked at.
class SharedView final : public databroker::Store {
 public:
  explicit SharedView(SharedSet& set) : set_(set), known_(set.store->state()) {}

  databroker::StoreState state() const override { return known_; }
  Result<std::vector<databroker::BatchOutcome>> commit(std::vector<databroker::Batch> batches,
                                                       WallTime now) override {
    TRY_OK(look());
    auto outcomes = set_.store->commit(std::move(batches), now);
    known_ = set_.store->state();
    return outcomes;
  }
  Result<databroker::Record> get(const databroker::RecordKey& key) override {
    return set_.store->get(key);
  }
  Result<std::vector<databroker::Record>> list(std::string_view type,
                                               databroker::Page page) override {
    return set_.store->list(type, page);
  }
  Result<std::vector<databroker::Record>> changes(databroker::Page page) override {
    TRY_OK(look());
    return set_.store->changes(page);
  }
  Result<std::vector<databroker::Record>> find(std::string_view type,
                                               const std::vector<databroker::IndexEntry>& any_of,
                                               databroker::Page page) override {
    return set_.store->find(type, any_of, page);
  }
  Result<std::vector<std::string>> types() override { return set_.store->types(); }
  Result<std::uint64_t> count(std::string_view type) override { return set_.store->count(type); }
  Result<databroker::OptionsByType> options() override { return set_.store->options(); }
  Result<void> set_options(std::string_view type, const databroker::TypeOptions& options) override {
    return set_.store->set_options(type, options);
  }
  Result<databroker::Lease> acquire_lease(std::string_view name,
                                          std::string_view id,
                                          Duration duration,
                                          WallTime now) override {
    return set_.store->acquire_lease(name, id, duration, now);
  }
  Result<databroker::Lease> renew_lease(std::string_view name,
                                        std::string_view id,
                                        Duration duration,
                                        WallTime now) override {
    return set_.store->renew_lease(name, id, duration, now);
  }
  Result<void> release_lease(std::string_view name, std::string_view id) override {
    return set_.store->release_lease(name, id);
  }
  Result<void> clear() override { return set_.store->clear(); }
  Result<databroker::StoreState> refresh() override { return look(); }
  Result<std::size_t> prune_tombstones(WallTime before) override {
    return set_.store->prune_tombstones(before);
  }

 private:
  Result<databroker::StoreState> look() {
    if (set_.is_away) {
      return fail(ErrorKind::Unavailable, "away");
    }
    known_ = set_.store->state();
    return known_;
  }

  SharedSet& set_;
  databroker::StoreState known_;
};

}  // namespace vallum::testing
