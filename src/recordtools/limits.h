#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace vallum::recordtools {

// Of the file of a directory. Beyond: ResourceExhausted.
inline constexpr std::size_t kDirectoryBytesMax = std::size_t{32} << 20;
inline constexpr std::size_t kDirectoryNodesMax = 2'000'000;
// Problems and warnings of a file that are named; the rest is counted.
inline constexpr std::size_t kProblemsNamedMax = 20;
// Of one write of an import: below what the databroker takes and answers with.
inline constexpr std::size_t kImportWritesMax = 1000;
inline constexpr std::size_t kImportBytesMax = std::size_t{1} << 20;
// From reading what is there to the last write. Beyond: the next write is refused.
inline constexpr Duration kImportTimeout = std::chrono::minutes(10);
// Of 100 memberships an import may end so many; more need --force.
inline constexpr std::uint64_t kDroppedPercentMax = 20;
// Records a listing holds at a time. Beyond: ResourceExhausted.
inline constexpr std::size_t kListedMax = 1'000'000;

}  // namespace vallum::recordtools
