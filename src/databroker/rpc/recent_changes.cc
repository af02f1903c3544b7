#include "databroker/rpc/recent_changes.h"

namespace vallum::databroker {

void RecentChanges::begin(std::uint64_t version) {
  by_version_.clear();
  versions_.clear();
  bytes_ = 0;
  from_ = version;
}

void RecentChanges::note(const Record& change) {
  const auto [known, is_first] = versions_.try_emplace(change.key(), change.version);
  if (!is_first) {
    const auto old = by_version_.find(known->second);
    bytes_ -= old->second.value.bytes.size();
    by_version_.erase(old);
    known->second = change.version;
  }
  bytes_ += change.value.bytes.size();
  by_version_.emplace(change.version, change);
  if (by_version_.size() > kRecordsMax || bytes_ > kBytesMax) {
    begin(change.version);
  }
}

std::vector<Record> RecentChanges::after(Page page) const {
  std::vector<Record> records;
  auto at = by_version_.upper_bound(page.after_version);
  for (; at != by_version_.end() && records.size() < page.records_max; ++at) {
    records.push_back(at->second);
  }
  return records;
}

}  // namespace vallum::databroker
