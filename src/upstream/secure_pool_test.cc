// Connections to applications over TLS: who is trusted, and what is shared.
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "async/scope.h"
#include "support/sim/sim_world.h"
#include "support/test_certificates.h"
#include "tls/client_context.h"
#include "tls/per_core.h"
#include "tls/server_context.h"
#include "tls/tls_stream.h"
#include "upstream/pool.h"

namespace vallum::upstream {
namespace {

using namespace std::chrono_literals;
using testing::SimWorld;
using testing::TestCertificates;

const net::SocketAddress kAddress{.ip = IpAddress::loopback_v4(), .port = 8443};

// Accepts TLS and holds the connections.
class SecureApplication {
 public:
  SecureApplication(SimWorld& world, async::Snapshot<tls::ServerContext> context)
      : context_(std::move(context)),
        tls_(Secret("seed of the application"), world.clock().wall()),
        listener_(*world.outside_network().listen(kAddress, {})),
        scope_(world.outside()) {
    scope_.spawn(accept_all());
  }

  std::size_t handshakes() const { return streams_.size(); }
  std::size_t connections() const { return connections_; }

 private:
  Task<void> accept_all() {
    for (;;) {
      Result<std::unique_ptr<net::Stream>> stream = co_await listener_->accept();
      if (!stream) {
        co_return;
      }
      ++connections_;
      Result<std::unique_ptr<tls::TlsStream>> secured =
          co_await tls::accept(*std::move(stream), context_, &tls_, Deadline::never());
      if (secured) {
        streams_.push_back(*std::move(secured));
      }
    }
  }

  async::Snapshot<tls::ServerContext> context_;
  tls::PerCore tls_;
  std::unique_ptr<net::Listener> listener_;
  std::vector<std::unique_ptr<net::Stream>> streams_;
  std::size_t connections_ = 0;
  async::Scope scope_;
};

class SecurePoolTest : public ::testing::Test {
 protected:
  SecurePoolTest() {
    world_.resolver().set("app.example", {kAddress.ip});
    world_.resolver().set("other.example", {kAddress.ip});
    std::vector<tls::CertificateSource> sources;
    sources.push_back(certificates_.certificate("app.example", {"app.example"}));
    auto store = *tls::CertificateStore::make(std::move(sources), world_.clock().wall());
    application_.emplace(world_, *tls::ServerContext::make(std::move(store), {"http/1.1"}));
    trusting_ = context(certificates_.authority_pem(), tls::Verify::ChainAndName);
  }

  static async::Snapshot<tls::ClientContext> context(std::string_view authority,
                                                     tls::Verify verify) {
    return *tls::ClientContext::make(
        {.roots = *tls::TrustRoots::only(authority), .verify = verify, .protocols = {"http/1.1"}});
  }

  Target target(async::Snapshot<tls::ClientContext> context,
                std::string host = "app.example",
                std::string name = "") {
    return Target({{.host = std::move(host),
                    .port = kAddress.port,
                    .tls = std::move(context),
                    .tls_server_name = std::move(name)}});
  }

  Result<Lease> lease(const Target& target) {
    std::optional<Result<Lease>> result;
    async::Scope scope(world_.core());
    scope.spawn([](Pool* pool,
                   const Target* to,
                   Deadline deadline,
                   std::optional<Result<Lease>>* out) -> Task<void> {
      out->emplace(co_await pool->lease(to, Pool::Reuse::Allowed, deadline));
    }(&pool_, &target, Deadline::after(world_.clock(), 30s), &result));
    world_.run_until([&] { return result.has_value(); });
    return *std::move(result);
  }

  SimWorld world_{21};
  TestCertificates certificates_{world_.clock().wall()};
  std::optional<SecureApplication> application_;
  async::Snapshot<tls::ClientContext> trusting_;
  tls::PerCore tls_{Secret("seed of the tickets"), world_.clock().wall()};
  Pool pool_{{.core = world_.core(),
              .network = world_.network(),
              .resolver = world_.resolver(),
              .tls = tls_},
             {}};
};

TEST_F(SecurePoolTest, ConnectsToAServerItCanVerify) {
  const Result<Lease> got = lease(target(trusting_));

  ASSERT_TRUE(got.has_value()) << got.error().message();
  world_.advance(1s);
  EXPECT_EQ(application_->handshakes(), 1U);
}

TEST_F(SecurePoolTest, SessionTicketsDoNotSpoilAnIdleConnection) {
  const Target app = target(trusting_);
  std::move(*lease(app)).keep();
  world_.advance(5s);

  const std::optional<Lease> again = pool_.reuse(app);

  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(pool_.counters().idle_lost, 0U);
}

TEST_F(SecurePoolTest, RefusesACertificateForAnotherName) {
  const Result<Lease> got = lease(target(trusting_, "other.example"));

  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error().kind(), ErrorKind::Unavailable);
  EXPECT_TRUE(got.error().message().starts_with("https://other.example:8443: "))
      << got.error().message();
}

TEST_F(SecurePoolTest, VerifiesTheNameThatTheRouteGives) {
  EXPECT_TRUE(lease(target(trusting_, "other.example", "app.example")).has_value());
  EXPECT_FALSE(lease(target(trusting_, "app.example", "other.example")).has_value());
}

TEST_F(SecurePoolTest, RefusesAnAuthorityItDoesNotTrust) {
  const TestCertificates strangers(world_.clock().wall(), 99);
  const auto distrusting = context(strangers.authority_pem(), tls::Verify::ChainAndName);

  EXPECT_EQ(lease(target(distrusting)).error().kind(), ErrorKind::Unavailable);
}

TEST_F(SecurePoolTest, NeverLendsAnUnverifiedConnectionToARouteThatVerifies) {
  const auto careless = context(certificates_.authority_pem(), tls::Verify::Nothing);
  std::move(*lease(target(careless, "other.example"))).keep();
  ASSERT_EQ(pool_.counters().idle, 1U);

  const Result<Lease> got = lease(target(trusting_, "other.example"));

  EXPECT_FALSE(got.has_value());
  EXPECT_EQ(pool_.counters().reused, 0U);
}

TEST_F(SecurePoolTest, NeverSpeaksPlainTextToARouteOverTls) {
  const Target plain({{.host = "app.example", .port = kAddress.port}});
  const Result<Lease> in_clear = lease(plain);
  ASSERT_TRUE(in_clear.has_value());

  EXPECT_FALSE(pool_.reuse(target(trusting_)).has_value());
  EXPECT_NE(plain.key(0), target(trusting_).key(0));
}

TEST_F(SecurePoolTest, RoutesWithTheSameTrustShareConnections) {
  const auto same = context(certificates_.authority_pem(), tls::Verify::ChainAndName);
  std::move(*lease(target(trusting_))).keep();

  EXPECT_TRUE(lease(target(same))->is_reused());
}

}  // namespace
}  // namespace vallum::upstream
