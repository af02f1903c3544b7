#include "rpc/credentials.h"

#include <cstddef>
#include <string>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "base/check.h"
#include "base/secret.h"

namespace vallum::rpc {
namespace {

// gRPC asks for it whenever somebody connects; what it cannot use it says in its log, and keeps
// what it had. On gRPC's threads, one at a time.
class ChangingCredentials final : public grpc::ServerCredentials {
 public:
  explicit ChangingCredentials(const CertificateCell& cell) : cell_(cell) {}

  // gRPC calls it never of itself.
  void SetAuthMetadataProcessor(
      // NOLINTNEXTLINE(vallum-banned): theirs, not ours
      const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) override {
    BUG("who calls is a question to the services");
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    const bool asks_callers = !cell_.load()->client_ca_pem.empty();
    grpc_server_credentials* const native = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            asks_callers ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                         : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            &ChangingCredentials::fetch,
            this));
    if (native == nullptr) {
      return 0;
    }
    const int port = grpc_server_add_http2_port(server, address.c_str(), native);
    grpc_server_credentials_release(native);
    return port;
  }

  static grpc_ssl_certificate_config_reload_status fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    auto* const credentials = static_cast<ChangingCredentials*>(self);
    async::Snapshot<Certificate> now = credentials->cell_.load();
    if (now == credentials->shown_) {
      return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    }
    std::string key(now->private_key_pem.expose_text());  // gRPC wants it to end with a zero
    const grpc_ssl_pem_key_cert_pair pair{.private_key = key.c_str(),
                                          .cert_chain = now->chain_pem.c_str()};
    // gRPC wants authorities even where it asks no caller for a certificate.
    const std::string& authorities =
        now->client_ca_pem.empty() ? now->chain_pem : now->client_ca_pem;
    *config = grpc_ssl_server_certificate_config_create(authorities.c_str(), &pair, 1);
    wipe({reinterpret_cast<std::byte*>(key.data()), key.size()});
    credentials->shown_ = std::move(now);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const CertificateCell& cell_;
  async::Snapshot<Certificate> shown_;
};

}  // namespace

Credentials credentials_from(const CertificateCell& cell) {
  if (cell.load()->chain_pem.empty()) {
    return grpc::InsecureServerCredentials();
  }
  return Credentials(new ChangingCredentials(cell));
}

}  // namespace vallum::rpc
