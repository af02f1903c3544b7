#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "async/block_on.h"
#include "config/load.h"
#include "databroker/store/memory_store.h"
#include "proto/databroker.grpc.pb.h"
#include "server/record_endpoint.h"
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

class RecordEndpointTest : public ::testing::Test {
 protected:
  KernelCore kernel_;
  databroker::Databroker broker_{
      {.home = kernel_.core,
       .store = std::make_unique<databroker::MemoryStore>(kernel_.entropy),
       .cores = 1,
       .storage = databroker::Databroker::Storage::OwnThread,
       .limits = {}}};
};

TEST_F(RecordEndpointTest, ServesWhatTheSettingsAskForUntilItIsClosed) {
  config::Settings settings = settings_of(kAlone, kernel_.clock.wall());
  settings.record_service.address->port = 0;
  auto endpoint = server::RecordEndpoint::open(kernel_.core, broker_, settings);
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

TEST_F(RecordEndpointTest, OpensNothingThatWasNotAskedFor) {
  config::Settings settings = settings_of(kAlone, kernel_.clock.wall());
  settings.record_service.address.reset();

  auto endpoint = server::RecordEndpoint::open(kernel_.core, broker_, settings);

  ASSERT_TRUE(endpoint.has_value());
  EXPECT_EQ((*endpoint)->port(), 0);
}

TEST_F(RecordEndpointTest, APortThatIsTakenIsNamedWithItsOption) {
  config::Settings settings = settings_of(kAlone, kernel_.clock.wall());
  settings.record_service.address->port = 0;
  auto first = server::RecordEndpoint::open(kernel_.core, broker_, settings);
  ASSERT_TRUE(first.has_value());
  settings.record_service.address->port = (*first)->port();

  auto second = server::RecordEndpoint::open(kernel_.core, broker_, settings);

  ASSERT_FALSE(second.has_value());
  EXPECT_TRUE(second.error().message().starts_with("grpc_address: cannot listen on 127.0.0.1:"))
      << second.error().message();
}

}  // namespace
}  // namespace vallum::testing
