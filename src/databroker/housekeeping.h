#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "databroker/store/store.h"
#include "databroker/type_options.h"

namespace vallum::databroker {

// What the types' options ask for beside indexes: capacity and ttl. Everything it deletes leaves a
// tombstone, so that whoever follows the changes hears of it. Where the store is used, by one
// thread at a time.
class Housekeeping {
 public:
  // The store outlives it.
  explicit Housekeeping(Store& store) : store_(store) {}

  // Reads the options, and gives the built-in types theirs where they have none.
  Result<void> begin();
  // The same for a store that was emptied; when it fails, sweep() begins again.
  void begin_anew();
  // Reads the options again.
  Result<void> reload();
  const OptionsByType& options() const { return options_; }

  // After these outcomes: deletes the oldest records of the types they touched that are beyond
  // capacity, and adds what came of it to the outcomes. What it cannot do now sweep() does later.
  void make_room(std::vector<BatchOutcome>& outcomes, WallTime now);

  // Deletes some of what is beyond capacity or older than its type's ttl. Nothing: there is no
  // more. Reads the options first, since another process may have set them.
  Result<std::vector<BatchOutcome>> sweep(WallTime now);

 private:
  Result<Batch> surplus(std::string_view type, const TypeOptions& options);
  Result<Batch> expired(std::string_view type, const TypeOptions& options, WallTime now);

  Store& store_;
  OptionsByType options_;
  bool has_begun_ = false;
};

}  // namespace vallum::databroker
