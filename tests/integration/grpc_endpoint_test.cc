#include "server/grpc_endpoint.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "async/block_on.h"
#include "config/load.h"
#include "databroker/rpc/caller.h"
#include "databroker/store/memory_store.h"
#include "proto/databroker.grpc.pb.h"
#include "proto/health.grpc.pb.h"
#include "support/captured_lines.h"
#include "support/sim/kernel_core.h"

namespace vallum::testing {
namespace {

constexpr std::string_view kAlone = R"(
services: databroker
shared_secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
databroker_storage_type: memory
grpc_address: 127.0.0.1:5443
grpc_insecure: true
)";

config::Settings settings_of(std::string_view text, WallTime now) {
  const config::Environment nothing;
  const config::DiskFiles files;
  config::Loaded loaded = config::load_text(std::string(text),
                                            config::Format::Yaml,
                                            "test.yaml",
                                            {.environment = nothing, .files = files, .now = now});
  CHECK(loaded.settings.has_value());
  return *std::move(loaded.settings);
}

class GrpcEndpointTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<server::GrpcEndpoint>> open(const config::Settings& settings) {
    return server::GrpcEndpoint::open({.core = kernel_.core,
                                       .broker = broker_,
                                       .health = health_,
                                       .data_cores = no_cores_,
                                       .log_sink = lines_,
                                       .clock = kernel_.clock,
                                       .log_filter = filter_},
                                      settings);
  }

  static constexpr std::array<std::string_view, 1> kRequired = {"storage.backend"};

  CapturedLines lines_;
  telemetry::LogFilter filter_{telemetry::LogLevel::Info};
  std::vector<std::unique_ptr<server::ProxyCore>> no_cores_;
  KernelCore kernel_;
  databroker::Databroker broker_{
      {.home = kernel_.core,
       .store = std::make_unique<databroker::MemoryStore>(kernel_.entropy),
       .cores = 1,
       .storage = databroker::Databroker::Storage::OwnThread,
       .limits = {}}};
  admin::Health health_{kernel_.core, kRequired};
};

TEST_F(GrpcEndpointTest, ServesWhatTheSettingsAskForUntilItIsClosed) {
  config::Settings settings = settings_of(kAlone, kernel_.clock.wall());
  settings.record_service.address->port = 0;
  auto endpoint = open(settings);
  ASSERT_TRUE(endpoint.has_value()) << endpoint.error().message();
  const auto stub = ::databroker::DataBrokerService::NewStub(grpc::CreateChannel(
      "127.0.0.1:" + std::to_string((*endpoint)->port()), grpc::InsecureChannelCredentials()));
  const auto ask = [&] {
    grpc::ClientContext context;
    grpc::CompletionQueue answers;
    grpc::Status status;
    ::databroker::ServerInfoResponse response;
    const auto reader = stub->AsyncServerInfo(&context, {}, &answers);
    reader->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    while (answers.AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC)) ==
           grpc::CompletionQueue::TIMEOUT) {
      kernel_.core.run_ready();
    }
    return status.error_code();
  };
  EXPECT_EQ(ask(), grpc::StatusCode::UNAUTHENTICATED);

  async::block_on(kernel_.core, (*endpoint)->close());

  EXPECT_EQ(ask(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcEndpointTest, TellsTheHealthOfThePartsWheneverItChanges) {
  config::Settings settings = settings_of(kAlone, kernel_.clock.wall());
  settings.record_service.address->port = 0;
  auto endpoint = open(settings);
  ASSERT_TRUE(endpoint.has_value()) << endpoint.error().message();
  const auto stub = ::health::HealthNotifier::NewStub(grpc::CreateChannel(
      "127.0.0.1:" + std::to_string((*endpoint)->port()), grpc::InsecureChannelCredentials()));
  grpc::CompletionQueue answers;
  const auto next = [&] {
    void* tag = nullptr;
    bool ok = false;
    while (answers.AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC)) ==
           grpc::CompletionQueue::TIMEOUT) {
      kernel_.core.run_ready();
    }
    return ok;
  };
  grpc::ClientContext nameless;
  grpc::Status refused;
  const auto stranger = stub->AsyncSyncHealth(&nameless, {}, &answers, nullptr);
  next();
  stranger->Finish(&refused, nullptr);
  next();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAUTHENTICATED);

  grpc::ClientContext context;
  context.AddMetadata("jwt",
                      databroker::make_caller_token(
                          *settings.shared_secret, "proxy", kernel_.clock.wall(), kernel_.entropy));
  ::health::HealthMessage message;
  const auto reader = stub->AsyncSyncHealth(&context, {}, &answers, nullptr);
  ASSERT_TRUE(next());
  const auto read = [&] {
    reader->Read(&message, nullptr);
    return next();
  };
  ASSERT_TRUE(read());
  EXPECT_EQ(message.overall_status(), ::health::OVERALL_STATUS_STARTING);
  EXPECT_EQ(message.required(0), "storage.backend");

  health_.running("storage.backend");
  ASSERT_TRUE(read());
  EXPECT_EQ(message.overall_status(), ::health::OVERALL_STATUS_RUNNING);
  health_.running("storage.backend");  // no news
  health_.failed("storage.backend", "the disk is full");
  ASSERT_TRUE(read());
  EXPECT_EQ(message.statuses().at("storage.backend").err(), "the disk is full");
  EXPECT_EQ(message.overall_err(), "storage.backend: the disk is full");
  health_.terminating();
  ASSERT_TRUE(read());
  EXPECT_EQ(message.overall_status(), ::health::OVERALL_STATUS_TERMINATING);

  context.TryCancel();
  EXPECT_FALSE(read());
  async::block_on(kernel_.core, (*endpoint)->close());
}

// What a reload may change, and what it may not.
TEST_F(GrpcEndpointTest, KeepsWhetherItSpeaksTls) {
  config::Settings settings = settings_of(kAlone, kernel_.clock.wall());
  settings.record_service.address->port = 0;
  auto endpoint = open(settings);
  ASSERT_TRUE(endpoint.has_value());
  const auto same = (*endpoint)->certificate_under(settings);
  config::Settings other = settings_of(kAlone, kernel_.clock.wall());
  other.ext_authz.grpc_insecure = false;
  other.tls_derive = "databroker.internal";

  const auto tls = (*endpoint)->certificate_under(other);

  EXPECT_TRUE(same.has_value());
  ASSERT_FALSE(tls.has_value());
  EXPECT_TRUE(tls.error().message().starts_with("grpc_address: whether the listener speaks TLS"))
      << tls.error().message();
}

TEST_F(GrpcEndpointTest, OpensNothingThatWasNotAskedFor) {
  config::Settings settings = settings_of(kAlone, kernel_.clock.wall());
  settings.record_service.address.reset();

  auto endpoint = open(settings);

  ASSERT_TRUE(endpoint.has_value());
  EXPECT_EQ((*endpoint)->port(), 0);
}

TEST_F(GrpcEndpointTest, APortThatIsTakenIsNamedWithItsOption) {
  config::Settings settings = settings_of(kAlone, kernel_.clock.wall());
  settings.record_service.address->port = 0;
  auto first = open(settings);
  ASSERT_TRUE(first.has_value());
  settings.record_service.address->port = (*first)->port();

  auto second = open(settings);

  ASSERT_FALSE(second.has_value());
  EXPECT_TRUE(second.error().message().starts_with("grpc_address: cannot listen on 127.0.0.1:"))
      << second.error().message();
}

}  // namespace
}  // namespace vallum::testing
