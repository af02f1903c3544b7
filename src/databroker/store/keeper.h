#pragma once

#include "base/result.h"
#include "databroker/query.h"

namespace vallum::databroker {

// The process that keeps the records of a store which only asks for them. It tends them, too: who
// has such a store deletes nothing by capacity and age, and forgets no tombstones.
class Keeper {
 public:
  Keeper() = default;
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  virtual ~Keeper() = default;

  // See run_query(). Blocking, on the store's thread.
  virtual Result<QueryAnswer> query(const Query& query) = 0;
};

}  // namespace vallum::databroker
