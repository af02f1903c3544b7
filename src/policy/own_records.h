#pragma once

#include <deque>
#include <span>
#include <string>
#include <vector>

#include "codec/node.h"
#include "policy/facts.h"
#include "policy/value.h"

namespace vallum::policy {

// Holds what is known of a user's own records for as long as facts refer to it.
class OwnRecords {
 public:
  OwnRecords() = default;
  OwnRecords(const OwnRecords&) = delete;
  OwnRecords& operator=(const OwnRecords&) = delete;
  ~OwnRecords() = default;

  // `fields`: a map; everything else stands for a record without fields.
  void add(std::string type, const codec::Node& fields);
  // That there is no such record.
  void add_missing(std::string type);

  // Until the next addition.
  std::span<const RecordFacts> view() const { return facts_; }

 private:
  struct Entry {
    std::string type;
    ClaimTable fields;
  };

  std::deque<Entry> entries_;  // which stay where they are
  std::vector<RecordFacts> facts_;
};

}  // namespace vallum::policy
