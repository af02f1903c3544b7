#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "async/task.h"
#include "http/syntax/body.h"
#include "net/stream.h"
#include "proxy/buffer.h"

namespace vallum::proxy {

// Memory that code between two suspensions may use; nothing in it survives one. One per core.
struct RelayScratch {
  static constexpr std::size_t kReadBytes = 64 * 1024;

  RelayScratch() : read(kReadBytes) {}
  Bytes read;
  std::string encoded;
};

// Which side broke while bytes were moved.
enum class RelayFault : std::uint8_t {
  None,
  SourceFailed,     // reset, or closed in the middle
  SourceMalformed,  // bytes that are no body
  SinkFailed,
  TimedOut,
};

struct RelayLimits {
  // The end of the whole exchange.
  Deadline end = Deadline::never();
  // Longest wait for a byte to move; zero: none.
  Duration idle{};
  // Whether the relay ends within about a second when the sink's peer has left, although the source
  // is silent: for a client, which would not come to know what follows.
  bool sink_may_leave = false;

  Deadline next(const async::Core& core) const;
};

// Moves one body from one stream to another by pulling: it reads only when everything it has read
// was taken, so a slow sink stops the source, and memory stays at one read whatever the size.
//
//   BodyRelay relay(scratch, blocks, decoder, BodyFraming::chunked());
//   const RelayFault fault = co_await relay.run(&client, &client_buffer, &upstream, limits);
class BodyRelay {
 public:
  // `scratch` and `blocks` outlive the relay. `sent_as` is Chunked, or anything else for bytes as
  // they are.
  BodyRelay(RelayScratch& scratch,
            BlockPool& blocks,
            http::BodyDecoder decoder,
            http::BodyFraming sent_as);

  // Decodes what is at hand and appends it, as it is to be sent, to `out`. Never waits: for the
  // part of a body that travels with its head.
  RelayFault take_buffered(Buffer& buffered, std::string& out);

  // `buffered` holds what was read of the source already; bytes behind the body stay in it. All
  // three outlive the task.
  Task<RelayFault> run(net::Stream* from, Buffer* buffered, net::Stream* to, RelayLimits limits);

  bool finished() const { return finished_; }
  // Payload bytes moved so far.
  std::uint64_t bytes() const { return decoder_.data_bytes(); }

 private:
  enum class Pull : std::uint8_t { Again, WouldBlock, Failed };

  RelayFault encode(std::string_view& input, std::string& out);
  RelayFault move_on(std::string_view& input, net::Stream& to);
  Pull pull(net::Stream& from, Buffer& buffered, net::Stream& to, RelayFault& fault);
  RelayFault offer(net::Stream& to, std::string_view bytes);
  void end_chunks(std::string& out);

  RelayScratch& scratch_;
  http::BodyDecoder decoder_;
  bool chunked_;
  // What the sink has not taken yet; at most one read and its framing.
  Buffer pending_;
  bool finished_;
  bool ended_ = false;
};

// Copies bytes until the source ends its direction, which is passed on. For upgraded connections.
Task<RelayFault> copy_until_end(RelayScratch* scratch,
                                net::Stream* from,
                                Buffer* buffered,
                                net::Stream* to,
                                RelayLimits limits);

}  // namespace vallum::proxy
