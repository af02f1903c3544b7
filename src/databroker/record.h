#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "databroker/lease_table.h"
#include "databroker/limits.h"

namespace vallum::databroker {

// What google.protobuf.Any holds: the URL of a message type and an encoded message. Types that
// nobody here knows pass through byte for byte.
struct Value {
  std::string type_url;
  std::string bytes;

  bool operator==(const Value&) const = default;
};

struct RecordKey {
  std::string type;
  std::string id;

  auto operator<=>(const RecordKey&) const = default;
};

// One record as it was at one version. A deleted one (tombstone) keeps its key and has no value.
struct Record {
  std::string type;
  std::string id;
  Value value;
  std::uint64_t version = 0;
  WallTime modified_at{};
  std::optional<WallTime> deleted_at;

  bool is_deleted() const { return deleted_at.has_value(); }
  RecordKey key() const { return {.type = type, .id = id}; }
  bool operator==(const Record&) const = default;
};

// One change to make.
struct Write {
  std::string type;
  std::string id;
  // Absent: delete the record.
  std::optional<Value> value;
  // The version the record must still be at; 0: it must not exist. Absent: whatever is there.
  std::optional<std::uint64_t> expected_version;
  // The lease that must still be held as it was.
  std::optional<Fence> fence = std::nullopt;

  static Write put(RecordKey key, Value value) {
    return {std::move(key.type), std::move(key.id), std::move(value), std::nullopt, std::nullopt};
  }
  static Write remove(RecordKey key) {
    return {std::move(key.type), std::move(key.id), std::nullopt, std::nullopt, std::nullopt};
  }
  Write if_version(std::uint64_t version) && {
    expected_version = version;
    return std::move(*this);
  }
  Write if_absent() && { return std::move(*this).if_version(0); }
  Write fenced_by(Fence lease) && {
    fence = std::move(lease);
    return std::move(*this);
  }
};

// The highest version there may be: databases count no further.
inline constexpr std::uint64_t kVersionMax = INT64_MAX;

// Writes that happen all or not at all.
using Batch = std::vector<Write>;

// Of types, ids and values.
std::size_t bytes_of(const Batch& batch);

// InvalidInput for a batch no store may be given: empty or too big, a key twice, and keys that are
// empty, too long, not UTF-8 or with NUL. A type under "type.googleapis.com/" must be the value's
// own.
Result<void> check_batch(const Batch& batch, const Limits& limits);
Result<void> check_key(const RecordKey& key, const Limits& limits);
// InvalidInput for a record that no store can hold: as for writes, and a version that cannot be
// one, or a tombstone with a value.
Result<void> check_record(const Record& record, const Limits& limits);

}  // namespace vallum::databroker
