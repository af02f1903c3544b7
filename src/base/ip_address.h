#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace vallum {

// An IPv4 or IPv6 address without zone. An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is held as
// IPv4, so that one peer has one form.
class IpAddress {
 public:
  // 0.0.0.0
  IpAddress() = default;

  // Canonical text forms only: four decimal octets without leading zeros, or RFC 4291 text without
  // zone.
  static std::optional<IpAddress> parse(std::string_view text);
  // Network order. Requires 4 or 16 bytes.
  static IpAddress from_bytes(ByteView bytes);
  static IpAddress loopback_v4();

  bool is_v4() const { return v4_; }
  bool is_loopback() const;
  // 4 or 16 bytes, network order. Until the next non-const call.
  ByteView bytes() const { return ByteView(bytes_).first(v4_ ? 4 : 16); }
  // RFC 5952.
  std::string text() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::byte, 16> bytes_{};
  bool v4_ = true;
};

// Addresses that share their first bits. Host bits are masked off. Families never match each other.
class IpPrefix {
 public:
  IpPrefix() = default;

  // "a.b.c.d", "a.b.c.d/n", "x::y" or "x::y/n"; a bare address is a prefix of all its bits.
  static std::optional<IpPrefix> parse(std::string_view text);
  IpPrefix(const IpAddress& address, unsigned bits);

  bool contains(const IpAddress& address) const;
  const IpAddress& address() const { return address_; }
  unsigned bits() const { return bits_; }
  std::string text() const;

  bool operator==(const IpPrefix&) const = default;

 private:
  IpAddress address_;
  unsigned bits_ = 32;
};

}  // namespace vallum
