#include "base/bytes.h"

namespace vallum {

std::string to_hex(ByteView bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    text.push_back(kDigits[std::to_integer<std::size_t>(b >> 4)]);
    text.push_back(kDigits[std::to_integer<std::size_t>(b & std::byte{0x0f})]);
  }
  return text;
}

bool constant_time_equal(ByteView a, ByteView b) {
  if (a.size() != b.size()) {
    return false;
  }
  // volatile keeps the compiler from leaving the loop early.
  volatile unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference =
        static_cast<unsigned char>(difference | std::to_integer<unsigned char>(a[i] ^ b[i]));
  }
  return difference == 0;
}

void store_be64(std::uint64_t value, std::byte* to) {
  for (int i = 7; i >= 0; --i) {
    to[i] = static_cast<std::byte>(value & 0xff);
    value >>= 8;
  }
}

std::uint64_t load_be64(const std::byte* from) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) {
    value = (value << 8) | std::to_integer<std::uint64_t>(from[i]);
  }
  return value;
}

void store_be32(std::uint32_t value, std::byte* to) {
  for (int i = 3; i >= 0; --i) {
    to[i] = static_cast<std::byte>(value & 0xff);
    value >>= 8;
  }
}

std::uint32_t load_be32(const std::byte* from) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    value = (value << 8) | std::to_integer<std::uint32_t>(from[i]);
  }
  return value;
}

}  // namespace vallum
