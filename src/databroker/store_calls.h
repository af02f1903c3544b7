#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "databroker/databroker.h"
#include "databroker/limits.h"
#include "databroker/store/store.h"

// Calls of a store as the databroker makes them, on the thread that may.
namespace vallum::databroker {

Result<Fetched> fetch(Store& store, const std::vector<RecordKey>& keys);
// The records, and where the store stands.
Result<FetchedPage> with_state(const Store& store, Result<std::vector<Record>> records);
// InvalidInput for a lease nobody may have.
Result<void> check_lease(std::string_view name, Duration duration, const Limits& limits);
// NotFound for a store without keys at rest.
Result<KeysAtRest*> keys_of(Store& store);

}  // namespace vallum::databroker
