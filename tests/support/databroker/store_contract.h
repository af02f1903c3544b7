#pragma once

// What every backend must do: a suite that is instantiated for each. A new backend is one more line
// where that is done.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "databroker/index_entries.h"
#include "databroker/store/store.h"
#include "support/seeded_entropy.h"
#include "support/virtual_clock.h"

namespace vallum::databroker::contract {

using namespace std::chrono_literals;

// Makes an empty store, and keeps what it needs.
class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;
  virtual std::unique_ptr<Store> open(Entropy& entropy) = 0;

  // Where a store's records are kept by another process, these are about that process. Civil time
  // goes on there.
  virtual void advance(Duration /*duration*/) {}
  // Its tombstones older than this are forgotten. Returns how many.
  virtual Result<std::size_t> prune_tombstones(Store& store, WallTime deleted_before) {
    return store.prune_tombstones(deleted_before);
  }
  // Somebody who asks for what is kept without having been told of anything. `store` or something
  // that lives as long as the backend.
  virtual Store& newcomer(Store& store) { return store; }
};

struct BackendKind {
  const char* name;
  std::unique_ptr<Backend> (*make)();
};

constexpr std::string_view kType = "type.example/Thing";

inline Write put(std::string id, std::string bytes, std::string_view type = kType) {
  return Write::put({.type = std::string(type), .id = std::move(id)},
                    {.type_url = "type.example/Thing", .bytes = std::move(bytes)});
}
inline Write remove(std::string id, std::string_view type = kType) {
  return Write::remove({.type = std::string(type), .id = std::move(id)});
}
inline RecordKey key(std::string id, std::string_view type = kType) {
  return {.type = std::string(type), .id = std::move(id)};
}

// A record whose value can be looked into.
Write put_json(std::string id, std::string_view json, std::string_view type = kType);

inline TypeOptions indexed_by(std::vector<std::string> fields) {
  return {.capacity = std::nullopt, .indexable_fields = std::move(fields), .ttl = std::nullopt};
}

inline TypeOptions capacity(std::uint64_t records) {
  return {.capacity = records, .indexable_fields = {}, .ttl = std::nullopt};
}

class StoreContractTest : public ::testing::TestWithParam<BackendKind> {
 protected:
  BatchOutcome commit(Batch batch) {
    std::vector<Batch> batches;
    batches.push_back(std::move(batch));
    auto outcomes = store_->commit(std::move(batches), clock_.wall());
    if (!outcomes) {
      return fail(outcomes.error());
    }
    return std::move(outcomes->front());
  }
  template <class... Writes>
  BatchOutcome commit_all(Writes... writes) {
    Batch batch;
    (batch.push_back(std::move(writes)), ...);
    return commit(std::move(batch));
  }
  ErrorKind kind_of_get(const RecordKey& which) {
    auto record = store_->get(which);
    EXPECT_FALSE(record.has_value());
    return record ? ErrorKind::Internal : record.error().kind();
  }
  static std::vector<std::string> ids(const Result<std::vector<Record>>& records) {
    std::vector<std::string> ids;
    EXPECT_TRUE(records.has_value());
    for (const Record& record : *records) {
      ids.push_back(record.id);
    }
    return ids;
  }

  void advance(Duration duration) {
    clock_.advance(duration);
    backend_->advance(duration);
  }

  std::vector<std::string> found(std::string_view field,
                                 std::string_view value,
                                 std::string_view type = kType) {
    return ids(store_->find(type, probes_for(field, value), {}));
  }
  std::vector<std::string> found_in(std::string_view network) {
    return ids(store_->find(kType, probes_for(*IpPrefix::parse(network)), {}));
  }

  testing::VirtualClock clock_;
  testing::SeededEntropy entropy_{7};
  std::unique_ptr<Backend> backend_ = GetParam().make();
  std::unique_ptr<Store> store_ = backend_->open(entropy_);
  // A databroker begins with some of its own.
  const OptionsByType first_options_ = *store_->options();
};

using Ids = std::vector<std::string>;

}  // namespace vallum::databroker::contract
