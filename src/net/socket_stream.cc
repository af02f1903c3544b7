#include "net/socket_stream.h"

#include <array>
#include <cerrno>

#include <sys/socket.h>
#include <sys/uio.h>

#include "net/native_address.h"

namespace vallum::net {
namespace {

iovec io_of(ByteView bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): sendmsg() only reads
  return {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
}

}  // namespace

IoResult SocketStream::try_read(ByteSpan into) {
  if (is_closed()) {
    return IoResult::failed(ENOTCONN);
  }
  if (!handle_.readable().is_set()) {
    return IoResult::would_block();
  }
  if (into.empty()) {
    return IoResult::done(0);
  }
  for (;;) {
    const ssize_t count = ::recv(handle_.fd(), into.data(), into.size(), 0);
    if (count > 0) {
      const auto bytes = static_cast<std::size_t>(count);
      if (bytes < into.size()) {
        handle_.drained();
      }
      return IoResult::done(bytes);
    }
    if (count == 0) {
      return IoResult::eof();
    }
    if (errno == EINTR) {
      continue;
    }
    if (errno == EAGAIN) {
      handle_.readable().clear();
      return IoResult::would_block();
    }
    return IoResult::failed(errno);
  }
}

IoResult SocketStream::try_write(ByteView from) {
  return try_write(from, {});
}

IoResult SocketStream::try_write(ByteView first, ByteView second) {
  if (is_closed()) {
    return IoResult::failed(EPIPE);
  }
  if (!handle_.writable().is_set()) {
    return IoResult::would_block();
  }
  if (first.empty() && second.empty()) {
    return IoResult::done(0);
  }
  ssize_t count = -1;
  do {
    if (second.empty()) {
      count = ::send(handle_.fd(), first.data(), first.size(), MSG_NOSIGNAL);
    } else {
      std::array<iovec, 2> parts{io_of(first), io_of(second)};
      msghdr message = {};
      message.msg_iov = parts.data();
      message.msg_iovlen = parts.size();
      count = ::sendmsg(handle_.fd(), &message, MSG_NOSIGNAL);
    }
  } while (count < 0 && errno == EINTR);
  return sent(count, first.size() + second.size());
}

IoResult SocketStream::sent(long result, std::size_t asked) {
  if (result < 0) {
    if (errno == EAGAIN) {
      handle_.writable().clear();
      return IoResult::would_block();
    }
    return IoResult::failed(errno);
  }
  const auto bytes = static_cast<std::size_t>(result);
  if (bytes < asked) {
    handle_.writable().clear();  // the send buffer is full: an edge tells when it has room
  }
  return IoResult::done(bytes);
}

void SocketStream::shutdown_write() {
  if (!is_closed()) {
    ::shutdown(handle_.fd(), SHUT_WR);
  }
}

SocketAddress SocketStream::local_address() const {
  NativeAddress native;
  if (::getsockname(handle_.fd(), native.get(), &native.size) != 0) {
    return {};
  }
  return from_native(native);
}

}  // namespace vallum::net
