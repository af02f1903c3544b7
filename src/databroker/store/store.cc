#include "databroker/store/store.h"

#include <optional>
#include <utility>

namespace vallum::databroker {

Result<std::vector<std::optional<Record>>> Store::get_many(const std::vector<RecordKey>& keys) {
  std::vector<std::optional<Record>> records;
  records.reserve(keys.size());
  for (const RecordKey& key : keys) {
    auto record = get(key);
    if (record) {
      records.emplace_back(*std::move(record));
    } else if (record.error().kind() == ErrorKind::NotFound) {
      records.emplace_back(std::nullopt);
    } else {
      return fail(std::move(record).error());
    }
  }
  return records;
}

}  // namespace vallum::databroker
