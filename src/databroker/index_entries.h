#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "databroker/record.h"
#include "databroker/type_options.h"

namespace vallum::databroker {

// One value by which records of a type are found. Persistent stores keep a keyed hash of it.
struct IndexEntry {
  std::string field;
  std::string value;

  auto operator<=>(const IndexEntry&) const = default;
};

// The field of networks: a google.protobuf.Struct with {"$index": {"cidr": "10.0.0.0/8"}} is found
// by it, whatever the options of its type.
inline constexpr std::string_view kNetworkField = "$index";

// Under what a record is found: by the value of each indexable field (of a list, each of its
// items). A record whose value cannot be read, and one with very many values in a field, is found
// under every value of the field: who looks checks what it finds. None for a deleted record. In
// order, without doubles.
std::vector<IndexEntry> index_entries(const Record& record, const TypeOptions* options);

// What to look for to find every record whose field has that value.
std::vector<IndexEntry> probes_for(std::string_view field, std::string_view value);
// What to look for to find every record whose network holds that one.
std::vector<IndexEntry> probes_for(const IpPrefix& network);

}  // namespace vallum::databroker
