#include "databroker/store/memory_store.h"

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

MemoryStore::MemoryStore(Entropy& entropy) {
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
  by_version_.erase(slot.version);
  slot = record;
  by_version_.emplace(slot.version, &slot);
  return record;
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
