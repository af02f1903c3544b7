#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/byte_words.h"

// Byte classes of HTTP, for the parsers of this folder.
namespace vallum::http::bytes {

using Classes = std::uint8_t;
inline constexpr Classes kTokenByte = 1;       // RFC 9110 5.6.2 tchar
inline constexpr Classes kUnreservedByte = 2;  // RFC 3986 2.3
inline constexpr Classes kUnderscore = 4;

consteval std::array<Classes, 256> make_table() {
  std::array<Classes, 256> table{};
  const auto mark = [&table](std::string_view text, Classes classes) {
    for (const char c : text) {
      auto& entry = table[static_cast<unsigned char>(c)];
      entry = static_cast<Classes>(entry | classes);
    }
  };
  mark("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
       kTokenByte | kUnreservedByte);
  mark("!#$%&'*+-.^_`|~", kTokenByte);
  mark("-._~", kUnreservedByte);
  mark("_", kUnderscore);
  return table;
}

inline constexpr std::array<Classes, 256> kTable = make_table();

inline bool is(char c, Classes wanted) {
  return (kTable[static_cast<unsigned char>(c)] & wanted) != 0;
}

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const int lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The byte that an escape at the front of `text` stands for; -1 when there is no escape.
constexpr int escaped_byte(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') {
    return -1;
  }
  const int high = hex_value(text[1]);
  const int low = hex_value(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// What a request target consists of: visible ASCII without '#', because a fragment is never sent
// and parsers differ on where it begins.
inline bool is_visible_without_hash(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  for (; end - at >= 8; at += 8) {
    const std::uint64_t word = words::load_word(at);
    if (((word & words::kHighBits) | words::any_below(word, 0x21) | words::any_equal(word, 0x7f) |
         words::any_equal(word, '#')) != 0) {
      return false;
    }
  }
  return std::all_of(at, end, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

}  // namespace vallum::http::bytes
