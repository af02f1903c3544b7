#include "policy/schedule.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/strings.h"
#include "policy/keys.h"
#include "policy/time_zone.h"

namespace vallum::policy {

namespace {

using codec::Node;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// Reads a short text from its beginning. What does not fit leaves it where it was.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : left_(text) {}

  bool at_end() const { return left_.empty(); }
  bool take(char c) {
    const bool found = left_.starts_with(c);
    left_.remove_prefix(found ? 1 : 0);
    return found;
  }

  // A number of `least` to `most` digits that is at most `limit`.
  std::optional<std::int32_t> number(std::size_t least, std::size_t most, std::int32_t limit) {
    std::size_t size = 0;
    std::int32_t value = 0;
    while (size < most && size < left_.size() && is_ascii_digit(left_[size])) {
      value = value * 10 + (left_[size] - '0');
      ++size;
    }
    if (size < least || value > limit) {
      return std::nullopt;
    }
    left_.remove_prefix(size);
    return value;
  }

  // The digits after a point as a part of a second; at most nine count.
  std::optional<nanoseconds> fraction() {
    std::size_t digits = 0;
    nanoseconds value(0);
    nanoseconds unit(100'000'000);
    for (; digits < left_.size() && is_ascii_digit(left_[digits]); ++digits) {
      value += unit * (left_[digits] - '0');
      unit /= 10;
    }
    left_.remove_prefix(digits);
    return digits == 0 ? std::nullopt : std::optional(value);
  }

  std::string_view rest() const { return left_; }

 private:
  std::string_view left_;
};

// ":05.5" after the minutes; nothing there is zero.
std::optional<Duration> scan_seconds(Scanner& text) {
  if (!text.take(':')) {
    return Duration::zero();
  }
  const auto second = text.number(2, 2, 59);
  if (!second) {
    return std::nullopt;
  }
  Duration duration = seconds(*second);
  if (text.take('.')) {
    const auto fraction = text.fraction();
    if (!fraction) {
      return std::nullopt;
    }
    duration += *fraction;
  }
  return duration;
}

// "", "Z", "+01:00" or "-0530" at the end; what local time is ahead of UTC.
std::optional<Duration> scan_offset(Scanner& text) {
  if (text.at_end() || text.take('Z') || text.take('z')) {
    return text.at_end() ? std::optional(Duration::zero()) : std::nullopt;
  }
  const bool behind = text.take('-');
  if (!behind && !text.take('+')) {
    return std::nullopt;
  }
  const auto hour = text.number(2, 2, 23);
  const bool colon = text.take(':');
  const auto minute = text.number(2, 2, 59);
  if (!hour || !text.at_end() || (!minute && colon)) {
    return std::nullopt;
  }
  const Duration offset = hours(*hour) + minutes(minute.value_or(0));
  return behind ? -offset : offset;
}

// "T09:30:00+01:00" as time since midnight UTC of the day before it; nothing there is midnight.
std::optional<Duration> scan_time_of_date(Scanner& text) {
  if (text.at_end()) {
    return Duration::zero();
  }
  if (!text.take('T') && !text.take('t') && !text.take(' ')) {
    return std::nullopt;
  }
  const auto hour = text.number(2, 2, 23);
  if (!hour || !text.take(':')) {
    return std::nullopt;
  }
  const auto minute = text.number(2, 2, 59);
  const auto second = scan_seconds(text);
  const auto offset = scan_offset(text);
  if (!minute || !second || !offset) {
    return std::nullopt;
  }
  return hours(*hour) + minutes(*minute) + *second - *offset;
}

constexpr std::array<std::string_view, 7> kDayNames{
    "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};

std::optional<std::size_t> day_of_name(std::string_view written) {
  const std::string name = to_lower(trim_space(written));
  const auto* const at = std::ranges::find_if(
      kDayNames, [&](std::string_view day) { return name == day || name == day.substr(0, 3); });
  return at == kDayNames.end() ? std::nullopt
                               : std::optional(static_cast<std::size_t>(at - kDayNames.begin()));
}

// "tue-fri", "tue".
bool add_days(std::string_view written, DaySet& days) {
  const std::size_t dash = written.find('-');
  const auto first = day_of_name(written.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : day_of_name(written.substr(dash + 1));
  if (!first || !last) {
    return false;
  }
  for (std::size_t day = *first;; day = (day + 1) % days.size()) {
    days.set(day);
    if (day == *last) {
      return true;
    }
  }
}

void refuse(Problems& problems, codec::Position at, std::string text) {
  problems.push_back({ProblemCode::UnknownCriterion, at, std::move(text)});
}

// Reads a mapping of texts, each of which one of the fields understands.
class FieldReader {
 public:
  FieldReader(std::string_view criterion, Keywords keywords, Problems& problems)
      : criterion_(criterion), keywords_(keywords), problems_(problems) {}

  // take(name, text, node) says whether there is such a field, and refuses what is wrong with its
  // text. False: nothing to go on with.
  template <class Take>
  bool read(const Node& operand,
            std::span<const std::string_view> fields,
            std::string_view example,
            Take take) {
    if (!operand.is_map()) {
      refuse(problems_,
             operand.position(),
             std::string(criterion_) + " needs a mapping, as in " + std::string(example) +
                 ", not " + std::string(kind_name(operand)));
      return false;
    }
    const std::size_t before = problems_.size();
    for (const NamedMember& named : named_members(operand, keywords_, problems_)) {
      const Node& value = named.member->value;
      if (std::ranges::find(fields, named.name) == fields.end()) {
        refuse(problems_,
               named.member->position,
               unknown_name(named.member->key, "a field of " + std::string(criterion_), fields));
      } else if (!value.is_string()) {
        refuse(problems_,
               value.position(),
               quoted(named.name) + " needs a string, not " + std::string(kind_name(value)) +
                   ": put it in quotes");
      } else {
        take(named.name, value);
      }
    }
    return problems_.size() == before;
  }

 private:
  std::string_view criterion_;
  Keywords keywords_;
  Problems& problems_;
};

constexpr std::string_view kTimeForms = "write 15:04, 15:04:05 or 3:04 PM";

}  // namespace

std::optional<WallTime> parse_date(std::string_view text) {
  Scanner scanner(text);
  const auto year = scanner.number(4, 4, 9999);
  const bool dash_after_year = scanner.take('-');
  const auto month = scanner.number(2, 2, 12);
  const bool dash_after_month = scanner.take('-');
  const auto day = scanner.number(2, 2, 31);
  if (!year || !month || !day || !dash_after_year || !dash_after_month) {
    return std::nullopt;
  }
  constexpr std::int32_t kYearMin = 1678;
  constexpr std::int32_t kYearMax = 2261;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  const auto time = scan_time_of_date(scanner);
  if (!date.ok() || *year < kYearMin || *year > kYearMax || !time) {
    return std::nullopt;
  }
  return WallTime(std::chrono::sys_days(date)) + *time;
}

std::optional<DaySet> parse_days(std::string_view text) {
  DaySet days;
  if (trim_space(text) == "*") {
    return days.set();
  }
  const std::vector<std::string_view> parts = split(text, ',');
  const bool understood =
      std::ranges::all_of(parts, [&](std::string_view part) { return add_days(part, days); });
  return understood ? std::optional(days) : std::nullopt;
}

std::optional<Duration> parse_time_of_day(std::string_view text) {
  Scanner scanner(trim_space(text));
  const auto hour = scanner.number(1, 2, 23);
  if (!hour) {
    return std::nullopt;
  }
  const bool has_minutes = scanner.take(':');
  const auto minute = has_minutes ? scanner.number(2, 2, 59) : std::optional(0);
  const auto second = has_minutes ? scan_seconds(scanner) : std::optional(Duration::zero());
  if (!minute || !second) {
    return std::nullopt;
  }
  const std::string half = to_lower(trim_space(scanner.rest()));
  const Duration within_hour = minutes(*minute) + *second;
  if (half.empty()) {
    return has_minutes ? std::optional(hours(*hour) + within_hour) : std::nullopt;
  }
  if ((half != "am" && half != "pm") || *hour < 1 || *hour > 12) {
    return std::nullopt;
  }
  return hours(*hour % 12 + (half == "pm" ? 12 : 0)) + within_hour;
}

std::optional<DateMatcher> read_date(const Node& operand, Keywords keywords, Problems& problems) {
  constexpr std::array<std::string_view, 2> kFields{"after", "before"};
  DateMatcher matcher;
  bool is_bounded = false;
  const bool read = FieldReader("date", keywords, problems)
                        .read(operand,
                              kFields,
                              "{after: '2026-03-02T09:00:00Z'}",
                              [&](std::string_view name, const Node& value) {
                                const auto at = parse_date(value.text());
                                if (!at) {
                                  refuse(problems,
                                         value.position(),
                                         quoted(value.text().substr(0, 80)) +
                                             " is not a date: write 2026-03-02 or "
                                             "2026-03-02T09:30:00+01:00");
                                  return;
                                }
                                is_bounded = true;
                                (name == "after" ? matcher.after : matcher.before) = *at;
                              });
  if (read && !is_bounded) {
    refuse(problems, operand.position(), "date needs after, before or both");
  }
  return read && is_bounded ? std::optional(matcher) : std::nullopt;
}

std::optional<DaySet> read_days(const Node& operand, Keywords keywords, Problems& problems) {
  constexpr std::array<std::string_view, 1> kFields{"is"};
  const Node* text = operand.is_string() ? &operand : nullptr;
  if (text == nullptr) {
    const bool read =
        FieldReader("day_of_week", keywords, problems)
            .read(operand, kFields, "{is: mon-fri}", [&](std::string_view, const Node& value) {
              text = &value;
            });
    if (!read) {
      return std::nullopt;
    }
  }
  const auto days = text == nullptr ? std::nullopt : parse_days(text->text());
  if (!days) {
    refuse(problems,
           operand.position(),
           (text == nullptr ? std::string("nothing") : quoted(text->text().substr(0, 80))) +
               " names no days of the week: write 'mon,wed', 'tue-fri' or '*'");
  }
  return days;
}

std::optional<TimeOfDayMatcher> read_time_of_day(const Node& operand,
                                                 Keywords keywords,
                                                 Problems& problems) {
  constexpr std::array<std::string_view, 3> kFields{"timezone", "after", "before"};
  TimeOfDayMatcher matcher;
  bool is_bounded = false;
  const auto take = [&](std::string_view name, const Node& value) {
    const std::string shown = quoted(value.text().substr(0, 80));
    if (name == "timezone") {
      matcher.zone = value.text();
      if (!TimeZone::find(matcher.zone)) {
        refuse(problems,
               value.position(),
               shown +
                   " is not a time zone of this system: write a name of the IANA database, such "
                   "as Europe/Berlin, and have the package tzdata installed");
      }
      return;
    }
    const auto time = parse_time_of_day(value.text());
    if (!time) {
      refuse(
          problems, value.position(), shown + " is not a time of day: " + std::string(kTimeForms));
      return;
    }
    is_bounded = true;
    (name == "after" ? matcher.after : matcher.before) = *time;
  };
  if (!FieldReader("time_of_day", keywords, problems)
           .read(operand, kFields, "{timezone: Europe/Berlin, after: '9:00'}", take)) {
    return std::nullopt;
  }
  if (matcher.zone.empty()) {
    refuse(problems, operand.position(), "time_of_day needs a timezone, such as Europe/Berlin");
    return std::nullopt;
  }
  if (!is_bounded || matcher.after == matcher.before) {
    refuse(problems,
           operand.position(),
           is_bounded ? "after and before are the same time: nothing lies between them"
                      : "time_of_day needs after, before or both");
    return std::nullopt;
  }
  return matcher;
}

}  // namespace vallum::policy
