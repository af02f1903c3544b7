#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace vallum::policy {

// Which of the user's names is the id of the user's own record.
enum class RecordKey : std::uint8_t { UserId, UserEmail };

// Where the records of a type come from that `record` criteria ask about.
struct RecordSource {
  std::string type;
  RecordKey key = RecordKey::UserId;

  bool operator==(const RecordSource&) const = default;
};

// Null: nobody says whose records of that type are.
inline const RecordSource* find_source(std::span<const RecordSource> sources,
                                       std::string_view type) {
  const auto at = std::ranges::find(sources, type, &RecordSource::type);
  return at == sources.end() ? nullptr : &*at;
}

}  // namespace vallum::policy
