#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "databroker/filter.h"
#include "databroker/limits.h"
#include "databroker/record.h"
#include "databroker/store/store.h"

namespace vallum::databroker {

// Which records of a type to read.
struct Query {
  std::string type;
  // Some text of the value holds this; empty: no matter.
  std::string text;
  Filter filter;
  // Of the matches in the order of their ids. A limit of 0 returns none: it only counts.
  std::uint64_t offset = 0;
  std::uint64_t limit = 0;
};

struct QueryAnswer {
  std::vector<Record> records;
  std::uint64_t total_count = 0;
  // What the store held at that moment.
  StoreState state;
};

// Looks up by index where the filter allows, and reads every record of the type otherwise, up to
// Limits::scan_records_max: beyond it ResourceExhausted, as for an answer that is too long.
Result<QueryAnswer> run_query(Store& store,
                              const OptionsByType& options,
                              const Query& query,
                              const Limits& limits);

}  // namespace vallum::databroker
