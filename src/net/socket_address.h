#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"

namespace vallum::net {

// One end of a TCP connection.
struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  // "192.0.2.1:443" or "[2001:db8::1]:443": a literal address and a decimal port, nothing else.
  static std::optional<SocketAddress> parse(std::string_view text);
  // In the form that parse() reads.
  std::string text() const;

  auto operator<=>(const SocketAddress&) const = default;
};

// Every address of both families: "::" with any port, which a listener opens for IPv4 as well.
IpAddress any_address();

}  // namespace vallum::net
