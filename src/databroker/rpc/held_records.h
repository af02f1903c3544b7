#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>

#include "databroker/record.h"

namespace vallum::databroker {

// Records that were asked for, and those that turned out not to exist. Bounded by their bytes: what
// was used longest ago goes first. One thread at a time.
class HeldRecords {
 public:
  explicit HeldRecords(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  HeldRecords(const HeldRecords&) = delete;
  HeldRecords& operator=(const HeldRecords&) = delete;

  // Nothing: not known here. Null: there is no such record. Until the next call.
  std::optional<const Record*> find(const RecordKey& key);

  // As it was read or written; a tombstone says that there is none. An older one than is held
  // changes nothing.
  void hold(Record record);
  // There is none, in the data set as it was at that version or later.
  void hold_absent(RecordKey key, std::uint64_t version);
  // A change of a record, for those that are held.
  void note(const Record& change);
  void clear();

  std::size_t size() const { return places_.size(); }

 private:
  struct Entry {
    RecordKey key;
    std::optional<Record> record;
    std::uint64_t version = 0;
  };
  using Entries = std::list<Entry>;  // the latest used first

  static std::size_t bytes_of(const Entry& entry);
  void keep(Entry entry);

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  Entries entries_;
  std::map<RecordKey, Entries::iterator> places_;
};

}  // namespace vallum::databroker
