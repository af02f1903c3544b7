#include "databroker/store_calls.h"

#include <utility>

#include "base/strings.h"

namespace vallum::databroker {

Result<Fetched> fetch(Store& store, const std::vector<RecordKey>& keys) {
  TRY(auto records, store.get_many(keys));
  return Fetched{.records = std::move(records), .state = store.state()};
}

Result<void> check_lease(std::string_view name, Duration duration, const Limits& limits) {
  if (name.empty() || name.size() > limits.id_bytes_max || name.contains('\0') || !is_utf8(name)) {
    return fail(ErrorKind::InvalidInput, "lease: name is empty, too long, or not plain UTF-8");
  }
  if (duration <= Duration::zero() || duration > limits.lease_max) {
    return fail(ErrorKind::InvalidInput, "lease: duration must be above zero, and a day at most");
  }
  return {};
}

Result<KeysAtRest*> keys_of(Store& store) {
  KeysAtRest* const keys = store.keys_at_rest();
  if (keys == nullptr) {
    return fail(ErrorKind::NotFound, "records are in memory alone: there are no keys at rest");
  }
  return keys;
}

Result<FetchedPage> with_state(const Store& store, Result<std::vector<Record>> records) {
  if (!records) {
    return fail(std::move(records).error());
  }
  return FetchedPage{.records = *std::move(records), .state = store.state()};
}

}  // namespace vallum::databroker
