#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "admin/health.h"
#include "admin/health_endpoint.h"
#include "admin/metrics_endpoint.h"
#include "async/epoll_reactor.h"
#include "base/entropy.h"
#include "codec/json.h"
#include "support/sim/fake_core.h"

namespace vallum::admin {
namespace {

using Status = CheckReport::Status;

constexpr std::array<std::string_view, 2> kRequired = {"storage.backend", "proxy.service"};

http::Request get(std::string_view path, http::Method method = http::Method::Get) {
  http::Request request;
  request.method = method;
  request.path = path;
  return request;
}

class HealthTest : public ::testing::Test {
 protected:
  std::uint16_t status_of(std::string_view path) {
    return answer_health(health_, get(path)).status;
  }
  codec::Node body_of(std::string_view path) {
    return *codec::parse_json(answer_health(health_, get(path)).body);
  }

  testing::FakeCore fake_;
  Health health_{fake_.core, kRequired};
};

TEST_F(HealthTest, APartThatNeverReportedIsNamedAndNotReady) {
  health_.running("proxy.service");

  EXPECT_EQ(status_of("/startupz"), 503);
  EXPECT_EQ(status_of("/readyz"), 503);
  EXPECT_EQ(status_of("/healthz"), 503);
  const codec::Node body = body_of("/readyz");
  EXPECT_EQ(body.find("proxy.service")->find("status")->text(), "RUNNING");
  EXPECT_EQ(body.find("storage.backend")->find("status")->text(), "UNAVAILABLE");
  EXPECT_FALSE(body.find("storage.backend")->find("error")->text().empty());
}

TEST_F(HealthTest, AllPartsRunningIsReady) {
  health_.running("proxy.service");
  health_.running("storage.backend");

  for (const char* path : {"/startupz", "/readyz", "/healthz", "/status"}) {
    EXPECT_EQ(status_of(path), 200) << path;
  }
}

TEST_F(HealthTest, AnErrorEndsReadinessAndLivenessAndNotTheStart) {
  health_.running("proxy.service");
  health_.failed("storage.backend", "disk full");

  EXPECT_EQ(status_of("/startupz"), 200);
  EXPECT_EQ(status_of("/readyz"), 503);
  EXPECT_EQ(status_of("/healthz"), 503);
  EXPECT_EQ(body_of("/readyz").find("storage.backend")->find("error")->text(), "disk full");

  health_.running("storage.backend");
  EXPECT_EQ(status_of("/readyz"), 200);
}

TEST_F(HealthTest, AProcessThatEndsIsLiveAndNotReady) {
  health_.running("proxy.service");
  health_.running("storage.backend");

  health_.terminating();
  health_.running("proxy.service");

  EXPECT_EQ(status_of("/readyz"), 503);
  EXPECT_EQ(status_of("/healthz"), 200);
  EXPECT_EQ(body_of("/readyz").find("proxy.service")->find("status")->text(), "TERMINATING");
}

TEST_F(HealthTest, APartThatDoesNotKnowYetHasNotStarted) {
  health_.running("proxy.service");
  health_.report("storage.backend", {.status = Status::Unknown, .error = {}, .attributes = {}});

  EXPECT_EQ(status_of("/startupz"), 503);
  EXPECT_EQ(status_of("/healthz"), 503);
}

TEST_F(HealthTest, StatusShowsPartsThatNothingWaitsFor) {
  health_.report(
      "config.local",
      {.status = Status::Running,
       .error = {},
       .attributes = {"config.yaml:3:1: unknown key 'adress': did you mean 'address'?"}});

  const codec::Node body = body_of("/status");

  const codec::Node* config = body.find("statuses")->find("config.local");
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->find("attributes")->items().size(), 1U);
  ASSERT_EQ(body.find("checks")->items().size(), 2U);
  EXPECT_EQ(body.find("checks")->items()[0].text(), "proxy.service");
  EXPECT_EQ(body_of("/readyz").find("config.local"), nullptr);
}

TEST_F(HealthTest, OtherPathsAndMethodsAreRefused) {
  EXPECT_EQ(status_of("/"), 404);
  EXPECT_EQ(status_of("/readyz/"), 404);
  EXPECT_EQ(answer_health(health_, get("/status", http::Method::Head)).status, 200);
  const http::Response refused = answer_health(health_, get("/status", http::Method::Post));
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.headers.value("Allow"), "GET, HEAD");
}

TEST_F(HealthTest, AnswersAreJsonAndNeverCached) {
  const http::Response response = answer_health(health_, get("/readyz"));

  EXPECT_EQ(response.headers.value("Content-Type"), "application/json");
  EXPECT_EQ(response.headers.value("Cache-Control"), "no-store");
}

TEST(HealthCoresTest, AReportFromAnotherCoreIsAppliedOnTheControlCore) {
  testing::FakeCore control;
  Health health(control.core, kRequired);
  SystemClock clock;  // NOLINT(vallum-banned): a real event loop needs real time
  SystemEntropy entropy;
  const auto reactor = *async::EpollReactor::create();
  async::Core other({.reactor = *reactor, .clock = clock, .entropy = entropy});
  other.post([&] {
    health.running("proxy.service");
    other.stop();
  });
  other.run();

  EXPECT_TRUE(health.checks().empty());
  control.run_ready();
  EXPECT_EQ(health.checks().count("proxy.service"), 1U);
}

TEST(MetricsEndpointTest, ShowsTheRegistryInTheTextFormat) {
  telemetry::MetricRegistry registry(1);
  registry.shard(0).add(registry.counter({"denied_total", "Denied."}));

  const http::Response response = answer_metrics(registry, get("/metrics"));

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(response.body.find("\ndenied_total 1\n"), std::string::npos);
}

TEST(MetricsEndpointTest, OtherPathsAndMethodsAreRefused) {
  telemetry::MetricRegistry registry(1);

  EXPECT_EQ(answer_metrics(registry, get("/")).status, 404);
  EXPECT_EQ(answer_metrics(registry, get("/debug/pprof/")).status, 404);
  EXPECT_EQ(answer_metrics(registry, get("/metrics", http::Method::Delete)).status, 405);
}

}  // namespace
}  // namespace vallum::admin
