#pragma once

#include <bitset>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "codec/node.h"
#include "policy/problem.h"
#include "policy/syntax.h"

// The criteria about the instant of the decision: date, day_of_week and time_of_day. Policy
// specification 2.6. The reference product does not register them; one whose data are not of the
// documented form is refused as unknown-criterion, the code that product gives.
namespace vallum::policy {

// Holds strictly between the two.
struct DateMatcher {
  WallTime after = WallTime::min();
  WallTime before = WallTime::max();
};

// Days of the week in UTC; bit 0 is Sunday.
using DaySet = std::bitset<7>;

inline constexpr Duration kDayLength = std::chrono::hours(24);

// Holds strictly between the two on the clocks of the zone; when `after` is the later one, from
// then over midnight until `before`.
struct TimeOfDayMatcher {
  // A zone that TimeZone::find() knows.
  std::string zone;
  Duration after = Duration(-1);
  Duration before = kDayLength;
};

// "2026-03-02", "2026-03-02T09:30", "...T09:30:00.5+01:00": ISO 8601, UTC where it names no offset.
// A day alone means its beginning. Years 1678 to 2261, which is what WallTime holds.
std::optional<WallTime> parse_date(std::string_view text);

// "*", "mon", "tue-fri", "sat-mon", "monday, wed": names in English, whole or three letters, in any
// case; a range that ends before it begins goes over the end of the week.
std::optional<DaySet> parse_days(std::string_view text);

// "15:04", "15:04:05.5", "3PM", "3:04 pm" as time since midnight.
std::optional<Duration> parse_time_of_day(std::string_view text);

// Each returns nothing after adding what is wrong to `problems`.
std::optional<DateMatcher> read_date(const codec::Node& operand,
                                     Keywords keywords,
                                     Problems& problems);
std::optional<DaySet> read_days(const codec::Node& operand, Keywords keywords, Problems& problems);
std::optional<TimeOfDayMatcher> read_time_of_day(const codec::Node& operand,
                                                 Keywords keywords,
                                                 Problems& problems);

}  // namespace vallum::policy
