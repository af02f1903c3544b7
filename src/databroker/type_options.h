#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "databroker/limits.h"

namespace vallum::databroker {

// What holds for all records of one type.
struct TypeOptions {
  // Only so many are kept, the newest by version. Databroker sees to it, not the store.
  std::optional<std::uint64_t> capacity;
  // Fields of the value by which records are found without reading all of them: names of the
  // message, with dots between levels.
  std::vector<std::string> indexable_fields;
  // Records that were not written for longer are deleted, by Databroker. Above zero.
  std::optional<Duration> ttl;

  bool empty() const { return !capacity && indexable_fields.empty() && !ttl; }
  bool operator==(const TypeOptions&) const = default;
};

// Types that may have options: more is ResourceExhausted.
inline constexpr std::size_t kTypesWithOptionsMax = 256;

// By type; only types that have any.
using OptionsByType = std::map<std::string, TypeOptions, std::less<>>;

// InvalidInput for what no store may be given.
Result<void> check_options(std::string_view type, const TypeOptions& options, const Limits& limits);

// The options every data set begins with.
OptionsByType built_in_options();

// As stores keep them (sealed).
std::string encode_options(const OptionsByType& options);
Result<OptionsByType> decode_options(std::string_view bytes);

}  // namespace vallum::databroker
