#include "net/stream.h"

#include <cerrno>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "async/sleep.h"
#include "support/sim/fake_core.h"
#include "support/sim/memory_stream.h"

namespace vallum::net {
namespace {

using testing::FakeCore;
using testing::MemoryStream;

Async<std::string> read_all(Stream* stream, Deadline deadline) {
  std::string text;
  Bytes buffer(4096);
  for (;;) {
    CO_TRY(const std::size_t count, co_await read_some(stream, buffer, deadline));
    if (count == 0) {
      co_return text;
    }
    text.append(as_text(ByteView(buffer).first(count)));
  }
}

Task<void> write_and_end(Stream* stream, std::string text) {
  const Result<void> written = co_await write_all(stream, as_bytes(text), Deadline::never());
  if (written) {
    stream->shutdown_write();
  }
}

class StreamTest : public ::testing::Test {
 protected:
  Result<std::string> transfer(std::string text) {
    async::Scope scope(fake_.core);
    scope.spawn(write_and_end(ends_.client.get(), std::move(text)));
    return async::block_on(fake_.core, read_all(ends_.server.get(), Deadline::never()));
  }

  FakeCore fake_{7};
  MemoryStream::Pair ends_ = MemoryStream::make_pair(fake_.core);
};

TEST_F(StreamTest, CarriesMoreThanItsBufferHolds) {
  const std::string text(10 * MemoryStream::kBufferedBytes + 17, 'x');

  EXPECT_EQ(transfer(text).value(), text);
}

TEST_F(StreamTest, NeverHoldsMoreThanItsBuffer) {
  const std::string text(10 * MemoryStream::kBufferedBytes, 'x');
  async::Scope scope(fake_.core);

  scope.spawn(write_and_end(ends_.client.get(), text));
  fake_.run_ready();

  EXPECT_EQ(ends_.server->unread_bytes(), MemoryStream::kBufferedBytes);
}

TEST_F(StreamTest, ArrivesWholeHoweverItIsChopped) {
  ends_.client->faults().chop = &fake_.entropy;
  ends_.server->faults().chop = &fake_.entropy;
  ends_.server->faults().read_bytes_max = 100;
  ends_.client->faults().latency = std::chrono::milliseconds(3);
  std::string text;
  for (int i = 0; i < 20000; ++i) {
    text += std::to_string(i);
  }

  EXPECT_EQ(transfer(text).value(), text);
}

TEST_F(StreamTest, AResetAtAnyAttemptIsAnErrorNotAnEnd) {
  for (std::size_t attempt = 0;; ++attempt) {
    ends_ = MemoryStream::make_pair(fake_.core);
    ends_.server->faults().reset_at_attempt = attempt;

    const Result<std::string> read = transfer("twelve bytes");

    if (ends_.server->attempts() <= attempt) {
      EXPECT_EQ(read.value(), "twelve bytes");
      EXPECT_GT(attempt, 1U);
      return;
    }
    ASSERT_FALSE(read.has_value()) << "attempt " << attempt;
    EXPECT_EQ(read.error().kind(), ErrorKind::Unavailable);
  }
}

TEST_F(StreamTest, AReadEndsAtItsDeadline) {
  const Deadline deadline = fake_.core.deadline_in(std::chrono::seconds(5));

  const Result<std::string> read =
      async::block_on(fake_.core, read_all(ends_.server.get(), deadline));

  EXPECT_EQ(read.error().kind(), ErrorKind::DeadlineExceeded);
  EXPECT_EQ(fake_.clock.now(), deadline.at());
}

TEST_F(StreamTest, ClosingWakesTheReaderWithCancelled) {
  async::Scope scope(fake_.core);
  scope.spawn([](MemoryStream* stream) -> Task<void> {
    co_await async::sleep_for(stream->core(), std::chrono::seconds(1));
    stream->close();
  }(ends_.server.get()));

  const Result<std::string> read =
      async::block_on(fake_.core, read_all(ends_.server.get(), Deadline::never()));

  EXPECT_EQ(read.error().kind(), ErrorKind::Cancelled);
}

TEST_F(StreamTest, ClosingWithUnreadBytesResetsThePeer) {
  ASSERT_TRUE(ends_.client->try_write(as_bytes("unread")).is_done());
  ASSERT_TRUE(ends_.server->try_write(as_bytes("answer")).is_done());

  ends_.server->close();

  Bytes buffer(64);
  EXPECT_EQ(ends_.client->try_read(buffer), IoResult::done(6));
  EXPECT_EQ(ends_.client->try_read(buffer), IoResult::failed(ECONNRESET));
}

TEST_F(StreamTest, LingeringCloseLetsThePeerReadTheAnswer) {
  ASSERT_TRUE(ends_.client->try_write(as_bytes("more of the body")).is_done());
  ASSERT_TRUE(ends_.server->try_write(as_bytes("answer")).is_done());
  async::Scope scope(fake_.core);
  scope.spawn(close_lingering(std::move(ends_.server), Deadline::never(), 1000));

  const Result<std::string> read =
      async::block_on(fake_.core, read_all(ends_.client.get(), Deadline::never()));

  EXPECT_EQ(read.value(), "answer");
  EXPECT_EQ(scope.size(), 1U);
  ends_.client->close();
  fake_.run_ready();
  EXPECT_TRUE(scope.empty());
}

TEST_F(StreamTest, LingeringCloseReadsNoMoreThanItsLimit) {
  ASSERT_TRUE(ends_.client->try_write(as_bytes(std::string(5000, 'x'))).is_done());
  async::Scope scope(fake_.core);
  scope.spawn(close_lingering(std::move(ends_.server), Deadline::never(), 1000));

  fake_.run_ready();

  EXPECT_TRUE(scope.empty());
  Bytes buffer(64);
  EXPECT_EQ(ends_.client->try_read(buffer), IoResult::eof());
  EXPECT_EQ(ends_.client->try_write(as_bytes("more")).status, IoResult::Status::Failed);
}

TEST_F(StreamTest, WritesTwoPartsInOrder) {
  EXPECT_EQ(ends_.client->try_write(as_bytes("head "), as_bytes("body")), IoResult::done(9));

  Bytes buffer(64);
  std::string read;
  while (ends_.server->may_read()) {
    const IoResult result = ends_.server->try_read(buffer);
    read.append(as_text(ByteView(buffer).first(result.bytes)));
  }
  EXPECT_EQ(read, "head body");
}

}  // namespace
}  // namespace vallum::net
