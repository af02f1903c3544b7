#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/stream.h"
#include "support/sim/memory_stream.h"
#include "support/sim/sim_world.h"
#include "support/sim/text_match.h"

namespace vallum::testing {

struct FieldMatch {
  std::string name;  // compared without case
  TextMatch value;
};

// The head of a message as it came: one line each, without the empty line at the end.
struct Head {
  std::string start_line;
  std::string fields;  // "Name: value\r\n"...

  // The first field of that name, without surrounding spaces.
  std::optional<std::string> field(std::string_view name) const;
  std::size_t count(std::string_view name) const;
};

// A peer that a test speaks for, line by line. Each call runs the world until it is satisfied, and
// fails the test when that takes longer than `patience` of virtual time. Knows no HTTP but where a
// head ends.
class ScriptedClient {
 public:
  // Both outlive this, but for the stream.
  ScriptedClient(SimWorld& world, std::unique_ptr<net::Stream> stream)
      : world_(world), stream_(std::move(stream)) {}
  // Connects over the world's wires; fails the test when refused.
  static ScriptedClient connect(SimWorld& world, net::SocketAddress address);

  void send(std::string_view bytes);
  // Reads one head and compares it; returns it for a closer look.
  Head expect_head(const TextMatch& start_line, std::initializer_list<FieldMatch> fields = {});
  void expect_bytes(std::string_view bytes);
  // Reads the body that the head announces: by length, by chunks, or to the end. Interim heads and
  // answers to HEAD have none.
  std::string read_body(const Head& head);
  // Nothing more, and an end in order.
  void expect_end();
  // Nothing at all for that long.
  void expect_silence(Duration duration);
  void shutdown_write() { stream_->shutdown_write(); }
  void close() { stream_->close(); }

  Duration patience = std::chrono::minutes(2);
  net::Stream& stream() { return *stream_; }

 private:
  enum class Progress : std::uint8_t { More, Nothing, End };

  Head read_head();
  std::string take(std::size_t bytes);
  std::string take_line();
  // Reads what is there; waits for something unless `wait` is false.
  Progress read_more();
  Progress try_read();

  SimWorld& world_;
  std::unique_ptr<net::Stream> stream_;
  std::string received_;
};

}  // namespace vallum::testing
