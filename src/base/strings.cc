#include "base/strings.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace vallum {

std::string to_lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), ascii_lower);
  return lower;
}

bool iequals(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

namespace {

std::string_view trim_any(std::string_view text, std::string_view set) {
  const std::size_t first = text.find_first_not_of(set);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(set) - first + 1);
}

// Returns the length of the well-formed sequence at the front (RFC 3629 section 4), or 0.
std::size_t utf8_sequence(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) {
    return 1;
  }
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    low = lead == 0xe0 ? 0xa0 : 0x80;
    high = lead == 0xed ? 0x9f : 0xbf;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    low = lead == 0xf0 ? 0x90 : 0x80;
    high = lead == 0xf4 ? 0x8f : 0xbf;
  }
  if (length == 0 || text.size() < length || at(1) < low || at(1) > high) {
    return 0;
  }
  for (std::size_t i = 2; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return length;
}

}  // namespace

std::string_view trim_ows(std::string_view text) {
  return trim_any(text, " \t");
}

std::string_view trim_space(std::string_view text) {
  return trim_any(text, " \t\r\n");
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  std::size_t from = 0;
  while (true) {
    const std::size_t to = text.find(separator, from);
    pieces.push_back(text.substr(from, to - from));
    if (to == std::string_view::npos) {
      return pieces;
    }
    from = to + 1;
  }
}

std::optional<std::uint64_t> parse_u64(std::string_view text) {
  if (text.empty() || !is_ascii_digit(text.front())) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc{} || stop != end) {
    return std::nullopt;
  }
  return value;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

void append_all(std::string& out, std::initializer_list<std::string_view> pieces) {
  const std::size_t size = out.size();
  std::size_t grown = size;
  for (const std::string_view piece : pieces) {
    grown += piece.size();
  }
  out.resize_and_overwrite(grown, [&](char* data, std::size_t) {
    char* to = data + size;
    for (const std::string_view piece : pieces) {
      // memcpy() must not get the null of an empty view.
      if (!piece.empty()) {
        std::memcpy(to, piece.data(), piece.size());
        to += piece.size();
      }
    }
    return grown;
  });
}

}  // namespace vallum
