#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vallum {

using ByteView = std::span<const std::byte>;
using ByteSpan = std::span<std::byte>;
using Bytes = std::vector<std::byte>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// For the C libraries, which spell a byte "unsigned char".
inline const unsigned char* as_uchar(ByteView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* as_uchar(ByteSpan bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);

// Time depends on the lengths only. Different lengths are unequal.
bool constant_time_equal(ByteView a, ByteView b);

// Big-endian integers, as every wire format here uses them. Requires room for the integer.
void store_be64(std::uint64_t value, std::byte* to);
std::uint64_t load_be64(const std::byte* from);
void store_be32(std::uint32_t value, std::byte* to);
std::uint32_t load_be32(const std::byte* from);

}  // namespace vallum
