#include "async/doorbell.h"

#include <cstdint>
#include <memory>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/byte_ring.h"
#include "async/core_thread.h"
#include "async/epoll_reactor.h"
#include "async/sleep.h"
#include "base/entropy.h"

namespace vallum::async {
namespace {

TEST(ByteRingTest, TakesAllOfAPieceOrNothing) {
  ByteRing ring(8);

  EXPECT_TRUE(ring.try_push(as_bytes("abcde")));
  EXPECT_FALSE(ring.try_push(as_bytes("fghi")));
  EXPECT_EQ(ring.room(), 3U);
  EXPECT_TRUE(ring.try_push(as_bytes("fgh")));

  EXPECT_EQ(as_text(ring.pushed()[0]), "abcdefgh");
  EXPECT_EQ(ring.pushed()[1].size(), 0U);
}

TEST(ByteRingTest, GivesRoomBackInOrderAcrossItsEnd) {
  ByteRing ring(8);
  ASSERT_TRUE(ring.try_push(as_bytes("abcdef")));
  ring.drop(4);

  ASSERT_TRUE(ring.try_push(as_bytes("ghijk")));

  EXPECT_EQ(as_text(ring.pushed()[0]), "efgh");
  EXPECT_EQ(as_text(ring.pushed()[1]), "ijk");
  ring.drop(7);
  EXPECT_EQ(ring.room(), 8U);
}

// Sends numbers through a ring from a second thread while this one sleeps whenever it finds none.
class TwoThreadsTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kNumbers = 20'000;

  struct Side {
    std::unique_ptr<EpollReactor> reactor = *EpollReactor::create();
    SystemClock clock;  // NOLINT(vallum-banned): two real threads need real time
    SystemEntropy entropy;
    Core core{{.reactor = *reactor, .clock = clock, .entropy = entropy}};
  };

  static Task<void> produce(ByteRing* ring, Doorbell* bell, Core* core) {
    for (std::uint32_t n = 0; n < kNumbers; ++n) {
      std::byte bytes[4];
      store_be32(n, bytes);
      while (!ring->try_push(bytes)) {
        co_await sleep_for(*core, std::chrono::milliseconds(1));
      }
      bell->ring();
    }
  }

  static std::uint32_t take(ByteRing& ring, std::uint32_t expected) {
    for (const ByteView piece : ring.pushed()) {
      for (std::size_t i = 0; i + 4 <= piece.size(); i += 4) {
        EXPECT_EQ(load_be32(&piece[i]), expected);
        ++expected;
      }
      ring.drop(piece.size());
    }
    return expected;
  }

  static Task<bool> consume(ByteRing* ring, Doorbell* bell, const Clock* clock) {
    const Deadline deadline = Deadline::after(*clock, std::chrono::seconds(60));
    std::uint32_t expected = 0;
    while (expected < kNumbers) {
      const std::uint32_t before = expected;
      expected = take(*ring, expected);
      if (expected != before) {
        continue;
      }
      bell->arm();
      expected = take(*ring, expected);
      if (expected == before) {
        const Ready ready = co_await bell->rung(deadline);
        if (ready != Ready::Ready) {
          co_return false;
        }
      }
      bell->disarm();
    }
    co_return true;
  }
};

TEST_F(TwoThreadsTest, NoWakeUpIsLost) {
  Side here;
  Side there;
  ByteRing ring(64);
  auto bell = Doorbell::open(here.core);
  ASSERT_TRUE(bell.has_value());
  Scope scope(there.core);
  scope.spawn(produce(&ring, bell->get(), &there.core));
  bool all = false;
  {
    const CoreThread thread(there.core, {.name = "producer", .cpu = {}});
    all = block_on(here.core, consume(&ring, bell->get(), &here.clock));
  }

  EXPECT_TRUE(all);
}

}  // namespace
}  // namespace vallum::async
