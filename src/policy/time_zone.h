#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace vallum::policy {

// A zone of the IANA time zone database, as the system's package tzdata has it when the zone is
// first asked for. Immutable; any thread.
class TimeZone {
 public:
  // Nothing when the system has no zone of that name, which is case-sensitive: "Europe/Berlin".
  // Reads the zone's file the first time.
  static std::optional<TimeZone> find(std::string_view name);

  TimeZone(TimeZone&&) noexcept;
  TimeZone& operator=(TimeZone&&) noexcept;
  TimeZone(const TimeZone&) = delete;
  TimeZone& operator=(const TimeZone&) = delete;
  ~TimeZone();

  // What the zone's clocks show at an instant, as time since midnight on them: at least 0, less
  // than 24 hours. Allocates nothing.
  Duration time_of_day(WallTime at) const;

 private:
  struct Zone;
  explicit TimeZone(std::unique_ptr<const Zone> zone);

  std::unique_ptr<const Zone> zone_;
};

}  // namespace vallum::policy
