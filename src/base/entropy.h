#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace vallum {

// The text of a UUID, which needs no heap.
struct UuidText {
  std::array<char, 36> characters{};
  std::string_view view() const { return {characters.data(), characters.size()}; }
};

// The text of the 16 bytes of a UUID: lower case, RFC 9562 4.
UuidText uuid_text_of(std::span<const std::byte, 16> bytes);

// The one source of randomness. Seeded in tests and in the simulation; nothing else may make keys,
// tokens or ids.
class Entropy {
 public:
  Entropy() = default;
  Entropy(const Entropy&) = delete;
  Entropy& operator=(const Entropy&) = delete;
  virtual ~Entropy() = default;

  virtual void fill(ByteSpan into) = 0;

  std::uint64_t next_u64();
  // RFC 9562 version 4, lower-case text of 36 characters.
  std::string uuid() { return std::string(uuid_text().view()); }
  UuidText uuid_text();
};

// getrandom(2). Any thread. Ends the process when the kernel has no randomness to give.
class SystemEntropy final : public Entropy {
 public:
  void fill(ByteSpan into) override;
};

}  // namespace vallum
