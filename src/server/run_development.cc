#include <array>
#include <cstdio>
#include <memory>
#include <utility>

#include "async/core.h"
#include "async/epoll_reactor.h"
#include "base/entropy.h"
#include "base/time.h"
#include "config/load.h"
#include "config/state_directory.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/signing_key.h"
#include "dev/configuration.h"
#include "dev/demo_application.h"
#include "dev/development_mode.h"
#include "dev/files.h"
#include "dev/identity_provider.h"
#include "dev/local_authority.h"
#include "net/kernel_network.h"
#include "server/run.h"
#include "server/server.h"

namespace vallum::server {

namespace {

constexpr std::uint16_t kProxyPort = 8443;
constexpr std::uint16_t kProviderPort = 8444;
constexpr std::uint16_t kApplicationPort = 8445;
constexpr std::uint16_t kHealthPort = 28080;

net::SocketAddress loopback(std::uint16_t port) {
  return {.ip = IpAddress::loopback_v4(), .port = port};
}

// The wanted port, or a free one when somebody has it.
Result<std::uint16_t> free_port(net::Network& network, std::uint16_t wanted) {
  const net::ListenOptions alone{.share_port = false, .refuse_taken_port = true};
  Result<std::unique_ptr<net::Listener>> listener = network.listen(loopback(wanted), alone);
  if (!listener) {
    listener = network.listen(loopback(0), alone);
  }
  if (!listener) {
    return fail(listener.error());
  }
  return (*listener)->local_address().port;
}

// Everything that lives as long as the development server.
struct Development {
  SystemClock clock;
  SystemEntropy entropy;
  dev::DevelopmentMode mode;
  std::string folder;
  Secret seed;
  dev::ConfigurationPlan plan;
  std::unique_ptr<dev::IdentityProvider> provider;
  std::unique_ptr<dev::DemoApplication> application;

  explicit Development(dev::DevelopmentMode entered) : mode(entered) {}
  Result<void> prepare();
  Result<void> choose_ports();
};

Result<void> Development::choose_ports() {
  TRY(std::unique_ptr<async::EpollReactor> reactor, async::EpollReactor::create());
  async::Core core({.reactor = *reactor, .clock = clock, .entropy = entropy});
  net::KernelNetwork network(core);
  TRY(plan.port, free_port(network, kProxyPort));
  TRY(plan.provider_port, free_port(network, kProviderPort));
  TRY(plan.application_port, free_port(network, kApplicationPort));
  TRY(const std::uint16_t health_port, free_port(network, kHealthPort));
  plan.health_address = loopback(health_port).text();
  return {};
}

Result<void> Development::prepare() {
  const config::Environment environment = config::Environment::of_process();
  TRY(const std::string state, config::find_state_directory(environment));
  folder = state + "/dev";
  TRY_OK(config::ensure_directory(folder));
  TRY_OK(choose_ports());
  const std::vector<std::string> names = dev::host_names();
  TRY(plan.certificates,
      dev::ensure_local_certificates(mode, folder + "/certificates", names, clock, entropy));
  TRY(seed, config::load_or_create_secret(folder, "provider_seed", entropy));
  plan.provider_seed = &seed;
  plan.store_folder = folder + "/store";
  provider = std::make_unique<dev::IdentityProvider>(
      mode, dev::IdentityProviderOptions{.issuer = dev::provider_url(plan)}, seed, clock, entropy);
  TRY(const Secret shared, config::load_or_create_secret(folder, "shared_secret", entropy));
  TRY(crypto::JwkSet keys, crypto::JwkSet::parse(crypto::SigningKeys::derive(shared).jwks()));
  application = std::make_unique<dev::DemoApplication>(mode, std::move(keys), clock, entropy);
  // Not read again: for whoever wants to see it, or to begin a configuration with it.
  return dev::write_private_file(folder + "/config.yaml", dev::configuration_yaml(mode, plan));
}

int report(const Error& error) {
  const std::string text(error.message());
  std::fprintf(stderr, "vallum dev: %s\n", text.c_str());
  return 1;
}

}  // namespace

int run_development(std::span<const char* const> arguments, unsigned cores) {
  Result<dev::DevelopmentMode> mode = dev::DevelopmentMode::enter(arguments);
  if (!mode) {
    return report(mode.error());
  }
  Development development(*mode);
  const Result<void> ready = development.prepare();
  if (!ready) {
    return report(ready.error());
  }
  ServerOptions options;
  options.state_directory = development.folder;
  options.cores = cores;
  options.load = [&development]() -> Result<LoadedConfiguration> {
    const config::Environment nothing;
    const config::DiskFiles files;
    config::Loaded loaded = config::load_text(
        dev::configuration_yaml(development.mode, development.plan),
        config::Format::Yaml,
        "dev",
        {.environment = nothing, .files = files, .now = development.clock.wall()});
    return report_loaded(std::move(loaded));
  };
  options.embedded.push_back({.address = loopback(development.plan.provider_port),
                              .handler = [&development](const http::Request& request) {
                                return development.provider->handle(request);
                              }});
  options.embedded.push_back({.address = loopback(development.plan.application_port),
                              .handler = [&development](const http::Request& request) {
                                return development.application->handle(request);
                              }});
  options.started = [&development](const std::vector<net::SocketAddress>&) {
    std::fputs(dev::welcome(development.plan).c_str(), stderr);
    std::fprintf(stdout, "%s\n", dev::application_url(development.plan).c_str());
    std::fflush(stdout);
  };
  return run_server(std::move(options));
}

}  // namespace vallum::server
