#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/time.h"

namespace vallum::telemetry {

// Writes civil time as RFC 3339 in UTC with milliseconds, "2026-01-01T00:00:00.000Z". Calendar
// arithmetic is done once per second. One thread.
class TimestampWriter {
 public:
  // Until the next call. Never allocates. Years outside 0000 to 9999 are written as their nearest.
  std::string_view format(WallTime time);

 private:
  void format_second(std::int64_t second);

  std::int64_t second_ = INT64_MIN;
  std::array<char, 24> text_{};
};

}  // namespace vallum::telemetry
