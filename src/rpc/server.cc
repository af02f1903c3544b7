#include "rpc/server.h"

#include <algorithm>
#include <map>
#include <utility>

#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include "base/check.h"
#include "rpc/credentials.h"
#include "rpc/limits.h"
#include "rpc/native_call.h"

namespace vallum::rpc {
namespace {

int milliseconds(Duration duration) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

// Finds whose a call is. A path is looked up as it came: what differs in one byte is nobody's.
class Switchboard final : public grpc::CallbackGenericService {
 public:
  explicit Switchboard(const std::vector<Service*>& services) {
    for (Service* const service : services) {
      const std::vector<Service::Method>& methods = service->methods();
      for (std::size_t i = 0; i < methods.size(); ++i) {
        const bool is_alone =
            places_.emplace(methods[i].path, Place{.service = service, .method = i}).second;
        CHECK(is_alone);
        message_bytes_max_ = std::max(message_bytes_max_, methods[i].message_bytes_max);
      }
    }
  }

  std::size_t message_bytes_max() const { return message_bytes_max_; }

 private:
  struct Place {
    Service* service;
    std::size_t method;
  };

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    auto* const native = new NativeCall(*context);
    Call call(native);
    const auto found = places_.find(context->method());
    if (found == places_.end()) {
      call.finish({.code = Code::Unimplemented, .text = "no such method", .details = {}});
      return native;
    }
    const Place& place = found->second;
    native->set_message_bytes_max(place.service->methods()[place.method].message_bytes_max);
    place.service->take(place.method, std::move(call));
    return native;
  }

  std::map<std::string, Place> places_;
  std::size_t message_bytes_max_ = 0;
};

}  // namespace

struct Server::Native {
  Native(Certificate shown, std::vector<Service*> of)
      : certificate(async::make_snapshot<Certificate>(std::move(shown))),
        services(std::move(of)),
        switchboard(services) {}

  CertificateCell certificate;
  // gRPC asks it, and does not keep it.
  Credentials credentials = credentials_from(certificate);
  std::vector<Service*> services;
  Switchboard switchboard;
  std::unique_ptr<grpc::Server> server;
};

Server::Server(std::unique_ptr<Native> native) : native_(std::move(native)) {}

Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(ServerOptions options,
                                              std::vector<Service*> services) {
  std::unique_ptr<Server> made(
      new Server(std::make_unique<Native>(std::move(options.certificate), std::move(services))));
  Native& native = *made->native_;
  grpc::ResourceQuota quota("rpc");
  quota.Resize(kBytesMax).SetMaxThreads(kThreadsMax);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.SetResourceQuota(quota)
      .SetMaxReceiveMessageSize(static_cast<int>(native.switchboard.message_bytes_max()))
      .AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                          static_cast<int>(options.streams_per_connection_max))
      .AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, static_cast<int>(kMetadataBytesMax))
      .AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0)
      .AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                          milliseconds(kKeepaliveLeast))
      .AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1)
      .AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(kKeepalive))
      .AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(kKeepalive))
      // A small compressed message may be a huge one, and its size is looked at before.
      .SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false)
      .SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false)
      .AddListeningPort(options.address.text(), native.credentials, &port)
      .RegisterCallbackGenericService(&native.switchboard);
  // The switch is the process's.
  grpc::EnableDefaultHealthCheckService(!options.healthy.empty());
  native.server = builder.BuildAndStart();
  grpc::EnableDefaultHealthCheckService(false);
  if (native.server == nullptr || port == 0) {
    return fail(ErrorKind::Unavailable,
                "cannot listen on " + options.address.text() +
                    ": the port is taken, or the certificate cannot be used");
  }
  if (auto* const health = native.server->GetHealthCheckService(); health != nullptr) {
    for (const std::string& name : options.healthy) {
      health->SetServingStatus(name, true);
    }
  }
  made->port_ = static_cast<std::uint16_t>(port);
  return made;
}

Result<void> Server::check(const Certificate& certificate) const {
  const async::Snapshot<Certificate> before = native_->certificate.load();
  if (certificate.chain_pem.empty() != before->chain_pem.empty() ||
      certificate.client_ca_pem.empty() != before->client_ca_pem.empty()) {
    return fail(ErrorKind::InvalidInput,
                "whether the listener speaks TLS, and whether callers must show a certificate, "
                "changes when the process is started anew");
  }
  return {};
}

void Server::use(Certificate certificate) {
  CHECK(check(certificate).has_value());
  native_->certificate.store(async::make_snapshot<Certificate>(std::move(certificate)));
}

void Server::stop() {
  for (Service* const service : native_->services) {
    service->stop();
  }
  const auto now = std::chrono::system_clock::now();  // NOLINT(vallum-banned): gRPC's own clock
  native_->server->Shutdown(
      now + std::chrono::duration_cast<std::chrono::system_clock::duration>(kStopGrace));
}

}  // namespace vallum::rpc
