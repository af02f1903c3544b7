#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async/core_thread.h"
#include "config/settings.h"
#include "crypto/jose/signing_key.h"
#include "databroker/databroker.h"
#include "net/dns_resolver.h"
#include "net/kernel_network.h"
#include "server/proxy_core.h"
#include "support/certificates/test_authority.h"
#include "support/deployment/deployment.h"
#include "support/sim/kernel_core.h"
#include "support/temp_directory.h"
#include "telemetry/line_writer.h"

namespace vallum::testing {

// The proxy on sockets of the kernel and with TLS, on a core with a thread of its own, for clients
// that are other programs. One application behind it answers every request with what it was asked,
// and changes to a WebSocket when asked to; "APPLICATION" in a configuration is its URL. Nobody can
// sign in; own endpoints answer "own".
class TlsDeployment {
 public:
  // The files that the configuration names are to be in `files` by then.
  TlsDeployment(const TempDirectory& files, const std::string& configuration);
  TlsDeployment(const TlsDeployment&) = delete;
  TlsDeployment& operator=(const TlsDeployment&) = delete;
  ~TlsDeployment();

  // As a reload does. New requests find the new configuration when this returns.
  void use(const std::string& configuration);

  // Runs `openssl s_client` with these options, sends these bytes, and returns all it printed once
  // the connection has ended. `answered` is called when the first answer begins to arrive; what it
  // returns is sent, too.
  std::string talk(const std::string& options,
                   const std::string& bytes,
                   const std::function<std::string()>& answered = {});
  // The records so far. A connection that just ended may still owe its last one.
  std::string records();
  // The same, once they say `text`, or after a while without it.
  std::string records_with(std::string_view text);

 private:
  class OwnAnswers;

  async::Snapshot<proxy::Generation> build(const std::string& configuration);
  Task<void> serve_application();
  static Task<void> answer(TlsDeployment* self, std::unique_ptr<net::Stream> stream);
  // Runs it on the core and waits for it.
  void run_there(const std::function<void()>& task);

  const TempDirectory& files_;
  KernelCore kernel_;
  net::KernelNetwork network_{kernel_.core};
  std::unique_ptr<net::DnsResolver> resolver_ = *net::DnsResolver::create(kernel_.core, {});
  std::unique_ptr<net::Listener> application_ =
      *network_.listen({.ip = IpAddress::loopback_v4(), .port = 0}, {});
  std::uint64_t generations_ = 0;
  SecretList shared_key_{Secret("0123456789abcdef0123456789abcdef")};
  Secret ticket_seed_{"fedcba9876543210fedcba9876543210"};
  crypto::SigningKeys keys_ = crypto::SigningKeys::derive(shared_key_);
  databroker::Databroker broker_;
  CapturedOutput output_;
  telemetry::LineWriter writer_{nullptr};
  telemetry::LineLane& lane_ = writer_.add_lane(output_, std::size_t{1} << 20);
  telemetry::MetricRegistry metrics_{1};
  std::unique_ptr<OwnAnswers> own_;
  std::unique_ptr<server::ProxyCore> proxy_core_;
  async::Scope serving_{kernel_.core};
  std::string address_;
  std::optional<async::CoreThread> thread_;
};

}  // namespace vallum::testing
