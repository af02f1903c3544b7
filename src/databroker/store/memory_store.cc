#include "databroker/store/memory_store.h"

#include <utility>

#include "base/check.h"

namespace vallum::databroker {
namespace {

std::uint64_t random_server_version(Entropy& entropy) {
  std::uint64_t version = 0;
  while (version == 0) {
    version = entropy.next_u64();
  }
  return version;
}

}  // namespace

MemoryStore::MemoryStore(Entropy& entropy) : entropy_(entropy) {
  state_.server_version = random_server_version(entropy);
}

Result<std::vector<BatchOutcome>> MemoryStore::commit(std::vector<Batch> batches, WallTime now) {
  std::vector<BatchOutcome> outcomes;
  outcomes.reserve(batches.size());
  for (Batch& batch : batches) {
    outcomes.push_back(apply(std::move(batch), now));
  }
  return outcomes;
}

BatchOutcome MemoryStore::apply(Batch batch, WallTime now) {
  for (const Write& write : batch) {
    if (write.fence) {
      TRY_OK(leases_.check(*write.fence, now));
    }
    if (!write.expected_version) {
      continue;
    }
    const auto found = records_.find({.type = write.type, .id = write.id});
    const bool is_live = found != records_.end() && !found->second.is_deleted();
    if ((is_live ? found->second.version : 0) != *write.expected_version) {
      return fail(ErrorKind::Conflict, "record: it is not at the expected version");
    }
  }
  std::vector<Record> written;
  written.reserve(batch.size());
  for (Write& write : batch) {
    written.push_back(apply(std::move(write), now));
  }
  return written;
}

Record MemoryStore::apply(Write write, WallTime now) {
  RecordKey key{.type = write.type, .id = write.id};
  Record record{.type = std::move(write.type),
                .id = std::move(write.id),
                .value = {},
                .version = ++state_.latest_version,
                .modified_at = now,
                .deleted_at = std::nullopt};
  if (write.value) {
    record.value = *std::move(write.value);
  } else {
    record.deleted_at = now;
  }
  Record& slot = records_[std::move(key)];
  remove_from_index(slot);
  by_version_.erase(slot.version);
  slot = record;
  by_version_.emplace(slot.version, &slot);
  add_to_index(slot);
  return record;
}

const TypeOptions* MemoryStore::options_of(std::string_view type) const {
  const auto found = options_.find(type);
  return found == options_.end() ? nullptr : &found->second;
}

void MemoryStore::add_to_index(const Record& record) {
  if (record.is_deleted()) {
    return;
  }
  ++live_[record.type];
  for (IndexEntry& entry : index_entries(record, options_of(record.type))) {
    index_[{record.type, std::move(entry)}].insert(record.version);
  }
}

void MemoryStore::remove_from_index(const Record& record) {
  if (record.is_deleted() || record.version == 0) {
    return;  // no record, or one that is in no index
  }
  const auto live = live_.find(record.type);
  DCHECK(live != live_.end());
  if (--live->second == 0) {
    live_.erase(live);
  }
  for (IndexEntry& entry : index_entries(record, options_of(record.type))) {
    const auto versions = index_.find({record.type, std::move(entry)});
    DCHECK(versions != index_.end());
    versions->second.erase(record.version);
    if (versions->second.empty()) {
      index_.erase(versions);
    }
  }
}

Result<Record> MemoryStore::get(const RecordKey& key) {
  const auto found = records_.find(key);
  if (found == records_.end() || found->second.is_deleted()) {
    return fail(ErrorKind::NotFound, "record not found");
  }
  return found->second;
}

Result<std::vector<Record>> MemoryStore::list(std::string_view type, Page page) {
  std::vector<Record> records;
  for (auto at = by_version_.upper_bound(page.after_version);
       at != by_version_.end() && records.size() < page.records_max;
       ++at) {
    const Record& record = *at->second;
    if (record.type == type && !record.is_deleted()) {
      records.push_back(record);
    }
  }
  return records;
}

Result<std::vector<Record>> MemoryStore::find(std::string_view type,
                                              const std::vector<IndexEntry>& any_of,
                                              Page page) {
  std::set<std::uint64_t> versions;
  for (const IndexEntry& entry : any_of) {
    const auto found = index_.find({std::string(type), entry});
    if (found == index_.end()) {
      continue;
    }
    auto at = found->second.upper_bound(page.after_version);
    for (std::size_t i = 0; i < page.records_max && at != found->second.end(); ++i, ++at) {
      versions.insert(*at);
    }
  }
  std::vector<Record> records;
  for (const std::uint64_t version : versions) {
    if (records.size() == page.records_max) {
      break;
    }
    records.push_back(*by_version_.find(version)->second);
  }
  return records;
}

Result<std::vector<std::string>> MemoryStore::types() {
  std::vector<std::string> types;
  types.reserve(live_.size());
  for (const auto& [type, count] : live_) {
    types.push_back(type);
  }
  return types;
}

Result<std::uint64_t> MemoryStore::count(std::string_view type) {
  const auto found = live_.find(type);
  return found == live_.end() ? 0 : found->second;
}

Result<void> MemoryStore::set_options(std::string_view type, const TypeOptions& options) {
  if (!options.empty() && !options_.contains(type) && options_.size() >= kTypesWithOptionsMax) {
    return fail(ErrorKind::ResourceExhausted, "options: too many types have some");
  }
  const auto for_each_of_type = [&](auto function) {
    for (auto at = records_.lower_bound({.type = std::string(type), .id = {}});
         at != records_.end() && at->first.type == type;
         ++at) {
      function(at->second);
    }
  };
  for_each_of_type([this](const Record& record) { remove_from_index(record); });
  if (options.empty()) {
    if (const auto found = options_.find(type); found != options_.end()) {
      options_.erase(found);
    }
  } else {
    options_.insert_or_assign(std::string(type), options);
  }
  for_each_of_type([this](const Record& record) { add_to_index(record); });
  return {};
}

Result<Lease> MemoryStore::acquire_lease(std::string_view name,
                                         std::string_view id,
                                         Duration duration,
                                         WallTime now) {
  return leases_.acquire(std::string(name), std::string(id), duration, now);
}

Result<Lease> MemoryStore::renew_lease(std::string_view name,
                                       std::string_view id,
                                       Duration duration,
                                       WallTime now) {
  return leases_.renew(name, id, duration, now);
}

Result<void> MemoryStore::release_lease(std::string_view name, std::string_view id) {
  leases_.release(name, id);
  return {};
}

Result<void> MemoryStore::clear() {
  index_.clear();
  live_.clear();
  by_version_.clear();
  records_.clear();
  options_.clear();
  const std::uint64_t before = state_.server_version;
  while (state_.server_version == before) {
    state_.server_version = random_server_version(entropy_);
  }
  state_.pruned_version = state_.latest_version;
  return {};
}

Result<std::vector<Record>> MemoryStore::changes(Page page) {
  if (page.after_version < state_.pruned_version) {
    return fail(ErrorKind::Conflict, "changes: that version is too old");
  }
  std::vector<Record> records;
  for (auto at = by_version_.upper_bound(page.after_version);
       at != by_version_.end() && records.size() < page.records_max;
       ++at) {
    records.push_back(*at->second);
  }
  return records;
}

Result<std::size_t> MemoryStore::prune_tombstones(WallTime deleted_before) {
  std::size_t pruned = 0;
  for (auto at = by_version_.begin(); at != by_version_.end();) {
    const Record& record = *at->second;
    if (!record.is_deleted() || *record.deleted_at >= deleted_before) {
      ++at;
      continue;
    }
    state_.pruned_version = record.version;
    const RecordKey key = record.key();
    at = by_version_.erase(at);
    records_.erase(key);
    ++pruned;
  }
  return pruned;
}

}  // namespace vallum::databroker
