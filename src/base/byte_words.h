#pragma once

#include <cstdint>
#include <cstring>

// Eight bytes at a time, for scans of text that is almost always plain. Byte order does not matter
// to any user of this.
namespace vallum::words {

// Requires eight bytes.
inline std::uint64_t load_word(const char* from) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}
constexpr std::uint64_t every(std::uint8_t byte) {
  return 0x0101010101010101ULL * byte;
}
inline constexpr std::uint64_t kHighBits = every(0x80);
// Not zero when some byte of the word is below `limit` (at most 0x80).
constexpr std::uint64_t any_below(std::uint64_t word, std::uint8_t limit) {
  return (word - every(limit)) & ~word & kHighBits;
}
// Not zero when some byte of the word is `byte`.
constexpr std::uint64_t any_equal(std::uint64_t word, std::uint8_t byte) {
  return any_below(word ^ every(byte), 1);
}

}  // namespace vallum::words
