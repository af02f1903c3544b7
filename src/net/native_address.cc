#include "net/native_address.h"

#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace vallum::net {

NativeAddress to_native(const SocketAddress& address) {
  NativeAddress native;
  const ByteView bytes = address.ip.bytes();
  if (address.ip.is_v4()) {
    sockaddr_in in = {};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    std::memcpy(&in.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&native.storage, &in, sizeof in);
    native.size = sizeof in;
    return native;
  }
  sockaddr_in6 in = {};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(address.port);
  std::memcpy(&in.sin6_addr, bytes.data(), bytes.size());
  std::memcpy(&native.storage, &in, sizeof in);
  native.size = sizeof in;
  return native;
}

SocketAddress from_native(const NativeAddress& native) {
  if (native.family() == AF_INET) {
    sockaddr_in in = {};
    std::memcpy(&in, &native.storage, sizeof in);
    return {.ip = IpAddress::from_bytes(std::as_bytes(std::span(&in.sin_addr, 1))),
            .port = ntohs(in.sin_port)};
  }
  if (native.family() == AF_INET6) {
    sockaddr_in6 in = {};
    std::memcpy(&in, &native.storage, sizeof in);
    return {.ip = IpAddress::from_bytes(std::as_bytes(std::span(&in.sin6_addr, 1))),
            .port = ntohs(in.sin6_port)};
  }
  return {};
}

}  // namespace vallum::net
