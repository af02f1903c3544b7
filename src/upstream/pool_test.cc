#include "upstream/pool.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "async/scope.h"
#include "support/allocation/allocation_count.h"
#include "support/sim/sim_world.h"
#include "tls/per_core.h"

namespace vallum::upstream {
namespace {

using namespace std::chrono_literals;
using testing::SimWorld;

const net::SocketAddress kFirst{.ip = IpAddress::loopback_v4(), .port = 8001};
const net::SocketAddress kSecond{.ip = IpAddress::loopback_v4(), .port = 8002};

Target target_of(std::vector<net::SocketAddress> addresses) {
  std::vector<Endpoint> endpoints;
  for (const net::SocketAddress& address : addresses) {
    endpoints.push_back({.host = address.ip.text(), .port = address.port});
  }
  return Target(std::move(endpoints));
}

// Accepts and holds connections, and says nothing.
class Application {
 public:
  Application(SimWorld& world, net::SocketAddress address)
      : listener_(*world.outside_network().listen(address, {})), scope_(world.outside()) {
    scope_.spawn(accept_all());
  }

  std::vector<std::unique_ptr<net::Stream>>& streams() { return streams_; }

 private:
  Task<void> accept_all() {
    for (;;) {
      Result<std::unique_ptr<net::Stream>> stream = co_await listener_->accept();
      if (!stream) {
        co_return;
      }
      streams_.push_back(*std::move(stream));
    }
  }

  std::unique_ptr<net::Listener> listener_;
  std::vector<std::unique_ptr<net::Stream>> streams_;
  async::Scope scope_;
};

class PoolTest : public ::testing::Test {
 protected:
  Result<Lease> lease(const Target& target,
                      Pool::Reuse reuse = Pool::Reuse::Allowed,
                      Duration patience = 30s) {
    std::optional<Result<Lease>> result;
    async::Scope scope(world_.core());
    scope.spawn([](Pool* pool,
                   const Target* to,
                   Pool::Reuse how,
                   Deadline deadline,
                   std::optional<Result<Lease>>* out) -> Task<void> {
      out->emplace(co_await pool->lease(to, how, deadline));
    }(&pool_, &target, reuse, Deadline::after(world_.clock(), patience), &result));
    world_.run_until([&] { return result.has_value(); });
    return *std::move(result);
  }

  SimWorld world_{11};
  Limits limits_{.connections_per_endpoint_max = 3, .idle_per_endpoint_max = 2};
  tls::PerCore tls_{Secret("seed of the tickets"), world_.clock().wall()};
  Pool pool_{{.core = world_.core(),
              .network = world_.network(),
              .resolver = world_.resolver(),
              .tls = tls_},
             limits_};
};

TEST_F(PoolTest, LendsAKeptConnectionAgain) {
  Application app(world_, kFirst);
  const Target target = target_of({kFirst});
  Result<Lease> first = lease(target);
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(first->is_reused());
  const net::Stream* stream = &first->stream();

  std::move(*first).keep();
  const Result<Lease> second = lease(target);

  EXPECT_TRUE(second->is_reused());
  EXPECT_EQ(&second->stream(), stream);
  EXPECT_EQ(pool_.counters().opened, 1U);
}

TEST_F(PoolTest, LendsAKeptConnectionWithoutWaitingWhenThereIsOneEndpoint) {
  Application app(world_, kFirst);
  const Target target = target_of({kFirst});
  EXPECT_FALSE(pool_.reuse(target).has_value());
  std::move(*lease(target)).keep();

  const std::optional<Lease> again = pool_.reuse(target);

  ASSERT_TRUE(again.has_value());
  EXPECT_FALSE(pool_.reuse(target).has_value());
}

TEST_F(PoolTest, ADroppedLeaseClosesItsConnection) {
  Application app(world_, kFirst);
  {
    const Result<Lease> dropped = lease(target_of({kFirst}));
  }
  world_.advance(10ms);

  Bytes buffer(16);
  ASSERT_EQ(app.streams().size(), 1U);
  EXPECT_EQ(app.streams()[0]->try_read(buffer), net::IoResult::eof());
  EXPECT_EQ(pool_.counters().open, 0U);
}

TEST_F(PoolTest, NeverLendsAConnectionThatTheServerClosed) {
  Application app(world_, kFirst);
  const Target target = target_of({kFirst});
  std::move(*lease(target)).keep();
  world_.advance(10ms);

  app.streams()[0]->close();
  world_.advance(10ms);
  const Result<Lease> next = lease(target);

  EXPECT_FALSE(next->is_reused());
  EXPECT_EQ(pool_.counters().idle_lost, 1U);
}

TEST_F(PoolTest, NeverLendsAConnectionOnWhichTheServerSpokeUnasked) {
  Application app(world_, kFirst);
  const Target target = target_of({kFirst});
  std::move(*lease(target)).keep();
  world_.advance(10ms);

  ASSERT_TRUE(app.streams()[0]->try_write(as_bytes("HTTP/1.1 200 OK\r\n\r\n")).is_done());
  world_.advance(10ms);
  const Result<Lease> next = lease(target);

  EXPECT_FALSE(next->is_reused());
  EXPECT_EQ(pool_.counters().idle_lost, 1U);
}

TEST_F(PoolTest, GivesUpIdleConnectionsThatTheServerClosedWithoutBeingAsked) {
  Application app(world_, kFirst);
  std::move(*lease(target_of({kFirst}))).keep();
  world_.advance(10ms);

  app.streams()[0]->close();
  world_.advance(2s);

  EXPECT_EQ(pool_.counters().open, 0U);
}

TEST_F(PoolTest, ClosesAnIdleConnectionAfterItsTime) {
  Application app(world_, kFirst);
  std::move(*lease(target_of({kFirst}))).keep();

  world_.advance(limits_.idle_timeout - 1s);
  EXPECT_EQ(pool_.counters().idle, 1U);
  world_.advance(3s);

  EXPECT_EQ(pool_.counters().idle, 0U);
  EXPECT_EQ(pool_.counters().idle_timed_out, 1U);
}

TEST_F(PoolTest, DoesNotKeepAConnectionForEver) {
  Application app(world_, kFirst);
  Result<Lease> old = lease(target_of({kFirst}));
  world_.advance(limits_.age_max);

  std::move(*old).keep();

  EXPECT_EQ(pool_.counters().idle, 0U);
}

TEST_F(PoolTest, OpensANewConnectionWhenAskedNotToReuse) {
  Application app(world_, kFirst);
  const Target target = target_of({kFirst});
  std::move(*lease(target)).keep();

  const Result<Lease> fresh = lease(target, Pool::Reuse::Never);

  EXPECT_FALSE(fresh->is_reused());
  EXPECT_EQ(pool_.counters().idle, 1U);
}

TEST_F(PoolTest, RefusesMoreConnectionsThanTheLimit) {
  Application app(world_, kFirst);
  const Target target = target_of({kFirst});
  std::vector<Lease> held;
  for (std::size_t i = 0; i < limits_.connections_per_endpoint_max; ++i) {
    held.push_back(*lease(target));
  }

  const Result<Lease> refused = lease(target);

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind(), ErrorKind::ResourceExhausted);
  held.pop_back();
  EXPECT_TRUE(lease(target).has_value());
}

TEST_F(PoolTest, KeepsNoMoreIdleConnectionsThanTheLimit) {
  Application app(world_, kFirst);
  const Target target = target_of({kFirst});
  std::vector<Lease> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(*lease(target));
  }

  for (Lease& one : held) {
    std::move(one).keep();
  }

  EXPECT_EQ(pool_.counters().idle, limits_.idle_per_endpoint_max);
  EXPECT_EQ(pool_.counters().open, limits_.idle_per_endpoint_max);
}

TEST_F(PoolTest, TakesEndpointsByTurns) {
  Application first(world_, kFirst);
  Application second(world_, kSecond);
  const Target target = target_of({kFirst, kSecond});
  std::vector<Lease> held;
  for (int i = 0; i < 4; ++i) {
    held.push_back(*lease(target));
  }
  world_.advance(10ms);

  EXPECT_EQ(first.streams().size(), 2U);
  EXPECT_EQ(second.streams().size(), 2U);
}

TEST_F(PoolTest, KeptConnectionsToSeveralEndpointsAreLentByTurns) {
  Application first(world_, kFirst);
  Application second(world_, kSecond);
  const Target target = target_of({kFirst, kSecond});
  for (int i = 0; i < 2; ++i) {
    Result<Lease> held = lease(target);
    Result<Lease> other = lease(target);
    std::move(*held).keep();
    std::move(*other).keep();
  }

  std::string peers;
  for (int i = 0; i < 4; ++i) {
    std::optional<Lease> got = pool_.reuse(target);
    ASSERT_TRUE(got.has_value());
    peers += got->peer() + " ";
    std::move(*got).keep();
  }

  const std::string round = kFirst.text() + " " + kSecond.text() + " ";
  EXPECT_EQ(peers, round + round);
  EXPECT_EQ(pool_.counters().opened, 2U);
}

TEST_F(PoolTest, ATurnWithoutAnIdleConnectionIsNotLost) {
  Application first(world_, kFirst);
  Application second(world_, kSecond);
  const Target target = target_of({kFirst, kSecond});

  EXPECT_FALSE(pool_.reuse(target).has_value());
  const Result<Lease> opened = lease(target);

  EXPECT_EQ(opened->peer(), kFirst.text());
}

TEST_F(PoolTest, AWarmLeaseAllocatesNothing) {
  if (!testing::counts_allocations()) {
    GTEST_SKIP() << "the sanitizer's allocator is not counted";
  }
  Application first(world_, kFirst);
  Application second(world_, kSecond);
  const Target target = target_of({kFirst, kSecond});
  for (int i = 0; i < 4; ++i) {
    std::move(*lease(target)).keep();
  }

  const std::uint64_t before = testing::allocations_so_far();
  for (int i = 0; i < 100; ++i) {
    std::move(*pool_.reuse(target)).keep();
  }
  const std::uint64_t allocations = testing::allocations_so_far() - before;

  EXPECT_EQ(allocations, 0U);
}

TEST_F(PoolTest, GoesToTheNextEndpointWhenOneRefuses) {
  Application second(world_, kSecond);
  const Target target = target_of({kFirst, kSecond});

  for (int i = 0; i < 4; ++i) {
    const Result<Lease> got = lease(target);
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(got->peer(), kSecond.text());
  }

  EXPECT_EQ(pool_.counters().connect_failures, 1U);
}

TEST_F(PoolTest, TriesALoneEndpointThatRefusedLatelyOncePerLease) {
  const Target target = target_of({kFirst});

  EXPECT_EQ(lease(target).error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(lease(target).error().kind(), ErrorKind::Unavailable);
  Application app(world_, kFirst);
  EXPECT_TRUE(lease(target).has_value());

  EXPECT_EQ(pool_.counters().connect_failures, 2U);
}

TEST_F(PoolTest, ASilentEndpointIsUnavailableAfterTheConnectTimeout) {
  world_.wires().silence(kFirst);
  const Instant start = world_.clock().now();

  const Result<Lease> got = lease(target_of({kFirst}));

  EXPECT_EQ(got.error().kind(), ErrorKind::Unavailable);
  EXPECT_NEAR(static_cast<double>((world_.clock().now() - start).count()),
              static_cast<double>(limits_.connect_timeout.count()),
              5e6);
}

TEST_F(PoolTest, TheRequestsDeadlineEndsConnecting) {
  world_.wires().silence(kFirst);

  const Result<Lease> got = lease(target_of({kFirst}), Pool::Reuse::Allowed, 2s);

  EXPECT_EQ(got.error().kind(), ErrorKind::DeadlineExceeded);
}

TEST_F(PoolTest, TriesEveryAddressOfAName) {
  Application app(world_, kFirst);
  world_.resolver().set("app.example", {*IpAddress::parse("192.0.2.1"), kFirst.ip});
  const Target target({{.host = "app.example", .port = kFirst.port}});

  const Result<Lease> got = lease(target);

  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->peer(), kFirst.text());
}

TEST_F(PoolTest, SaysWhichNameHasNoAddress) {
  const Result<Lease> got = lease(Target({{.host = "nowhere.example", .port = 80}}));

  ASSERT_FALSE(got.has_value());
  EXPECT_NE(got.error().message().find("nowhere.example"), std::string_view::npos);
}

TEST_F(PoolTest, ACancelledLeaseLeavesNothingOpen) {
  world_.wires().silence(kFirst);
  const Target target = target_of({kFirst});
  {
    async::Scope scope(world_.core());
    scope.spawn([](Pool* pool, const Target* to) -> Task<void> {
      const Result<Lease> got = co_await pool->lease(to, Pool::Reuse::Allowed, Deadline::never());
      ADD_FAILURE() << "the lease ended";
    }(&pool_, &target));
    world_.advance(1s);
    EXPECT_EQ(pool_.counters().open, 1U);
  }

  EXPECT_EQ(pool_.counters().open, 0U);
}

}  // namespace
}  // namespace vallum::upstream
