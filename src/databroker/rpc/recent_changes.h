#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "databroker/record.h"
#include "databroker/store/store.h"

namespace vallum::databroker {

// The last changes of a data set, of each record the last one. Bounded: what is beyond has to be
// asked for. One thread at a time.
class RecentChanges {
 public:
  static constexpr std::size_t kRecordsMax = 8192;
  static constexpr std::size_t kBytesMax = std::size_t{8} << 20;

  // Knows every change after that version, which is none yet.
  void begin(std::uint64_t version);
  // The next change, by version.
  void note(const Record& change);

  // Whether all changes after the version are here.
  bool covers(std::uint64_t version) const { return version >= from_; }
  std::vector<Record> after(Page page) const;

 private:
  std::uint64_t from_ = 0;
  std::size_t bytes_ = 0;
  std::map<std::uint64_t, Record> by_version_;
  std::map<RecordKey, std::uint64_t> versions_;
};

}  // namespace vallum::databroker
