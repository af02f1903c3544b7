#include "policy/time_zone.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <absl/time/time.h>

#include "base/strings.h"

namespace vallum::policy {

namespace {

// The library opens a file of this name below the database's folder, or at an absolute path, and
// gives "localtime" and "Fixed/..." meanings of their own.
bool is_zone_name(std::string_view name) {
  constexpr std::size_t kNameMax = 64;
  const auto belongs = [](char c) {
    return is_ascii_alpha(c) || is_ascii_digit(c) || c == '/' || c == '_' || c == '-' || c == '+';
  };
  return !name.empty() && name.size() <= kNameMax && is_ascii_alpha(name.front()) &&
         std::ranges::all_of(name, belongs) && name != "localtime" && !name.starts_with("Fixed/");
}

}  // namespace

struct TimeZone::Zone {
  absl::TimeZone rules;
};

std::optional<TimeZone> TimeZone::find(std::string_view name) {
  Zone zone;
  if (!is_zone_name(name) ||
      !absl::LoadTimeZone(absl::string_view(name.data(), name.size()), &zone.rules)) {
    return std::nullopt;
  }
  return TimeZone(std::make_unique<const Zone>(zone));
}

TimeZone::TimeZone(std::unique_ptr<const Zone> zone) : zone_(std::move(zone)) {}
TimeZone::TimeZone(TimeZone&&) noexcept = default;
TimeZone& TimeZone::operator=(TimeZone&&) noexcept = default;
TimeZone::~TimeZone() = default;

Duration TimeZone::time_of_day(WallTime at) const {
  constexpr Duration kDay = std::chrono::hours(24);
  const std::chrono::seconds offset(
      zone_->rules.At(absl::FromUnixSeconds(unix_seconds(at))).offset);
  // Less than a day either way, as is every offset.
  const Duration since_midnight = at.time_since_epoch() % kDay;
  return (since_midnight + offset + 2 * kDay) % kDay;
}

}  // namespace vallum::policy
