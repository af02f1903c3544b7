#include "net/kernel_network.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

#include "async/io_handle.h"
#include "async/sleep.h"
#include "net/native_address.h"
#include "net/socket_stream.h"

namespace vallum::net {
namespace {

using async::Ready;
using async::UniqueFd;

// How long accepting rests when no descriptor is left: connections that end give some back.
constexpr Duration kAcceptPause = std::chrono::milliseconds(100);
// Connections accepted before others on the core get their turn.
constexpr int kAcceptBatch = 16;
// Probes of a silent peer, so that a vanished one is noticed though nothing is sent: first after 60
// s, dead after 60 + 6 * 15 s.
constexpr int kKeepAliveIdleSeconds = 60;
constexpr int kKeepAliveIntervalSeconds = 15;
constexpr int kKeepAliveProbes = 6;

void set_option(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

// Accepted sockets inherit these from their listener.
void set_stream_options(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
}

Result<UniqueFd> open_socket(int family) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) {
    return fail(errno == EAFNOSUPPORT ? ErrorKind::Unavailable : ErrorKind::ResourceExhausted,
                "cannot open a socket: " + std::generic_category().message(errno));
  }
  return fd;
}

Unexpected listen_failure(const SocketAddress& address, int error) {
  std::string text = "cannot listen on " + address.text() + ": ";
  switch (error) {
    case EADDRINUSE:
      text += "the port is in use; stop the other program or choose another port";
      return fail(ErrorKind::Conflict, std::move(text));
    case EACCES:
      text += "not permitted; ports below 1024 need the capability CAP_NET_BIND_SERVICE";
      return fail(ErrorKind::PermissionDenied, std::move(text));
    case EADDRNOTAVAIL:
      text += "this machine does not have that address";
      return fail(ErrorKind::NotFound, std::move(text));
    default:
      text += std::generic_category().message(error);
      return fail(ErrorKind::Unavailable, std::move(text));
  }
}

Result<UniqueFd> open_listener(const SocketAddress& address, ListenOptions options) {
  const NativeAddress native = to_native(address);
  TRY(UniqueFd fd, open_socket(native.family()));
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.share_port) {
    set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  }
  if (native.family() == AF_INET6) {
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, address.ip == any_address() ? 0 : 1);
  }
  set_stream_options(fd.get());
  if (::bind(fd.get(), native.get(), native.size) != 0 ||
      ::listen(fd.get(), options.backlog) != 0) {
    return listen_failure(address, errno);
  }
  return fd;
}

bool is_out_of_resources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

class SocketListener final : public Listener {
 public:
  SocketListener(async::Core& core, UniqueFd fd) : handle_(core, std::move(fd)) {}

  Result<void> watch() { return handle_.watch(); }

  Async<std::unique_ptr<Stream>> accept() override;
  void close() override { handle_.close(); }
  SocketAddress local_address() const override;
  const ListenerCounters& counters() const override { return counters_; }

 private:
  // Returns a null stream when there was nothing to accept.
  Result<std::unique_ptr<Stream>> try_accept();

  async::IoHandle handle_;
  ListenerCounters counters_;
  int accepted_in_a_row_ = 0;
};

Result<std::unique_ptr<Stream>> SocketListener::try_accept() {
  NativeAddress peer;
  UniqueFd fd(::accept4(handle_.fd(), peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd.is_open()) {
    if (is_out_of_resources(errno)) {
      return fail(ErrorKind::ResourceExhausted, "no descriptor left for a connection");
    }
    // Other failures are those of one connection that is gone already.
    if (errno == EAGAIN) {
      handle_.readable().clear();
    }
    return nullptr;
  }
  auto stream = std::make_unique<SocketStream>(handle_.core(), std::move(fd), from_native(peer));
  TRY_OK(stream->watch());
  return stream;
}

Async<std::unique_ptr<Stream>> SocketListener::accept() {
  while (handle_.fd() >= 0) {
    if (!handle_.readable().is_set()) {
      accepted_in_a_row_ = 0;
      const Ready ready = co_await handle_.readable().wait(Deadline::never());
      if (ready != Ready::Ready) {
        break;
      }
    }
    if (accepted_in_a_row_ >= kAcceptBatch) {
      accepted_in_a_row_ = 0;
      co_await async::yield(handle_.core());
      continue;
    }
    Result<std::unique_ptr<Stream>> stream = try_accept();
    if (!stream) {
      ++counters_.pauses;
      co_await async::sleep_for(handle_.core(), kAcceptPause);
      continue;
    }
    if (*stream != nullptr) {
      ++counters_.accepted;
      ++accepted_in_a_row_;
      co_return *std::move(stream);
    }
  }
  co_return fail(ErrorKind::Cancelled, "the listener was closed");
}

SocketAddress SocketListener::local_address() const {
  NativeAddress native;
  if (::getsockname(handle_.fd(), native.get(), &native.size) != 0) {
    return {};
  }
  return from_native(native);
}

Unexpected connect_failure(const SocketAddress& address, int error) {
  const ErrorKind kind =
      is_out_of_resources(error) ? ErrorKind::ResourceExhausted : ErrorKind::Unavailable;
  return fail(kind, "connect to " + address.text() + ": " + std::generic_category().message(error));
}

int pending_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

Result<std::unique_ptr<Listener>> KernelNetwork::listen(SocketAddress address,
                                                        ListenOptions options) {
  if (options.refuse_taken_port) {
    ListenOptions alone = options;
    alone.share_port = false;
    TRY_OK(open_listener(address, alone));
  }
  Result<UniqueFd> fd = open_listener(address, options);
  if (!fd && fd.error().kind() == ErrorKind::Unavailable && address.ip == any_address()) {
    // A kernel or container without IPv6.
    fd = open_listener({.ip = IpAddress(), .port = address.port}, options);
  }
  if (!fd) {
    return fail(std::move(fd).error());
  }
  auto listener = std::make_unique<SocketListener>(core_, *std::move(fd));
  TRY_OK(listener->watch());
  return listener;
}

Result<std::unique_ptr<Listener>> KernelNetwork::listen_local(const std::string& path) {
  constexpr int kBacklog = 16;
  const auto failure = [&path](int error) {
    return fail(ErrorKind::Unavailable,
                "cannot listen on " + path + ": " + std::generic_category().message(error));
  };
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return failure(ENAMETOOLONG);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  TRY(UniqueFd fd, open_socket(AF_UNIX));
  ::unlink(path.c_str());
  // Nobody connects before it listens, and then its mode is that of this user alone.
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return failure(errno);
  }
  auto listener = std::make_unique<SocketListener>(core_, std::move(fd));
  TRY_OK(listener->watch());
  return listener;
}

Async<std::unique_ptr<Stream>> KernelNetwork::connect(SocketAddress address, Deadline deadline) {
  const NativeAddress native = to_native(address);
  Result<UniqueFd> fd = open_socket(native.family());
  if (!fd) {
    co_return fail(fd.error().with_context("connect to " + address.text()));
  }
  set_stream_options(fd->get());
  auto stream = std::make_unique<SocketStream>(core_, *std::move(fd), address);
  const int result = ::connect(stream->handle().fd(), native.get(), native.size);
  if (result != 0 && errno != EINPROGRESS) {
    co_return connect_failure(address, errno);
  }
  if (result != 0) {
    stream->handle().writable().clear();
  }
  CO_TRY_OK(stream->watch());
  const Ready ready = co_await stream->writable(deadline);
  if (ready == Ready::TimedOut) {
    co_return fail(ErrorKind::DeadlineExceeded, "connect to " + address.text() + ": timed out");
  }
  const int error = pending_error(stream->handle().fd());
  if (error != 0) {
    co_return connect_failure(address, error);
  }
  co_return stream;
}

}  // namespace vallum::net
