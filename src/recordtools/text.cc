#include "recordtools/text.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/strings.h"

namespace vallum::recordtools {

std::string shown(std::string_view text) {
  if (!is_utf8(text)) {
    return "?";
  }
  std::string to;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    // Of the control characters of Unicode (U+0080 to U+009F) the first byte is 0xc2.
    const bool is_c1 = c == '\xc2' && i + 1 < text.size() && text[i + 1] < '\xa0';
    const bool is_control = (c >= 0 && c < ' ') || c == '\x7f' || is_c1;
    to.push_back(is_control ? '?' : c);
    i += is_c1 ? 1U : 0U;
  }
  return to;
}

std::string shown(const std::optional<WallTime>& time) {
  if (!time) {
    return "-";
  }
  const auto day = std::chrono::floor<std::chrono::days>(*time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(*time - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                     static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()),
                     clock.hours().count(),
                     clock.minutes().count(),
                     clock.seconds().count());
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      text.append(row[i]).append(widths[i] - row[i].size() + 2, ' ');
    }
    text.append(row.empty() ? "" : row.back()).push_back('\n');
  }
  return text;
}

}  // namespace vallum::recordtools
