#include "proxy/relay.h"

#include <string>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/scope.h"
#include "support/sim/fake_core.h"
#include "support/sim/memory_stream.h"

namespace vallum::proxy {
namespace {

using http::BodyFraming;
using testing::FakeCore;
using testing::MemoryStream;

// A source and a sink: bytes written to source.client come out of the relay into sink.server.
class BodyRelayTest : public ::testing::Test {
 protected:
  RelayFault run(BodyFraming framing, BodyFraming sent_as, RelayLimits limits = {}) {
    BodyRelay relay(scratch_, blocks_, http::BodyDecoder(framing), sent_as);
    const RelayFault fault = async::block_on(
        fake_.core, relay.run(source_.server.get(), &buffered_, sink_.client.get(), limits));
    moved_ = relay.bytes();
    return fault;
  }
  void send(std::string_view text) {
    ASSERT_EQ(source_.client->try_write(as_bytes(text)), net::IoResult::done(text.size()));
    ASSERT_TRUE(source_.client->try_flush().is_done());
  }
  std::string received() {
    Bytes piece(65536);
    std::string text;
    fake_.run_ready();
    while (true) {
      const net::IoResult result = sink_.server->try_read(piece);
      if (!result.is_done()) {
        return text;
      }
      text.append(as_text(ByteView(piece).first(result.bytes)));
    }
  }

  FakeCore fake_;
  BlockPool blocks_{4};
  RelayScratch scratch_;
  Buffer buffered_{blocks_};
  MemoryStream::Pair source_ = MemoryStream::make_pair(fake_.core);
  MemoryStream::Pair sink_ = MemoryStream::make_pair(fake_.core);
  std::uint64_t moved_ = 0;
};

TEST_F(BodyRelayTest, MovesABodyOfKnownLengthAndLeavesWhatFollows) {
  buffered_.append("hel");
  send("lo worldGET /next");

  EXPECT_EQ(run(BodyFraming::of_length(11), BodyFraming::of_length(11)), RelayFault::None);

  EXPECT_EQ(received(), "hello world");
  EXPECT_EQ(buffered_.text(), "GET /next");
  EXPECT_EQ(moved_, 11U);
}

TEST_F(BodyRelayTest, FramesChunksAnewAndDropsTrailersAndExtensions) {
  send("3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Pomerium-Claim-Email: a@b\r\n\r\nrest");

  EXPECT_EQ(run(BodyFraming::chunked(), BodyFraming::chunked()), RelayFault::None);

  EXPECT_EQ(received(), "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(buffered_.text(), "rest");
}

TEST_F(BodyRelayTest, ABodyThatLastsUntilCloseBecomesChunks) {
  send("abc");
  source_.client->shutdown_write();

  EXPECT_EQ(run(BodyFraming::until_close(), BodyFraming::chunked()), RelayFault::None);

  EXPECT_EQ(received(), "3\r\nabc\r\n0\r\n\r\n");
}

TEST_F(BodyRelayTest, ASourceThatEndsInTheMiddleIsAFault) {
  send("abc");
  source_.client->shutdown_write();

  EXPECT_EQ(run(BodyFraming::of_length(5), BodyFraming::of_length(5)), RelayFault::SourceFailed);
}

TEST_F(BodyRelayTest, MalformedChunksAreAFault) {
  send("zz\r\n");

  EXPECT_EQ(run(BodyFraming::chunked(), BodyFraming::chunked()), RelayFault::SourceMalformed);
}

TEST_F(BodyRelayTest, ASinkThatGoesAwayIsAFault) {
  send("abc");
  sink_.server->reset();

  EXPECT_EQ(run(BodyFraming::of_length(3), BodyFraming::of_length(3)), RelayFault::SinkFailed);
}

TEST_F(BodyRelayTest, WaitsNoLongerThanItsIdleLimit) {
  const Instant before = fake_.clock.now();

  EXPECT_EQ(run(BodyFraming::of_length(3),
                BodyFraming::of_length(3),
                {.end = Deadline::never(), .idle = std::chrono::seconds(7)}),
            RelayFault::TimedOut);

  EXPECT_GE(fake_.clock.now() - before, std::chrono::seconds(7));
  EXPECT_LT(fake_.clock.now() - before, std::chrono::seconds(8));
}

TEST_F(BodyRelayTest, ASlowSinkStopsTheSourceAndMemoryStaysBounded) {
  // A body far larger than every buffer on the way.
  constexpr std::size_t kBody = 4UL << 20;
  BodyRelay relay(scratch_,
                  blocks_,
                  http::BodyDecoder(BodyFraming::of_length(kBody)),
                  BodyFraming::of_length(kBody));
  async::Scope scope(fake_.core);
  RelayFault fault = RelayFault::TimedOut;
  auto relaying = [](Task<RelayFault> running, RelayFault* out) -> Task<void> {
    *out = co_await std::move(running);
  };
  scope.spawn(relaying(
      relay.run(source_.server.get(), &buffered_, sink_.client.get(), RelayLimits{}), &fault));
  const std::string block(16384, 'x');
  std::size_t sent = 0;
  for (int i = 0; i < 1000; ++i) {
    const net::IoResult result = source_.client->try_write(as_bytes(block));
    sent += result.bytes;
    source_.client->try_flush();
    fake_.advance(std::chrono::milliseconds(2));
  }
  // Nothing is read, so nothing more is taken than the buffers of both connections and one read of
  // the relay.
  EXPECT_LE(sent, 2 * MemoryStream::kBufferedBytes + RelayScratch::kReadBytes);
  std::size_t got = 0;
  while (got < kBody) {
    const std::size_t left = kBody - sent;
    const net::IoResult result =
        source_.client->try_write(as_bytes(std::string_view(block).substr(0, left)));
    sent += result.bytes;
    source_.client->try_flush();
    fake_.advance(std::chrono::milliseconds(2));
    got += received().size();
  }
  fake_.advance(std::chrono::milliseconds(5));
  EXPECT_EQ(fault, RelayFault::None);
  EXPECT_EQ(got, kBody);
}

TEST_F(BodyRelayTest, EveryFailureOfAnyAttemptEndsInAFault) {
  for (std::size_t n = 0;; ++n) {
    MemoryStream::Pair source = MemoryStream::make_pair(fake_.core);
    MemoryStream::Pair sink = MemoryStream::make_pair(fake_.core);
    ASSERT_TRUE(source.client->try_write(as_bytes("5\r\nhello\r\n0\r\n\r\n")).is_done());
    sink.client->faults().reset_at_attempt = n;
    Buffer buffered(blocks_);
    BodyRelay relay(
        scratch_, blocks_, http::BodyDecoder(BodyFraming::chunked()), BodyFraming::chunked());
    const RelayFault fault = async::block_on(
        fake_.core, relay.run(source.server.get(), &buffered, sink.client.get(), {}));
    if (fault == RelayFault::None) {
      EXPECT_GT(n, 0U);
      break;
    }
    EXPECT_EQ(fault, RelayFault::SinkFailed);
    ASSERT_LT(n, 100U);
  }
}

}  // namespace
}  // namespace vallum::proxy
