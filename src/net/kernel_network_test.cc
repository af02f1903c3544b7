#include "net/kernel_network.h"

#include <string>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "async/scope.h"
#include "support/allocation/allocation_count.h"
#include "support/seeded_entropy.h"
#include "support/sim/kernel_core.h"
#include "support/virtual_clock.h"

namespace vallum::net {
namespace {

using testing::KernelCore;

const SocketAddress kLoopback{.ip = IpAddress::loopback_v4(), .port = 0};

struct Pair {
  std::unique_ptr<Stream> client;
  std::unique_ptr<Stream> server;
};

Async<Pair> connect_pair(KernelNetwork* network, Listener* listener) {
  CO_TRY(auto client, co_await network->connect(listener->local_address(), Deadline::never()));
  CO_TRY(auto server, co_await listener->accept());
  co_return Pair{std::move(client), std::move(server)};
}

class KernelNetworkTest : public ::testing::Test {
 protected:
  Pair pair() { return *async::block_on(kernel_.core, connect_pair(&network_, listener_.get())); }

  std::string read(Stream& stream) {
    Bytes buffer(1024);
    const auto count = async::block_on(kernel_.core, read_some(&stream, buffer, Deadline::never()));
    return count ? std::string(as_text(ByteView(buffer).first(*count)))
                 : std::string(count.error().message());
  }

  Result<void> write(Stream& stream, std::string_view text) {
    return async::block_on(kernel_.core, write_all(&stream, as_bytes(text), Deadline::never()));
  }

  KernelCore kernel_;
  KernelNetwork network_{kernel_.core};
  std::unique_ptr<Listener> listener_ = *network_.listen(kLoopback, {});
};

TEST_F(KernelNetworkTest, CarriesBytesBothWays) {
  Pair ends = pair();

  ASSERT_TRUE(write(*ends.client, "ping"));
  EXPECT_EQ(read(*ends.server), "ping");
  ASSERT_TRUE(write(*ends.server, "pong"));
  EXPECT_EQ(read(*ends.client), "pong");
}

TEST_F(KernelNetworkTest, EachEndKnowsBothAddresses) {
  const Pair ends = pair();

  EXPECT_EQ(ends.client->peer_address(), listener_->local_address());
  EXPECT_EQ(ends.server->peer_address(), ends.client->local_address());
  EXPECT_EQ(ends.server->local_address(), listener_->local_address());
}

TEST_F(KernelNetworkTest, AHalfClosedStreamStillReads) {
  Pair ends = pair();

  ends.client->shutdown_write();

  EXPECT_EQ(read(*ends.server), "");
  ASSERT_TRUE(write(*ends.server, "late"));
  EXPECT_EQ(read(*ends.client), "late");
}

TEST_F(KernelNetworkTest, CarriesMoreThanTheKernelBuffers) {
  Pair ends = pair();
  const std::string text(8UL << 20U, 'x');
  async::Scope scope(kernel_.core);
  scope.spawn([](Stream* to, const std::string* all) -> Task<void> {
    const Result<void> written = co_await write_all(to, as_bytes(*all), Deadline::never());
    EXPECT_TRUE(written.has_value());
    to->shutdown_write();
  }(ends.client.get(), &text));

  std::size_t total = 0;
  for (std::size_t count = 1; count > 0; total += count) {
    count = read(*ends.server).size();
  }

  EXPECT_EQ(total, text.size());
}

TEST_F(KernelNetworkTest, WritesTwoPartsInOneGo) {
  Pair ends = pair();

  EXPECT_EQ(ends.client->try_write(as_bytes("head "), as_bytes("body")), IoResult::done(9));

  EXPECT_EQ(read(*ends.server), "head body");
}

TEST_F(KernelNetworkTest, AnOrderlyEndIsNotAnError) {
  Pair ends = pair();
  ASSERT_TRUE(write(*ends.client, "last"));

  ends.client->close();

  EXPECT_EQ(read(*ends.server), "last");
  EXPECT_EQ(read(*ends.server), "");
}

TEST_F(KernelNetworkTest, ATakenPortIsNamedWithItsCure) {
  const auto second = network_.listen(listener_->local_address(), {.share_port = false});

  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(second.error().message(),
            "cannot listen on " + listener_->local_address().text() +
                ": the port is in use; stop the other program or choose another port");
}

TEST_F(KernelNetworkTest, CoresShareAPortButASecondProgramIsNoticed) {
  EXPECT_TRUE(network_.listen(listener_->local_address(), {}).has_value());

  const auto second = network_.listen(listener_->local_address(), {.refuse_taken_port = true});

  EXPECT_EQ(second.error().kind(), ErrorKind::Conflict);
}

TEST_F(KernelNetworkTest, ARefusedConnectionNamesItsAddress) {
  const SocketAddress address = listener_->local_address();
  listener_.reset();

  const auto stream = async::block_on(kernel_.core, network_.connect(address, Deadline::never()));

  EXPECT_EQ(stream.error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(stream.error().message(), "connect to " + address.text() + ": Connection refused");
}

TEST_F(KernelNetworkTest, ListeningOnEveryAddressTakesIpv4Too) {
  const auto every = network_.listen({.ip = any_address(), .port = 0}, {});
  ASSERT_TRUE(every.has_value());
  const SocketAddress address{.ip = IpAddress::loopback_v4(),
                              .port = (*every)->local_address().port};

  EXPECT_TRUE(
      async::block_on(kernel_.core, network_.connect(address, Deadline::never())).has_value());
}

TEST_F(KernelNetworkTest, ClosingAListenerEndsTheWaitForConnections) {
  kernel_.core.post([this] { listener_->close(); });

  const auto stream = async::block_on(kernel_.core, listener_->accept());

  EXPECT_EQ(stream.error().kind(), ErrorKind::Cancelled);
}

// Leaves no descriptor free until destroyed.
class DescriptorLimit {
 public:
  DescriptorLimit() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const int next = ::fcntl(0, F_DUPFD_CLOEXEC, 0);
    EXPECT_GE(next, 0);
    rlimit tight = before_;
    tight.rlim_cur = static_cast<rlim_t>(next);
    EXPECT_EQ(::close(next), 0);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_ = {};
};

TEST(ListenerTest, WaitsOutALackOfDescriptors) {
  if (!testing::counts_allocations()) {
    GTEST_SKIP() << "a sanitizer needs descriptors for its own checks";
  }
  testing::VirtualClock clock;
  testing::SeededEntropy entropy(1);
  const auto reactor = *async::EpollReactor::create();
  async::Core core({.reactor = *reactor, .clock = clock, .entropy = entropy});
  KernelNetwork network(core);
  const auto listener = *network.listen(kLoopback, {});
  const auto client =
      async::block_on(core, network.connect(listener->local_address(), Deadline::never()));
  ASSERT_TRUE(client.has_value());
  async::Scope scope(core);
  bool accepted = false;
  scope.spawn([](Listener* from, bool* out) -> Task<void> {
    const auto stream = co_await from->accept();
    *out = stream.has_value();
  }(listener.get(), &accepted));
  {
    const DescriptorLimit limit;
    while (listener->counters().pauses == 0) {
      core.turn();
    }
    EXPECT_FALSE(accepted);
  }

  clock.advance(std::chrono::seconds(1));
  while (!scope.empty()) {
    core.turn();
  }

  EXPECT_TRUE(accepted);
}

}  // namespace
}  // namespace vallum::net
