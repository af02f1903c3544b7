#pragma once

#include <sys/socket.h>

#include "net/socket_address.h"

// For the .cc files that call the kernel.
namespace vallum::net {

struct NativeAddress {
  sockaddr_storage storage = {};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

NativeAddress to_native(const SocketAddress& address);
// Of another family than IP: the default address.
SocketAddress from_native(const NativeAddress& native);

}  // namespace vallum::net
