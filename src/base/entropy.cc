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

std::string Entropy::uuid() {
  std::array<std::byte, 16> bytes{};
  fill(bytes);
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  std::string text = to_hex(bytes);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) {
    text.insert(at, 1, '-');
  }
  return text;
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
