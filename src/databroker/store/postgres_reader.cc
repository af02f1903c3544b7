#include "databroker/store/postgres_reader.h"

#include <utility>

#include "databroker/store/keys_at_rest.h"

namespace vallum::databroker {

PostgresLookup::PostgresLookup(const std::vector<RecordKey>& keys, RowSeal& seal) : keys_(keys) {
  for (const RecordKey& key : keys) {
    ids_.try_emplace(key, seal.blind_id(key.type, key.id));
  }
}

PostgresParameters PostgresLookup::parameters() const {
  std::vector<ByteView> ids;
  ids.reserve(ids_.size());
  for (const auto& [key, id] : ids_) {
    ids.emplace_back(id);
  }
  PostgresParameters parameters;
  parameters.add_array(ids);
  return parameters;
}

std::optional<std::uint64_t> PostgresLookup::missing(const std::vector<Record>& found,
                                                     const PostgresReplica& replica) const {
  std::map<RecordKey, crypto::BlindId> left = ids_;
  for (const Record& record : found) {
    left.erase(record.key());
  }
  for (const auto& [key, id] : left) {
    if (const auto place = replica.place_seen(id); place && !place->is_deleted) {
      return place->version;
    }
  }
  return std::nullopt;
}

std::vector<std::optional<Record>> PostgresLookup::in_order(std::vector<Record> found) const {
  std::map<RecordKey, Record> by_key;
  for (Record& record : found) {
    RecordKey key = record.key();
    by_key.emplace(std::move(key), std::move(record));
  }
  std::vector<std::optional<Record>> records;
  records.reserve(keys_.size());
  for (const RecordKey& key : keys_) {
    const auto at = by_key.find(key);
    const bool is_live = at != by_key.end() && !at->second.is_deleted();
    records.push_back(is_live ? std::optional(at->second) : std::nullopt);
  }
  return records;
}

PostgresReader::PostgresReader(PostgresLink link,
                               const PostgresReplica& replica,
                               crypto::KeyEncryptionKeys keys,
                               Entropy& entropy)
    : link_(std::move(link)), replica_(replica), keys_(std::move(keys)), entropy_(entropy) {}

bool PostgresReader::take_keys() {
  Bytes wrapped = replica_.wrapped_keys_seen();
  if (seal_ && wrapped == wrapped_keys_) {
    return true;
  }
  auto ring = unwrap_ring(keys_, link_.deployment(), wrapped);
  if (!ring) {
    return false;
  }
  seal_.emplace(*std::move(ring), entropy_);
  wrapped_keys_ = std::move(wrapped);
  return true;
}

std::optional<PostgresRows> PostgresReader::read(const PostgresLookup& lookup) {
  const auto connection = link_.get();
  if (!connection) {
    return std::nullopt;
  }
  (*connection)->run("get", lookup.parameters());
  auto answers = (*connection)->finish();
  link_.drop_if_lost();
  return answers ? std::optional(std::move(answers->front())) : std::nullopt;
}

std::optional<std::vector<std::optional<Record>>> PostgresReader::get_many(
    const std::vector<RecordKey>& keys) {
  if (!take_keys()) {
    return std::nullopt;
  }
  const PostgresLookup lookup(keys, *seal_);
  const std::optional<PostgresRows> rows = read(lookup);
  if (!rows) {
    return std::nullopt;
  }
  auto opened = open_rows(replica_, *seal_, *rows);
  if (!opened || opened->stale_version || lookup.missing(opened->records, replica_)) {
    return std::nullopt;
  }
  return lookup.in_order(std::move(opened->records));
}

}  // namespace vallum::databroker
