#include "net/stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include <system_error>

namespace vallum::net {

using async::Ready;
using Status = IoResult::Status;

IoResult Stream::try_write(ByteView first, ByteView second) {
  const IoResult result = try_write(first);
  if (!result.is_done() || result.bytes < first.size()) {
    return result;
  }
  const IoResult rest = try_write(second);
  // A failure or a full buffer of the second part shows again at the next attempt.
  return IoResult::done(result.bytes + (rest.is_done() ? rest.bytes : 0));
}

Error error_of(IoResult result, const char* doing) {
  const std::string reason = result.status == Status::Eof
                                 ? "the connection ended early"
                                 : std::generic_category().message(result.error);
  return {ErrorKind::Unavailable, std::string(doing).append(": ").append(reason)};
}

Error error_of(Ready ready, const char* doing) {
  if (ready == Ready::TimedOut) {
    return {ErrorKind::DeadlineExceeded, std::string(doing).append(": timed out")};
  }
  return {ErrorKind::Cancelled, std::string(doing).append(": the connection was closed here")};
}

Async<std::size_t> read_some(Stream* stream, ByteSpan into, Deadline deadline) {
  for (;;) {
    const IoResult result = stream->try_read(into);
    if (result.is_done()) {
      co_return result.bytes;
    }
    if (result.status == Status::Eof) {
      co_return 0;
    }
    if (result.status == Status::Failed) {
      co_return fail(error_of(result, "read"));
    }
    const Ready ready = co_await stream->readable(deadline);
    if (ready != Ready::Ready) {
      co_return fail(error_of(ready, "read"));
    }
  }
}

Async<void> write_all(Stream* stream, ByteView bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const IoResult result = stream->try_write(bytes);
    if (result.is_done()) {
      bytes = bytes.subspan(result.bytes);
      continue;
    }
    if (result.status != Status::WouldBlock) {
      co_return fail(error_of(result, "write"));
    }
    const Ready ready = co_await stream->writable(deadline);
    if (ready != Ready::Ready) {
      co_return fail(error_of(ready, "write"));
    }
  }
  co_return co_await flush(stream, deadline);
}

Async<void> flush(Stream* stream, Deadline deadline) {
  for (;;) {
    const IoResult result = stream->try_flush();
    if (result.is_done()) {
      co_return {};
    }
    if (result.status != Status::WouldBlock) {
      co_return fail(error_of(result, "write"));
    }
    const Ready ready = co_await stream->writable(deadline);
    if (ready != Ready::Ready) {
      co_return fail(error_of(ready, "write"));
    }
  }
}

Task<void> close_lingering(std::unique_ptr<Stream> stream,
                           Deadline deadline,
                           std::size_t bytes_max) {
  stream->shutdown_write();
  std::size_t left = bytes_max;
  while (left > 0) {
    // Dropped unread, so the buffer may be anyone's; it must only not be in the frame.
    static constexpr std::size_t kPiece = 16UL * 1024;
    const auto drop = [](Stream& from, std::size_t bytes) {
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): never read
      std::array<std::byte, kPiece> buffer;
      return from.try_read(ByteSpan(buffer).first(bytes));
    };
    const IoResult result = drop(*stream, std::min(left, kPiece));
    if (result.is_done()) {
      left -= result.bytes;
      continue;
    }
    if (result.status != Status::WouldBlock) {
      co_return;
    }
    const Ready ready = co_await stream->readable(deadline);
    if (ready != Ready::Ready) {
      co_return;
    }
  }
}

}  // namespace vallum::net
