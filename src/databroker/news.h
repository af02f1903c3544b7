#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "databroker/record.h"
#include "databroker/store/store.h"

namespace vallum::databroker {

// What subscribers have to be told to get from what they were told to what the store knows. Looked
// up where the store is used.
struct News {
  // Counts what was looked up: of two, the later one holds what the earlier one does.
  std::uint64_t number = 0;
  // They may have missed something: they have to read everything again.
  bool is_resync = false;
  std::vector<Record> changes;
  StoreState state;
};

// What changed after `told`, in version order, up to what the store then knows. More than
// `changes_max` is not told one by one.
Result<News> news_since(Store& store, const StoreState& told, std::size_t changes_max);

// The same after a commit, whose changes are at hand. When they are all there is to tell, nothing
// is read.
News news_of_commit(Store& store,
                    const std::vector<BatchOutcome>& outcomes,
                    const StoreState& told,
                    std::size_t changes_max);

}  // namespace vallum::databroker
