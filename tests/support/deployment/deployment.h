#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "authenticate/authenticator.h"
#include "config/settings.h"
#include "databroker/databroker.h"
#include "identity/bearer/bearer_tokens.h"
#include "identity/google_id_tokens.h"
#include "refresh/renewal.h"
#include "server/control_endpoints.h"
#include "server/proxy_core.h"
#include "support/captured_lines.h"
#include "support/fake_http_client.h"
#include "support/identity/fake_provider.h"
#include "support/sim/sim_application.h"
#include "support/sim/sim_world.h"
#include "telemetry/line_writer.h"

namespace vallum::testing {

// Keeps what was written to standard output.
class CapturedOutput final : public telemetry::LineOutput {
 public:
  Attempt try_write(ByteView first, ByteView second) override;
  const std::string& text() const { return text_; }
  // Takes nothing more, as a reader that has stopped.
  bool blocked = false;

 private:
  std::string text_;
};

// The whole process but for TLS and the kernel, composed as the server composes it, on the one core
// of a simulated world: routes https://app.example (anybody signed in), https://admin.example (the
// group admins) and https://public.example (everybody), one application behind all of them, and a
// provider that knows alice (engineering, admins), bob (sales) and carol (no groups).
class Deployment {
 public:
  struct Options {
    // Appended to the configuration; indented as a top-level option.
    std::string more_options;
    // Appended to the routes.
    std::string more_routes;
    // The criterion that allows people on https://app.example.
    std::string app_criterion = "authenticated_user: true";
    // Sessions are refreshed at the provider, and expire.
    bool refreshes_sessions = false;
    // As they stand in the configuration.
    std::string shared_secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    std::string cookie_secret = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
    std::size_t lane_bytes = std::size_t{1} << 20;
  };
  explicit Deployment(SimWorld& world) : Deployment(world, Options()) {}
  Deployment(SimWorld& world, const Options& options);
  ~Deployment();

  static net::SocketAddress front();

  SimWorld& world() { return world_; }
  SimApplication& application() { return application_; }
  FakeProvider& provider() { return idp_; }
  FakeHttpClient& web() { return web_; }
  databroker::Databroker& broker() { return *broker_; }
  identity::BearerTokens& bearer_tokens() { return *bearer_tokens_; }
  server::ProxyCore& core() { return *proxy_core_; }
  const Secret& shared_key() const { return *settings_->shared_secret; }
  CapturedOutput& output() { return output_; }
  // Lines on standard output so far.
  std::string records();
  // Moves what was recorded to standard output, as the writer's thread does.
  void write_records();
  std::string diagnostics() const { return diagnostics_.text(); }
  // In the text format of Prometheus.
  std::string metrics() { return metrics_.expose(); }

  // Requires that sessions are refreshed.
  refresh::Renewal& renewal() { return *renewal_; }

  // Every call of the store fails.
  bool store_is_down = false;

  // As a reload does. Fails the test when the configuration has errors.
  void use(const Options& options);
  // Writes a record, as other services do.
  void put(databroker::RecordKey key, Result<databroker::Value> value);
  // Nothing: there is no such record.
  std::optional<databroker::Record> record(databroker::RecordKey key);
  // Deletes a record, as other services do.
  void remove(databroker::RecordKey key);
  // Deletes a session's record, as a sign-out elsewhere does.
  void delete_session(const std::string& id);
  // The same for callers that run on the core themselves.
  Async<void> remove_session(std::string id);

 private:
  void write(databroker::Write write);
  async::Snapshot<config::Settings> load(const Options& options);
  async::Snapshot<proxy::Generation> build();

  SimWorld& world_;
  SimApplication application_;
  CapturedLines diagnostics_;
  telemetry::LogFilter filter_{telemetry::LogLevel::Info};
  telemetry::Log log_;
  FakeHttpClient web_;
  FakeProvider idp_;
  async::Snapshot<config::Settings> settings_;
  std::uint64_t generations_ = 0;
  crypto::SigningKeys keys_;
  telemetry::MetricRegistry metrics_{1};
  CapturedOutput output_;
  telemetry::LineWriter writer_{nullptr};
  telemetry::LineLane* lane_;
  std::unique_ptr<databroker::Databroker> broker_;
  std::unique_ptr<identity::Provider> provider_;
  std::unique_ptr<identity::GoogleIdTokens> google_tokens_;
  std::unique_ptr<identity::BearerTokens> bearer_tokens_;
  async::Snapshot<proxy::Generation> generation_;
  async::CancelSource renewal_stop_;
  std::unique_ptr<refresh::Renewal> renewal_;
  std::unique_ptr<authenticate::Authenticator> authenticator_;
  async::Scope visits_;
  async::Scope renewing_;
  std::unique_ptr<server::ControlEndpoints> endpoints_;
  Secret ticket_seed_{"0123456789abcdef0123456789abcdef"};
  std::unique_ptr<server::ProxyCore> proxy_core_;
};

}  // namespace vallum::testing
