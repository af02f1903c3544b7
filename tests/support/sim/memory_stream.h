#pragma once

#include <cstddef>
#include <deque>
#include <limits>
#include <memory>

#include "async/core.h"
#include "async/readiness.h"
#include "base/entropy.h"
#include "net/stream.h"

namespace vallum::testing {

// What goes wrong at one end of a stream in memory.
struct StreamFaults {
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

  // The attempt (read, write or flush, counted from 0) that finds the connection reset.
  std::size_t reset_at_attempt = kNever;
  // No attempt moves more bytes.
  std::size_t read_bytes_max = kNever;
  std::size_t write_bytes_max = kNever;
  // Bytes of all writes after which the connection is reset.
  std::size_t reset_after_bytes_written = kNever;
  // Until the other end sees what this end writes. Order is kept.
  Duration latency{0};
  // Chops attempts at random places.
  Entropy* chop = nullptr;
};

// One end of a connection in memory that behaves as the kernel's TCP does: bounded buffers, half
// close, reset when closed with unread bytes, data before the reset is still read. Both ends live
// on one thread; on different cores what one does reaches the other a millisecond later.
class MemoryStream final : public net::Stream, private async::Timer {
 public:
  static constexpr std::size_t kBufferedBytes = 64UL * 1024;

  struct Pair {
    std::unique_ptr<MemoryStream> client;
    std::unique_ptr<MemoryStream> server;
  };
  // Addresses are those of the server's listener and of the client.
  static Pair make_pair(async::Core& client_core,
                        async::Core& server_core,
                        net::SocketAddress server = {.ip = IpAddress::loopback_v4(), .port = 1000},
                        net::SocketAddress client = {.ip = IpAddress::loopback_v4(),
                                                     .port = 50000});
  static Pair make_pair(async::Core& core) { return make_pair(core, core); }

  MemoryStream(async::Core& core, net::SocketAddress local, net::SocketAddress peer);
  ~MemoryStream() override;

  using net::Stream::try_write;
  net::IoResult try_read(ByteSpan into) override;
  net::IoResult try_write(ByteView from) override;
  net::IoResult try_flush() override;
  Wait readable(Deadline deadline) override { return readable_.wait(deadline); }
  Wait writable(Deadline deadline) override { return writable_.wait(deadline); }
  bool may_read() const override { return readable_.is_set(); }
  bool peer_has_left() const override;
  void shutdown_write() override;
  void close() override;
  bool is_closed() const override { return closed_; }
  net::SocketAddress peer_address() const override { return peer_address_; }
  net::SocketAddress local_address() const override { return local_address_; }
  async::Core& core() const override { return core_; }

  // As a RST from either side: both ends fail, but for what had arrived before.
  void reset();
  StreamFaults& faults() { return faults_; }
  std::size_t attempts() const { return attempts_; }
  std::size_t bytes_written() const { return bytes_written_; }
  // Bytes under way to this end or not read yet.
  std::size_t unread_bytes() const { return unread_bytes_; }

 private:
  struct Segment {
    Instant visible_at;
    Bytes bytes;
    std::size_t taken = 0;
    bool end = false;
  };

  // Whether this attempt goes on; resets when its turn to fail has come.
  bool attempt();
  std::size_t chopped(std::size_t bytes, std::size_t limit) const;
  void send_to_peer(Segment segment);
  // Something arrives, or room was made, at `at` or when this core next runs.
  void stir(Instant at);
  void fired() override;

  async::Core& core_;
  net::SocketAddress local_address_;
  net::SocketAddress peer_address_;
  async::Readiness readable_;
  async::Readiness writable_;
  MemoryStream* peer_ = nullptr;  // nullptr once it is destroyed
  std::deque<Segment> arriving_;
  StreamFaults faults_;
  std::size_t unread_bytes_ = 0;
  std::size_t attempts_ = 0;
  std::size_t bytes_written_ = 0;
  bool write_ended_ = false;
  bool closed_ = false;
  bool reset_ = false;
};

}  // namespace vallum::testing
