#pragma once

#include "async/io_handle.h"
#include "net/stream.h"

namespace vallum::net {

// A TCP connection of the kernel. An attempt makes a system call only when the last one or the
// reactor left reason to hope.
class SocketStream final : public Stream {
 public:
  // `fd` is connected and non-blocking.
  SocketStream(async::Core& core, async::UniqueFd fd, SocketAddress peer)
      : handle_(core, std::move(fd)), peer_(peer) {}

  // Registers with the reactor: once, before any wait.
  Result<void> watch() { return handle_.watch(); }

  using Stream::try_write;
  IoResult try_read(ByteSpan into) override;
  IoResult try_write(ByteView from) override;
  IoResult try_write(ByteView first, ByteView second) override;
  Wait readable(Deadline deadline) override { return handle_.readable().wait(deadline); }
  Wait writable(Deadline deadline) override { return handle_.writable().wait(deadline); }
  bool may_read() const override { return handle_.readable().is_set(); }
  bool peer_has_left() const override { return handle_.hang_up(); }
  void shutdown_write() override;
  void close() override { handle_.close(); }
  bool is_closed() const override { return handle_.fd() < 0; }
  SocketAddress peer_address() const override { return peer_; }
  SocketAddress local_address() const override;
  async::Core& core() const override { return handle_.core(); }

  // For connecting and for socket options.
  async::IoHandle& handle() { return handle_; }

 private:
  IoResult sent(long result, std::size_t asked);

  async::IoHandle handle_;
  SocketAddress peer_;
};

}  // namespace vallum::net
