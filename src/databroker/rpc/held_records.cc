#include "databroker/rpc/held_records.h"

#include <utility>

namespace vallum::databroker {
namespace {

// Of the list, the map and the texts' own heads.
constexpr std::size_t kEntryOverhead = 300;

}  // namespace

std::size_t HeldRecords::bytes_of(const Entry& entry) {
  std::size_t bytes = kEntryOverhead + 3 * (entry.key.type.size() + entry.key.id.size());
  if (entry.record) {
    bytes += entry.record->value.type_url.size() + entry.record->value.bytes.size();
  }
  return bytes;
}

std::optional<const Record*> HeldRecords::find(const RecordKey& key) {
  const auto found = places_.find(key);
  if (found == places_.end()) {
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  const std::optional<Record>& record = found->second->record;
  return record ? &*record : nullptr;
}

void HeldRecords::keep(Entry entry) {
  if (const auto found = places_.find(entry.key); found != places_.end()) {
    if (found->second->version > entry.version) {
      return;
    }
    bytes_ -= bytes_of(*found->second);
    entries_.erase(found->second);
    places_.erase(found);
  }
  bytes_ += bytes_of(entry);
  entries_.push_front(std::move(entry));
  places_.emplace(entries_.front().key, entries_.begin());
  while (bytes_ > bytes_max_ && !entries_.empty()) {
    bytes_ -= bytes_of(entries_.back());
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

void HeldRecords::hold(Record record) {
  Entry entry{.key = record.key(), .record = std::nullopt, .version = record.version};
  if (!record.is_deleted()) {
    entry.record = std::move(record);
  }
  keep(std::move(entry));
}

void HeldRecords::hold_absent(RecordKey key, std::uint64_t version) {
  keep({.key = std::move(key), .record = std::nullopt, .version = version});
}

void HeldRecords::note(const Record& change) {
  if (places_.contains(change.key())) {
    hold(change);
  }
}

void HeldRecords::clear() {
  places_.clear();
  entries_.clear();
  bytes_ = 0;
}

}  // namespace vallum::databroker
