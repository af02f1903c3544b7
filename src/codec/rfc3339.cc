#include "codec/rfc3339.h"

#include <algorithm>
#include <cstdint>

#include "base/strings.h"

namespace vallum::codec {

namespace {

// Reads from the front of a text and remembers whether all of it fitted.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  bool fitted() const { return fitted_; }
  bool at_end() const { return rest_.empty(); }

  int number(std::size_t digits) {
    if (rest_.size() < digits || !std::ranges::all_of(rest_.substr(0, digits), is_ascii_digit)) {
      fitted_ = false;
      return 0;
    }
    int value = 0;
    for (const char digit : rest_.substr(0, digits)) {
      value = value * 10 + (digit - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  void expect(char lower) { fitted_ = take(lower) && fitted_; }
  bool take(char lower) {
    if (rest_.empty() || ascii_lower(rest_.front()) != lower) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }

  // After the point.
  std::chrono::nanoseconds fraction() {
    std::int64_t nanoseconds = 0;
    std::int64_t unit = 100'000'000;
    fitted_ = fitted_ && !rest_.empty() && is_ascii_digit(rest_.front());
    while (!rest_.empty() && is_ascii_digit(rest_.front())) {
      nanoseconds += (rest_.front() - '0') * unit;
      unit /= 10;
      rest_.remove_prefix(1);
    }
    return std::chrono::nanoseconds(nanoseconds);
  }

 private:
  std::string_view rest_;
  bool fitted_ = true;
};

// What UTC lacks of the local time.
std::chrono::minutes read_offset(Reader& reader) {
  if (reader.take('z')) {
    return {};
  }
  const bool is_east = reader.take('+');
  if (!is_east) {
    reader.expect('-');
  }
  const int hours = reader.number(2);
  reader.expect(':');
  const int minutes = reader.number(2);
  const std::chrono::minutes offset(hours * 60 + minutes);
  // Out of range makes the text unfit: no character is this one.
  if (hours > 23 || minutes > 59) {
    reader.expect('\0');
  }
  return is_east ? offset : -offset;
}

}  // namespace

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  Reader reader(text);
  const int year = reader.number(4);
  reader.expect('-');
  const auto month = static_cast<unsigned>(reader.number(2));
  reader.expect('-');
  const auto day = static_cast<unsigned>(reader.number(2));
  reader.expect('t');
  const int hour = reader.number(2);
  reader.expect(':');
  const int minute = reader.number(2);
  reader.expect(':');
  const int second = reader.number(2);
  const std::chrono::nanoseconds fraction =
      reader.take('.') ? reader.fraction() : std::chrono::nanoseconds();
  const std::chrono::minutes offset = read_offset(reader);
  const std::chrono::year_month_day date{
      std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!reader.fitted() || !reader.at_end() || !date.ok() || year < 1678 || year > 2261 ||
      hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(std::min(second, 59)) + fraction - offset;
}

}  // namespace vallum::codec
