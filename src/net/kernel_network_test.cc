#include "net/kernel_network.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "support/sim/kernel_core.h"

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

}  // namespace
}  // namespace vallum::net
