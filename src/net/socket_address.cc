#include "net/socket_address.h"

#include <array>
#include <limits>

#include "base/bytes.h"
#include "base/strings.h"

namespace vallum::net {

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  const std::size_t colon = text.find_last_of(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
  }
  const std::optional<IpAddress> ip = IpAddress::parse(host);
  const std::optional<std::uint64_t> port = parse_u64(text.substr(colon + 1));
  const bool has_v6_form = host.find(':') != std::string_view::npos;
  if (!ip || !port || *port > std::numeric_limits<std::uint16_t>::max() ||
      bracketed != has_v6_form) {
    return std::nullopt;
  }
  return SocketAddress{.ip = *ip, .port = static_cast<std::uint16_t>(*port)};
}

std::string SocketAddress::text() const {
  std::string out = ip.is_v4() ? ip.text() : "[" + ip.text() + "]";
  return out.append(":").append(std::to_string(port));
}

IpAddress any_address() {
  return IpAddress::from_bytes(std::array<std::byte, 16>{});
}

}  // namespace vallum::net
