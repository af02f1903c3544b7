#include "codec/go_duration.h"

#include <array>
#include <cstdint>
#include <limits>

#include "base/strings.h"

namespace vallum::codec {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};

// "ms" and "ns" stand before "m" and "s": the longest name wins.
constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                         {"us", 1'000},
                                         {"\xc2\xb5s", 1'000},
                                         {"\xce\xbcs", 1'000},
                                         {"ms", 1'000'000},
                                         {"s", 1'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"h", 3'600'000'000'000}}};
constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();

const Unit* take_unit(std::string_view& rest) {
  for (const Unit& unit : kUnits) {
    if (rest.starts_with(unit.name)) {
      rest.remove_prefix(unit.name.size());
      return &unit;
    }
  }
  return nullptr;
}

std::string_view take_digits(std::string_view& rest) {
  std::size_t count = 0;
  while (count < rest.size() && is_ascii_digit(rest[count])) {
    ++count;
  }
  const std::string_view digits = rest.substr(0, count);
  rest.remove_prefix(count);
  return digits;
}

// Nanoseconds of "0.<digits>" units, rounded towards zero. From the last digit up: rounding down at
// each step gives the same as rounding down once.
std::uint64_t fraction_of(std::string_view digits, std::uint64_t unit) {
  std::uint64_t value = 0;
  while (!digits.empty()) {
    value = (value + static_cast<std::uint64_t>(digits.back() - '0') * unit) / 10;
    digits.remove_suffix(1);
  }
  return value;
}

// Takes one "1.5h" off the front and adds it. False when malformed or too large.
bool add_term(std::string_view& rest, std::uint64_t& total) {
  const std::string_view whole = take_digits(rest);
  std::string_view fraction;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = take_digits(rest);
  }
  const Unit* const unit = take_unit(rest);
  if (unit == nullptr || (whole.empty() && fraction.empty())) {
    return false;
  }
  const auto count = whole.empty() ? std::optional<std::uint64_t>(0) : parse_u64(whole);
  if (!count || *count > kMax / unit->nanoseconds) {
    return false;
  }
  const std::uint64_t term = *count * unit->nanoseconds + fraction_of(fraction, unit->nanoseconds);
  if (term > kMax - total) {
    return false;
  }
  total += term;
  return true;
}

void append_decimal(std::string& out, std::uint64_t value, std::uint64_t unit) {
  out.append(std::to_string(value / unit));
  std::string fraction = std::to_string(unit + value % unit);  // One digit more, to keep zeros.
  fraction.front() = '.';
  fraction.erase(fraction.find_last_not_of('0') + 1);
  out.append(fraction == "." ? "" : fraction);
}

}  // namespace

std::optional<Duration> parse_go_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) {
    text.remove_prefix(1);
  }
  if (text == "0") {
    return Duration::zero();
  }
  std::uint64_t total = 0;
  do {
    if (!add_term(text, total)) {
      return std::nullopt;
    }
  } while (!text.empty());
  const auto count = static_cast<std::int64_t>(total);
  return Duration(negative ? -count : count);
}

std::string go_duration(Duration duration) {
  if (duration == Duration::zero()) {
    return "0s";
  }
  const bool negative = duration < Duration::zero();
  // Negated as unsigned: the smallest value has no positive twin.
  const auto bits = static_cast<std::uint64_t>(duration.count());
  const std::uint64_t value = negative ? ~bits + 1 : bits;
  std::string text = negative ? "-" : "";
  if (value < 1'000) {
    return text.append(std::to_string(value)).append("ns");
  }
  if (value < 1'000'000'000) {
    const bool micro = value < 1'000'000;
    append_decimal(text, value, micro ? 1'000 : 1'000'000);
    return text.append(micro ? "\xc2\xb5s" : "ms");
  }
  constexpr std::uint64_t kMinute = 60'000'000'000;
  const std::uint64_t minutes = value / kMinute;
  if (minutes >= 60) {
    text.append(std::to_string(minutes / 60)).append("h");
  }
  if (minutes > 0) {
    text.append(std::to_string(minutes % 60)).append("m");
  }
  append_decimal(text, value % kMinute, 1'000'000'000);
  return text.append("s");
}

}  // namespace vallum::codec
