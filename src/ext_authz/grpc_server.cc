#include "ext_authz/grpc_server.h"

#include <utility>

#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include "async/call_gate.h"
#include "ext_authz/check_messages.h"
#include "ext_authz/decide.h"
#include "ext_authz/limits.h"
#include "proto/ext_authz.grpc.pb.h"

namespace vallum::ext_authz {

namespace {

// One call of Check. gRPC deletes it when the answer is out.
class Call final : public grpc::ServerUnaryReactor {
 public:
  Call(const wire::CheckRequest& request, wire::CheckResponse* response, std::string peer)
      : request_(request), response_(response), peer_(std::move(peer)) {}

  const wire::CheckRequest& request() const { return request_; }
  wire::CheckResponse* response() { return response_; }
  const std::string& peer() const { return peer_; }
  void keep(async::CallGate::Pass pass) { pass_.emplace(std::move(pass)); }
  // Who has an answer may ask the next question. The call is gone after it.
  void answer(const grpc::Status& status) {
    pass_.reset();
    Finish(status);
  }

 private:
  void OnDone() override { delete this; }

  const wire::CheckRequest& request_;
  wire::CheckResponse* response_;
  std::string peer_;
  std::optional<async::CallGate::Pass> pass_;
};

// A call on its way to an answer: whoever drops it without one has answered that nobody could.
class OpenCall {
 public:
  explicit OpenCall(Call* call) : call_(call) {}
  OpenCall(OpenCall&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  OpenCall& operator=(OpenCall&&) = delete;
  OpenCall(const OpenCall&) = delete;
  OpenCall& operator=(const OpenCall&) = delete;
  ~OpenCall() {
    if (call_ != nullptr) {
      finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the process stops"));
    }
  }

  Call* operator->() const { return call_; }
  // The call is gone after it.
  void finish(const grpc::Status& status) { std::exchange(call_, nullptr)->answer(status); }

 private:
  Call* call_;
};

Task<void> answer(Desk* desk, OpenCall call) {
  // The generation of the exchange may be a later one: each is whole.
  const async::Snapshot<proxy::Generation> generation = desk->core().generation();
  const config::ExtAuthzSettings& settings = generation->settings->ext_authz;
  if (!desk->peers().may_ask(address_of_peer(call->peer()), settings)) {
    call.finish(grpc::Status(grpc::StatusCode::PERMISSION_DENIED,
                             "this address is not one of ext_authz_peers"));
    co_return;
  }
  const Result<Question> question = read_check(call->request());
  if (!question) {
    write_refusal(
        400, grpc::StatusCode::INVALID_ARGUMENT, question.error().message(), call->response());
    call.finish(grpc::Status::OK);
    co_return;
  }
  const Deadline deadline = desk->core().core().deadline_in(settings.check_timeout);
  const Answer made = co_await decide(&desk->core(), &*question, deadline);
  write_answer(made, call->response());
  call.finish(grpc::Status::OK);
}

auto credentials_of(const GrpcOptions& options) {
  if (options.certificate_pem.empty()) {
    return grpc::InsecureServerCredentials();
  }
  grpc::SslServerCredentialsOptions tls(
      options.client_ca_pem.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                    : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = options.client_ca_pem;
  tls.pem_key_cert_pairs.push_back(
      {.private_key = std::string(options.private_key_pem.expose_text()),
       .cert_chain = options.certificate_pem});
  return grpc::SslServerCredentials(tls);
}

}  // namespace

// On gRPC's threads.
class GrpcServer::Service final : public wire::Authorization::CallbackService {
 public:
  Service(std::vector<Desk*> desks, std::size_t checks_max)
      : desks_(std::move(desks)), gate_(checks_max) {}

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const wire::CheckRequest* request,
                                  wire::CheckResponse* response) override {
    Call* const call = new Call(*request, response, context->peer());
    std::optional<async::CallGate::Pass> pass = gate_.try_enter();
    if (!pass) {
      write_refusal(503,
                    grpc::StatusCode::RESOURCE_EXHAUSTED,
                    "too many requests are being decided",
                    response);
      call->Finish(grpc::Status::OK);
      return call;
    }
    Desk* const desk = desks_[pass->number() % desks_.size()];
    call->keep(*std::move(pass));
    desk->core().core().post([desk, open = OpenCall(call)]() mutable {
      desk->calls().spawn(answer(desk, std::move(open)));
    });
    return call;
  }

 private:
  std::vector<Desk*> desks_;
  async::CallGate gate_;
};

struct GrpcServer::Native {
  Native(std::vector<Desk*> desks, std::size_t checks_max)
      : service(std::move(desks), checks_max) {}

  Service service;
  std::unique_ptr<grpc::Server> server;
};

GrpcServer::GrpcServer(std::unique_ptr<Native> native) : native_(std::move(native)) {}

GrpcServer::~GrpcServer() = default;

Result<std::unique_ptr<GrpcServer>> GrpcServer::start(const GrpcOptions& options,
                                                      std::vector<Desk*> desks) {
  std::unique_ptr<GrpcServer> made(
      new GrpcServer(std::make_unique<Native>(std::move(desks), options.checks_max)));
  grpc::ResourceQuota quota("ext_authz");
  quota.Resize(kGrpcBytesMax).SetMaxThreads(kGrpcThreadsMax);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.SetResourceQuota(quota)
      .SetMaxReceiveMessageSize(static_cast<int>(kQuestionBytesMax))
      .AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(kStreamsMax))
      .AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0)
      .AddListeningPort(options.address.text(), credentials_of(options), &port)
      .RegisterService(&made->native_->service);
  made->native_->server = builder.BuildAndStart();
  if (made->native_->server == nullptr || port == 0) {
    return fail(ErrorKind::Unavailable,
                "cannot listen on " + options.address.text() +
                    ": the port is taken, or the certificate cannot be used");
  }
  made->port_ = static_cast<std::uint16_t>(port);
  return made;
}

void GrpcServer::stop() {
  const auto now = std::chrono::system_clock::now();  // NOLINT(vallum-banned): gRPC's own clock
  native_->server->Shutdown(
      now + std::chrono::duration_cast<std::chrono::system_clock::duration>(kStopGrace));
}

}  // namespace vallum::ext_authz
