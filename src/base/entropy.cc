#include "base/entropy.h"

#include <array>
#include <cerrno>

#include <sys/random.h>

#include "base/check.h"

namespace vallum {

std::uint64_t Entropy::next_u64() {
  std::array<std::byte, 8> bytes{};
  fill(bytes);
  return load_be64(bytes.data());
}

UuidText uuid_text_of(std::span<const std::byte, 16> bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  UuidText text;
  std::size_t at = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      text.characters[at++] = '-';
    }
    text.characters[at++] = kDigits[std::to_integer<std::size_t>(bytes[i] >> 4)];
    text.characters[at++] = kDigits[std::to_integer<std::size_t>(bytes[i] & std::byte{0x0f})];
  }
  return text;
}

UuidText Entropy::uuid_text() {
  std::array<std::byte, 16> bytes{};
  fill(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  return uuid_text_of(bytes);
}

void SystemEntropy::fill(ByteSpan into) {
  while (!into.empty()) {
    const ssize_t got = getrandom(into.data(), into.size(), 0);
    if (got < 0) {
      CHECK(errno == EINTR);
      continue;
    }
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace vallum
