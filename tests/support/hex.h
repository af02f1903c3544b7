#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"

namespace vallum::testing {

// Requires pairs of lower-case hexadecimal digits: test tables only.
inline Bytes from_hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  CHECK(text.size() % 2 == 0);
  Bytes out;
  for (std::size_t at = 0; at < text.size(); at += 2) {
    const std::size_t high = kDigits.find(text[at]);
    const std::size_t low = kDigits.find(text[at + 1]);
    CHECK(high < 16 && low < 16);
    out.push_back(static_cast<std::byte>(high * 16 + low));
  }
  return out;
}

// The bytes first, first + 1, ... as keys of published examples often are.
inline Bytes counting_bytes(std::size_t count, unsigned first = 0) {
  Bytes out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(static_cast<std::byte>((first + i) & 0xffU));
  }
  return out;
}

}  // namespace vallum::testing
