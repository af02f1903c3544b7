#include "telemetry/timestamp.h"

#include <algorithm>

namespace vallum::telemetry {

namespace {

// 0000-01-01 and 9999-12-31T23:59:59 in seconds of the Unix epoch.
constexpr std::int64_t kSecondMin = -62167219200;
constexpr std::int64_t kSecondMax = 253402300799;

void put_digits(char* to, std::uint32_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i) {
    to[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

std::string_view TimestampWriter::format(WallTime time) {
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch();
  const std::int64_t millis = since_epoch.count();
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(since_epoch).count();
  if (second != second_) {
    format_second(std::clamp(second, kSecondMin, kSecondMax));
    second_ = second;
  }
  put_digits(&text_[20], static_cast<std::uint32_t>(millis - second * 1000), 3);
  return {text_.data(), text_.size()};
}

void TimestampWriter::format_second(std::int64_t second) {
  const auto at = std::chrono::sys_seconds(std::chrono::seconds(second));
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const auto of_day = static_cast<std::uint32_t>((at - day).count());
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000Z";
  std::ranges::copy(kForm, text_.begin());
  put_digits(&text_[0], static_cast<std::uint32_t>(static_cast<int>(date.year())), 4);
  put_digits(&text_[5], static_cast<unsigned>(date.month()), 2);
  put_digits(&text_[8], static_cast<unsigned>(date.day()), 2);
  put_digits(&text_[11], of_day / 3600, 2);
  put_digits(&text_[14], of_day / 60 % 60, 2);
  put_digits(&text_[17], of_day % 60, 2);
}

}  // namespace vallum::telemetry
