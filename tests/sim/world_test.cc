// The simulated world itself: what the tests of the whole proxy rely on.
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "async/scope.h"
#include "async/sleep.h"
#include "net/network.h"
#include "support/sim/scripted_client.h"
#include "support/sim/sim_application.h"
#include "support/sim/sim_world.h"
#include "tls/per_core.h"
#include "upstream/pool.h"

namespace vallum::testing {
namespace {

using namespace std::chrono_literals;

const net::SocketAddress kFront{.ip = IpAddress::loopback_v4(), .port = 443};
const net::SocketAddress kBack{.ip = IpAddress::loopback_v4(), .port = 8080};

// The smallest thing between a client and an application: one pool per core, bytes as they come.
class Relay {
 public:
  Relay(SimWorld& world, unsigned core)
      : tls_(Secret("seed of the tickets"), world.clock().wall()),
        pool_({.core = world.core(core),
               .network = world.network(core),
               .resolver = world.resolver(core),
               .tls = tls_},
              {}),
        listener_(*world.network(core).listen(kFront, {})),
        scope_(world.core(core)) {
    scope_.spawn(accept_all());
  }

  std::size_t busy() const { return scope_.size() - 1; }
  const upstream::PoolCounters& counters() const { return pool_.counters(); }

 private:
  Task<void> accept_all() {
    for (;;) {
      Result<std::unique_ptr<net::Stream>> stream = co_await listener_->accept();
      if (!stream) {
        co_return;
      }
      scope_.spawn(serve(*std::move(stream)));
    }
  }

  Task<void> serve(std::unique_ptr<net::Stream> client) {
    const Deadline deadline = client->core().deadline_in(30s);
    Result<upstream::Lease> lease =
        co_await pool_.lease(&target_, upstream::Pool::Reuse::Never, deadline);
    if (!lease) {
      const std::string answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
      co_await net::write_all(client.get(), as_bytes(answer), deadline);
      co_return;
    }
    async::Scope both(client->core());
    both.spawn(copy(client.get(), &lease->stream(), deadline));
    both.spawn(copy(&lease->stream(), client.get(), deadline));
    co_await both.drain(deadline);
  }

  static Task<void> copy(net::Stream* from, net::Stream* to, Deadline deadline) {
    Bytes buffer(8UL * 1024);
    for (;;) {
      const Result<std::size_t> count = co_await net::read_some(from, buffer, deadline);
      if (!count || *count == 0) {
        break;
      }
      const Result<void> written =
          co_await net::write_all(to, ByteView(buffer).first(*count), deadline);
      if (!written) {
        from->close();
        break;
      }
    }
    to->shutdown_write();
  }

  upstream::Target target_{{{.host = kBack.ip.text(), .port = kBack.port}}};
  tls::PerCore tls_;
  upstream::Pool pool_;
  std::unique_ptr<net::Listener> listener_;
  async::Scope scope_;
};

TEST(SimWorldTest, AClientConversesWithAnApplicationThroughTheProcess) {
  SimWorld world(1);
  SimApplication app(world, kBack);
  const Relay relay(world, 0);
  auto client = ScriptedClient::connect(world, kFront);

  client.send("GET / HTTP/1.1\r\nHost: app.example\r\n\r\n");

  const Head head =
      client.expect_head("HTTP/1.1 200 OK", {{"content-length", "5"}, {"set-cookie", absent()}});
  EXPECT_EQ(client.read_body(head), "hello");
  EXPECT_EQ(app.requests_seen(), 1U);
  EXPECT_EQ(app.received(), "GET / HTTP/1.1\r\nHost: app.example\r\n\r\n");
}

TEST(SimWorldTest, ReadsChunkedBodiesInBothDirections) {
  SimWorld world(2);
  SimApplication app(world, kBack);
  app.answer_with([](const SimApplication::Request& request) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nyou \r\nb\r\nsent: " +
           request.body.substr(0, 5) + "\r\n0\r\n\r\n";
  });
  const Relay relay(world, 0);
  auto client = ScriptedClient::connect(world, kFront);

  client.send(
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");

  EXPECT_EQ(client.read_body(client.expect_head("HTTP/1.1 200 OK")), "you sent: hello");
}

TEST(SimWorldTest, AnApplicationThatThinksTakesVirtualTimeOnly) {
  SimWorld world(3);
  SimApplication app(world, kBack);
  app.think_time = 5s;
  const Relay relay(world, 0);
  auto client = ScriptedClient::connect(world, kFront);
  const Instant start = world.clock().now();

  client.send("GET / HTTP/1.1\r\n\r\n");
  client.expect_silence(4s);
  client.expect_head(starts_with("HTTP/1.1 200"));

  EXPECT_GE(world.clock().now() - start, 5s);
}

TEST(SimWorldTest, NobodyListeningIsAnAnswer) {
  SimWorld world(4);
  const Relay relay(world, 0);
  auto client = ScriptedClient::connect(world, kFront);

  client.expect_head("HTTP/1.1 503 Service Unavailable");
  client.expect_end();
}

TEST(SimWorldTest, ListenersOfOnePortTakeTurns) {
  SimWorld world(5, 2);
  SimApplication app(world, kBack);
  const Relay first(world, 0);
  const Relay second(world, 1);
  std::vector<ScriptedClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(ScriptedClient::connect(world, kFront));
  }
  world.advance(1s);

  EXPECT_EQ(first.busy(), 2U);
  EXPECT_EQ(second.busy(), 2U);
}

// One run of many clients with faults; returns what happened, to be compared.
std::string run_with_faults(std::uint64_t seed) {
  SimWorld world(seed, 2);
  SimApplication app(world, kBack);
  app.answer_with([](const SimApplication::Request&) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + std::string(200000, 'b');
  });
  world.wires().on_connect = [&world](net::SocketAddress, MemoryStream::Pair& pair) {
    for (MemoryStream* end : {pair.client.get(), pair.server.get()}) {
      end->faults().chop = &world.choices();
      end->faults().latency = 1ms * static_cast<std::int64_t>(world.choices().next_u64() % 20);
      if (world.choices().next_u64() % 4 == 0) {
        end->faults().reset_after_bytes_written = world.choices().next_u64() % 300000;
      }
    }
  };
  const Relay first(world, 0);
  const Relay second(world, 1);
  std::string outcome;
  for (int i = 0; i < 8; ++i) {
    Result<std::unique_ptr<net::Stream>> stream = world.wires().establish(world.outside(), kFront);
    std::string received;
    (*stream)->try_write(as_bytes("GET / HTTP/1.1\r\n\r\n"));
    const bool ended = world.run_until([&] {
      Bytes buffer(4096);
      net::IoResult result = (*stream)->try_read(buffer);
      for (; result.is_done(); result = (*stream)->try_read(buffer)) {
        received.append(as_text(ByteView(buffer).first(result.bytes)));
      }
      return result.status != net::IoResult::Status::WouldBlock || received.size() > 200000;
    });
    EXPECT_TRUE(ended) << "seed " << seed << ": client " << i << " waits for ever";
    outcome += std::to_string(received.size()) + " ";
  }
  world.advance(2min);
  EXPECT_EQ(first.busy() + second.busy(), 0U) << "seed " << seed;
  EXPECT_EQ(first.counters().open + second.counters().open, 0U) << "seed " << seed;
  return outcome + std::to_string(world.clock().now().time_since_epoch().count());
}

TEST(SimWorldTest, FaultsEndConnectionsButNothingHangsOrLeaks) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    run_with_faults(seed);
  }
}

TEST(SimWorldTest, ASeedRepeatsARunExactly) {
  EXPECT_EQ(run_with_faults(7), run_with_faults(7));
  EXPECT_NE(run_with_faults(7), run_with_faults(8));
}

}  // namespace
}  // namespace vallum::testing
