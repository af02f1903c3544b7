#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "async/block_on.h"
#include "config/load.h"
#include "crypto/jose/signing_key.h"
#include "databroker/rpc/caller.h"
#include "databroker/store/memory_store.h"
#include "ext_authz/check_calls.h"
#include "net/dns_resolver.h"
#include "net/kernel_network.h"
#include "proto/databroker.grpc.pb.h"
#include "proto/ext_authz.grpc.pb.h"
#include "rpc/server.h"
#include "server/build_generation.h"
#include "server/grpc_endpoint.h"
#include "server/proxy_core.h"
#include "server/sign_in_settings.h"
#include "support/captured_lines.h"
#include "support/deployment/deployment.h"
#include "support/sim/kernel_core.h"

namespace vallum::testing {
namespace {

namespace wire = envoy::service::auth::v3;

constexpr const char* kConfiguration = R"(
shared_secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
cookie_secret: Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=
databroker_storage_type: memory
grpc_address: 127.0.0.1:9001
grpc_insecure: true
ext_authz_peers: [PEER]
routes:
  - from: https://public.example
    to: http://10.0.0.1:8080
    allow_public_unauthenticated_access: true
)";

// Nobody signs in here.
class NoOwnEndpoints final : public proxy::OwnEndpoints {
 public:
  Async<http::Response> answer(authenticate::Visit /*visit*/, Deadline /*deadline*/) override {
    co_return fail(ErrorKind::Unavailable, "there are no own endpoints");
  }
  Async<http::Response> start_login(authenticate::Visit visit, Deadline deadline) override {
    return answer(std::move(visit), deadline);
  }
};

config::Settings load(const std::string& peer, WallTime now) {
  const config::Environment nothing;
  const config::DiskFiles files;
  std::string text = kConfiguration;
  text.replace(text.find("PEER"), 4, peer);
  config::Loaded loaded = config::load_text(text,
                                            config::Format::Yaml,
                                            "test.yaml",
                                            {.environment = nothing, .files = files, .now = now});
  CHECK(loaded.settings.has_value());
  return *std::move(loaded.settings);
}

async::Snapshot<config::Settings> settings_for(const std::string& peer, WallTime now) {
  return async::make_snapshot<config::Settings>(load(peer, now));
}

// A data core of the real kind, which runs only when the test lets it, and gRPC in front of it.
class GrpcCheckTest : public ::testing::Test {
 protected:
  void prepare(const std::string& peer) {
    settings_ = settings_for(peer, kernel_.clock.wall());
    keys_.emplace(crypto::SigningKeys::derive(*settings_->shared_secret));
    broker_ = std::make_unique<databroker::Databroker>(databroker::Databroker::Parts{
        .home = kernel_.core,
        .store = std::make_unique<databroker::MemoryStore>(kernel_.entropy),
        .cores = 1,
        .storage = databroker::Databroker::Storage::OnCallingCore});
    auto resolver = net::DnsResolver::create(kernel_.core, {});
    CHECK(resolver.has_value());
    resolver_ = *std::move(resolver);
    cores_.push_back(std::make_unique<server::ProxyCore>(
        server::ProxyCore::Parts{.core = kernel_.core,
                                 .network = network_,
                                 .resolver = *resolver_,
                                 .broker = *broker_,
                                 .lane = writer_.add_lane(output_, std::size_t{1} << 20),
                                 .metrics = metrics_,
                                 .shared_key = settings_->shared_secret,
                                 .signing_keys = *keys_,
                                 .own_endpoints = own_endpoints_,
                                 .ticket_seed = ticket_seed_,
                                 .authorizer = server::authorizer_settings(*settings_, ""),
                                 .generation = generation()}));
  }
  void start(const std::string& peer, std::size_t checks_max) {
    prepare(peer);
    desk_ = std::make_unique<ext_authz::Desk>(cores_.front()->serving(), log_);
    checks_ = std::make_unique<ext_authz::CheckCalls>(std::vector<ext_authz::Desk*>{desk_.get()},
                                                      checks_max);
    auto server = rpc::Server::start(options(0), {checks_.get()});
    CHECK(server.has_value());
    server_ = *std::move(server);
    connect(server_->port());
  }
  // As the process does it, with records on the same port.
  void start_both(const std::string& peer) {
    prepare(peer);
    config::Settings wanted = load(peer, kernel_.clock.wall());
    wanted.record_service.address->port = 0;
    auto endpoint = server::GrpcEndpoint::open({.core = kernel_.core,
                                                .broker = *broker_,
                                                .health = health_,
                                                .data_cores = cores_,
                                                .log_sink = lines_,
                                                .clock = kernel_.clock,
                                                .log_filter = filter_},
                                               wanted);
    CHECK(endpoint.has_value());
    endpoint_ = *std::move(endpoint);
    connect(endpoint_->port());
  }
  static rpc::ServerOptions options(std::uint16_t port) {
    return {.address = {.ip = IpAddress::loopback_v4(), .port = port},
            .certificate = {},
            .streams_per_connection_max = ext_authz::kStreamsMax};
  }
  void connect(std::uint16_t port) {
    const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                             grpc::InsecureChannelCredentials());
    stub_ = wire::Authorization::NewStub(channel);
    records_ = ::databroker::DataBrokerService::NewStub(channel);
  }
  ~GrpcCheckTest() override {
    if (server_ != nullptr) {
      server_->stop();
    }
    if (endpoint_ != nullptr) {
      async::block_on(kernel_.core, endpoint_->close());
    }
    answers_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (answers_.Next(&tag, &ok)) {
    }
  }

  async::Snapshot<proxy::Generation> generation() {
    std::vector<std::string> warnings;
    auto made = server::build_generation(settings_,
                                         {.number = 1,
                                          .cores = 1,
                                          .now = kernel_.clock.wall(),
                                          .entropy = kernel_.entropy,
                                          .speaks_tls = false},
                                         &warnings);
    CHECK(made.has_value());
    return *std::move(made);
  }

  struct Call {
    grpc::ClientContext context;
    wire::CheckResponse response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<wire::CheckResponse>> reader;
  };

  Call& ask(std::string_view host = "public.example", const std::string& jwt = "") {
    Call& call = *calls_.emplace_back(std::make_unique<Call>());
    if (!jwt.empty()) {
      call.context.AddMetadata("jwt", jwt);
    }
    wire::CheckRequest request;
    auto& http = *request.mutable_attributes()->mutable_request()->mutable_http();
    http.set_method("GET");
    http.set_scheme("https");
    http.set_host(std::string(host));
    http.set_path("/");
    call.reader = stub_->AsyncCheck(&call.context, request, &answers_);
    call.reader->Finish(&call.response, &call.status, &call);
    return call;
  }
  // Asks for the state of the records.
  grpc::StatusCode ask_for_records(const std::string& token) {
    grpc::ClientContext context;
    if (!token.empty()) {
      context.AddMetadata("jwt", token);
    }
    ::databroker::ServerInfoResponse response;
    grpc::Status status;
    const auto reader = records_->AsyncServerInfo(&context, {}, &answers_);
    reader->Finish(&response, &status, nullptr);
    run_to_tag();
    return status.error_code();
  }
  std::string token() {
    return databroker::make_caller_token(
        *settings_->shared_secret, "proxy", kernel_.clock.wall(), kernel_.entropy);
  }
  // The next call that is answered while the core does not run.
  Call& next_answer() {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(answers_.Next(&tag, &ok) && ok);
    return *static_cast<Call*>(tag);
  }
  // The same while it does.
  Call& run_to_answer() { return *static_cast<Call*>(run_to_tag()); }
  void* run_to_tag() {
    void* tag = nullptr;
    bool ok = false;
    while (answers_.AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC)) ==
           grpc::CompletionQueue::TIMEOUT) {
      kernel_.core.run_ready();
    }
    return tag;
  }

  KernelCore kernel_;
  net::KernelNetwork network_{kernel_.core};
  CapturedLines lines_;
  telemetry::LogFilter filter_{telemetry::LogLevel::Info};
  telemetry::Log log_{lines_, kernel_.clock, filter_, "test"};
  CapturedOutput output_;
  telemetry::LineWriter writer_{nullptr};
  telemetry::MetricRegistry metrics_{1};
  Secret ticket_seed_{"0123456789abcdef0123456789abcdef"};
  NoOwnEndpoints own_endpoints_;
  async::Snapshot<config::Settings> settings_;
  std::optional<crypto::SigningKeys> keys_;
  std::unique_ptr<databroker::Databroker> broker_;
  admin::Health health_{kernel_.core, {}};
  std::unique_ptr<net::DnsResolver> resolver_;
  std::vector<std::unique_ptr<server::ProxyCore>> cores_;
  std::unique_ptr<ext_authz::Desk> desk_;
  std::unique_ptr<ext_authz::CheckCalls> checks_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<server::GrpcEndpoint> endpoint_;
  std::unique_ptr<wire::Authorization::Stub> stub_;
  std::unique_ptr<::databroker::DataBrokerService::Stub> records_;
  grpc::CompletionQueue answers_;
  std::vector<std::unique_ptr<Call>> calls_;
};

TEST_F(GrpcCheckTest, AQuestionIsAnsweredByTheCore) {
  start("127.0.0.1", 8);
  ask();
  ask("nobody.example");

  for (int i = 0; i < 2; ++i) {
    const Call& call = run_to_answer();
    ASSERT_TRUE(call.status.ok()) << call.status.error_message();
    const bool is_public = &call == calls_[0].get();
    EXPECT_EQ(call.response.status().code() == 0, is_public);
    EXPECT_EQ(static_cast<int>(call.response.denied_response().status().code()),
              is_public ? 0 : 404);
  }
}

TEST_F(GrpcCheckTest, BeyondTheLimitACallerIsToldAtOnceToRefuse) {
  start("127.0.0.1", 2);
  for (int i = 0; i < 3; ++i) {
    ask();
  }

  const Call& refused = next_answer();
  ASSERT_TRUE(refused.status.ok());
  EXPECT_EQ(refused.response.status().code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(static_cast<int>(refused.response.denied_response().status().code()), 503);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(run_to_answer().response.status().code(), 0);
  }
  ask();
  EXPECT_EQ(run_to_answer().response.status().code(), 0);
}

// Covers DBR-09.
TEST_F(GrpcCheckTest, AStrangerGetsNoAnswer) {
  start("10.0.0.5", 8);
  ask();

  EXPECT_EQ(run_to_answer().status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_NE(lines_.text().find("ext_authz_peers does not name"), std::string::npos);
}

TEST_F(GrpcCheckTest, OnePortAnswersBothWhoeverHasTheRight) {
  start_both("127.0.0.1");

  ask();
  EXPECT_EQ(run_to_answer().response.status().code(), 0);
  EXPECT_EQ(ask_for_records(token()), grpc::StatusCode::OK);
  EXPECT_EQ(ask_for_records(""), grpc::StatusCode::UNAUTHENTICATED);
}

// A token gives no right to ask for decisions, and an address none to records. Covers DBR-09.
TEST_F(GrpcCheckTest, OnePortRefusesBothWithoutTheRight) {
  start_both("10.0.0.5");

  ask("public.example", token());
  EXPECT_EQ(run_to_answer().status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ask_for_records(""), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ask_for_records(token()), grpc::StatusCode::OK);
}

TEST_F(GrpcCheckTest, APortThatIsTakenIsOneClearMessage) {
  start("127.0.0.1", 8);

  const auto second = rpc::Server::start(options(server_->port()), {checks_.get()});

  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message().find("cannot listen on 127.0.0.1:"), std::string::npos);
}

}  // namespace
}  // namespace vallum::testing
