#include "codec/http_date.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/strings.h"

namespace vallum::codec {

namespace {

using std::chrono::sys_days;

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::size_t kLength = 29;

void append_padded(std::string& out, unsigned value, int width) {
  for (unsigned unit = width == 4 ? 1000U : 10U; unit != 0; unit /= 10) {
    out.push_back(static_cast<char>('0' + value / unit % 10));
  }
}

std::optional<unsigned> digits(std::string_view text, std::size_t at, std::size_t count) {
  const auto value = parse_u64(text.substr(at, count));
  return value ? std::optional(static_cast<unsigned>(*value)) : std::nullopt;
}

}  // namespace

void append_http_date(std::string& out, WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(seconds - day);
  const std::size_t weekday = std::chrono::weekday(day).c_encoding();
  const std::size_t month = static_cast<unsigned>(date.month()) - 1;

  out.append(kDays.substr(weekday * 3, 3)).append(", ");
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out.append(" ").append(kMonths.substr(month * 3, 3)).append(" ");
  append_padded(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out.append(" ");
  append_padded(out, static_cast<unsigned>(clock.hours().count()), 2);
  out.append(":");
  append_padded(out, static_cast<unsigned>(clock.minutes().count()), 2);
  out.append(":");
  append_padded(out, static_cast<unsigned>(clock.seconds().count()), 2);
  out.append(" GMT");
}

std::string http_date(WallTime time) {
  std::string text;
  text.reserve(kLength);
  append_http_date(text, time);
  return text;
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  if (text.size() != kLength) {
    return std::nullopt;
  }
  const std::size_t month = kMonths.find(text.substr(8, 3));
  const auto day = digits(text, 5, 2);
  const auto year = digits(text, 12, 4);
  const auto hour = digits(text, 17, 2);
  const auto minute = digits(text, 20, 2);
  const auto second = digits(text, 23, 2);
  if (month == std::string_view::npos || month % 3 != 0 || !day || !year || !hour || !minute ||
      !second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                         std::chrono::day(*day)};
  if (!date.ok()) {
    return std::nullopt;
  }
  // WallTime counts nanoseconds: it ends in the year 2262 and starts in 1677.
  if (*year < 1678 || *year > 2261) {
    return std::nullopt;
  }
  const std::int64_t time_of_day = *hour * 3600 + *minute * 60 + *second;
  const WallTime time = sys_days(date) + std::chrono::seconds(time_of_day);
  // Writing it back checks the day name and every separator. A leap second has no other form.
  const bool canonical = *second == 60 || http_date(time) == text;
  return canonical ? std::optional(time) : std::nullopt;
}

}  // namespace vallum::codec
