#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "async/readiness.h"
#include "async/task.h"
#include "base/bytes.h"
#include "net/socket_address.h"

namespace vallum::net {

// What one attempt to read or write came to.
struct IoResult {
  enum class Status : std::uint8_t {
    Done,        // `bytes` were moved, at least one unless none was asked for
    WouldBlock,  // wait for readable() or writable(), as by the call, and try again
    Eof,         // reads only: the peer ended its direction in order
    Failed,      // the connection is of no more use; `error` is an errno value
  };
  Status status = Status::WouldBlock;
  int error = 0;
  std::size_t bytes = 0;

  static constexpr IoResult done(std::size_t bytes) { return {Status::Done, 0, bytes}; }
  static constexpr IoResult would_block() { return {Status::WouldBlock, 0, 0}; }
  static constexpr IoResult eof() { return {Status::Eof, 0, 0}; }
  static constexpr IoResult failed(int error) { return {Status::Failed, error, 0}; }

  bool is_done() const { return status == Status::Done; }
  bool operator==(const IoResult&) const = default;
};

// A connection: bytes in order in both directions, each ended on its own. Plain TCP, TLS over it,
// or a pipe in memory in tests. Attempts never block; waits never allocate. Belongs to one core.
// At most one coroutine waits per direction. Destroying it closes it; no coroutine may be in a
// member's wait then unless it is never resumed or returns on Closed without touching the stream.
class Stream {
 public:
  using Wait = async::Readiness::Wait;

  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  virtual IoResult try_read(ByteSpan into) = 0;
  // What is accepted may wait inside the stream (an encrypted record) for try_flush(), for a later
  // try_write() or for the socket; `bytes` counts it.
  virtual IoResult try_write(ByteView from) = 0;
  // As one try_write() of both parts, in one system call or record where the stream can.
  virtual IoResult try_write(ByteView first, ByteView second);
  // Sends what waits inside the stream. Done (0 bytes) when nothing is left.
  virtual IoResult try_flush() { return IoResult::done(0); }

  // co_await stream.readable(deadline): Ready when try_read() should be called again, TimedOut when
  // the deadline passed, Closed after close().
  virtual Wait readable(Deadline deadline) = 0;
  virtual Wait writable(Deadline deadline) = 0;
  // Whether try_read() may return something other than WouldBlock now. Costs no system call.
  virtual bool may_read() const = 0;

  // Whether the peer is known to have ended its direction or the connection to have failed, even
  // with bytes still to read. Costs no system call.
  virtual bool peer_has_left() const = 0;

  // Ends our direction in order: the peer reads Eof after what was written. Flush before.
  virtual void shutdown_write() = 0;
  // Ends both directions; waits end with Closed and attempts fail. May be called again.
  virtual void close() = 0;
  virtual bool is_closed() const = 0;

  virtual SocketAddress peer_address() const = 0;
  virtual SocketAddress local_address() const = 0;
  virtual async::Core& core() const = 0;
};

// The Error for a result that is Eof or Failed; `doing` ("read from the client") has static
// storage.
Error error_of(IoResult result, const char* doing);
// The Error for a wait that was not Ready.
Error error_of(async::Ready ready, const char* doing);

// In all of these the stream and the bytes live until the task ends.

// Reads at least one byte, or returns 0 when the peer ended its direction.
Async<std::size_t> read_some(Stream* stream, ByteSpan into, Deadline deadline);
// Writes everything and flushes it.
Async<void> write_all(Stream* stream, ByteView bytes, Deadline deadline);
// Sends what waits inside the stream.
Async<void> flush(Stream* stream, Deadline deadline);

// Ends our direction, reads and drops at most `bytes_max` bytes until the peer ends its own, then
// closes. Closing with unread bytes would reset the connection, and the peer might lose the answer
// that it has not read yet.
Task<void> close_lingering(std::unique_ptr<Stream> stream,
                           Deadline deadline,
                           std::size_t bytes_max);

}  // namespace vallum::net
