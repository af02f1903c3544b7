#include "server/server.h"

#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include <unistd.h>

#include "admin/health.h"
#include "admin/health_endpoint.h"
#include "admin/metrics_endpoint.h"
#include "async/core.h"
#include "async/core_thread.h"
#include "async/cpu.h"
#include "async/doorbell.h"
#include "async/epoll_reactor.h"
#include "async/run_on.h"
#include "async/scope.h"
#include "async/signal_watch.h"
#include "async/sleep.h"
#include "config/files.h"
#include "config/state_directory.h"
#include "crypto/secret_memory.h"
#include "databroker/store/memory_store.h"
#include "databroker/store/postgres_store.h"
#include "databroker/store/sqlite_store.h"
#include "http/curl_client.h"
#include "net/dns_resolver.h"
#include "net/kernel_network.h"
#include "proxy/plain_server.h"
#include "refresh/renewal.h"
#include "server/bearer_tokens.h"
#include "server/build_generation.h"
#include "server/control_endpoints.h"
#include "server/forward_auth_listeners.h"
#include "server/grpc_endpoint.h"
#include "server/key_desk.h"
#include "server/proxy_core.h"
#include "server/remote_records.h"
#include "server/serverless_tokens.h"
#include "server/sign_in_settings.h"
#include "session/provider_sessions.h"
#include "telemetry/line_writer.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "telemetry/process_metrics.h"

namespace vallum::server {

namespace {

// What a decision and an access line may take together before the reader of standard output has
// caught up.
constexpr std::size_t kLaneBytes = std::size_t{4} << 20;
// How long requests that are under way may go on after SIGTERM.
constexpr Duration kDrainGrace = std::chrono::seconds(30);
// How long answers of the provider that are under way may take to come and be kept.
constexpr Duration kRenewalGrace = std::chrono::seconds(15);
constexpr Duration kIndexPatience = std::chrono::minutes(10);
constexpr Duration kWriterGrace = std::chrono::seconds(5);
constexpr Duration kWatchInterval = std::chrono::seconds(10);
constexpr std::size_t kTicketSeedBytes = 32;
constexpr std::string_view kVersion = "0.1.0";

// An event loop with what it needs of the machine.
struct Loop {
  std::unique_ptr<async::EpollReactor> reactor;
  std::unique_ptr<async::Core> core;
  std::unique_ptr<net::KernelNetwork> network;
  std::unique_ptr<net::DnsResolver> resolver;

  static Result<Loop> make(const Clock& clock, Entropy& entropy, unsigned index) {
    Loop loop;
    TRY(loop.reactor, async::EpollReactor::create());
    loop.core = std::make_unique<async::Core>(async::Core::Parts{
        .reactor = *loop.reactor, .clock = clock, .entropy = entropy, .index = index});
    loop.network = std::make_unique<net::KernelNetwork>(*loop.core);
    TRY(loop.resolver, net::DnsResolver::create(*loop.core, {}));
    return loop;
  }
};

net::SocketAddress socket_address(const config::BindAddress& address) {
  return {.ip = address.host.value_or(net::any_address()), .port = address.port};
}

// The process. Members are destroyed in reverse, so each may use those above it.
class Server {
 public:
  Server(ServerOptions options, LoadedConfiguration loaded)
      : options_(std::move(options)),
        filter_(loaded.settings.log_level),
        settings_(async::make_snapshot<config::Settings>(std::move(loaded.settings))),
        unknown_keys_(std::move(loaded.unknown_keys)) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  Result<void> prepare();
  int run();
  telemetry::Log& log() { return log_; }

 private:
  Result<void> prepare_loops();
  Result<void> prepare_records();
  Result<void> prepare_store();
  Result<void> prepare_sign_in();
  Result<void> prepare_proxy_cores();
  Result<void> listen();
  Result<std::vector<net::SocketAddress>> listen_for_people();
  Result<void> listen_for_operators();
  void open_key_desk();
  std::string store_directory() const;
  void report_health();
  Result<void> serve_plain(net::SocketAddress address, proxy::PlainServer::Handler handler);
  Result<async::Snapshot<proxy::Generation>> next_generation();
  Task<void> supervise();
  Task<void> watch_parts();
  Task<void> prepare_logout();
  void check_live_streams();
  // Else another process does, and renews sessions.
  bool keeps_records() const { return first_settings_->databroker.addresses.empty(); }
  Task<void> reload();
  // What gRPC shows and says under other settings, to callers and databrokers.
  struct Calls {
    std::optional<rpc::Certificate> shown;
    std::vector<databroker::RecordClientOptions> databrokers;
  };
  Result<Calls> calls_under(const config::Settings& settings);
  void not_reloaded(const Error& error);
  Task<void> shut_down();
  Task<void> drain_core(ProxyCore* proxy_core);
  static Async<std::size_t> drain_there(ProxyCore* proxy_core);
  Async<void> finish_records();
  void start_threads();

  ServerOptions options_;
  SystemClock clock_;
  SystemEntropy entropy_;
  telemetry::FileLineSink stderr_{STDERR_FILENO};
  telemetry::LogFilter filter_;
  telemetry::Log log_{stderr_, clock_, filter_, "vallum"};
  telemetry::Log storage_log_{stderr_, clock_, filter_, "databroker"};  // the storage thread's
  async::Snapshot<config::Settings> settings_;
  std::vector<std::string> unknown_keys_;
  // Parts keep references to the secrets they began with.
  async::Snapshot<config::Settings> first_settings_ = settings_;
  Secret ticket_seed_;
  std::optional<crypto::SigningKeys> signing_keys_;
  std::uint64_t generations_ = 0;
  async::Snapshot<proxy::Generation> generation_;

  unsigned cores_ = 1;
  std::vector<Loop> loops_;  // the data cores'
  Loop control_;
  Loop writer_;
  std::optional<telemetry::MetricRegistry> metrics_;
  std::optional<telemetry::ConfigMetrics> config_metrics_;
  std::optional<admin::Health> health_;
  telemetry::FileLineOutput stdout_{STDOUT_FILENO};
  std::unique_ptr<async::Doorbell> bell_;
  std::optional<telemetry::LineWriter> line_writer_;
  std::vector<telemetry::LineLane*> lanes_;
  std::unique_ptr<async::CancelSource> writer_stop_;
  std::unique_ptr<async::SignalWatch> signals_;

  databroker::RemoteStore* remote_store_ =
      nullptr;  // the broker's, if another process keeps records
  std::unique_ptr<databroker::Databroker> broker_;
  std::unique_ptr<http::CurlClient> http_;
  std::unique_ptr<identity::Provider> provider_;
  std::unique_ptr<identity::GoogleIdTokens> google_tokens_;
  std::unique_ptr<identity::BearerTokens> bearer_tokens_;
  std::unique_ptr<async::CancelSource> renewal_stop_;
  std::optional<refresh::Renewal> renewal_;
  std::unique_ptr<async::Scope> renewing_;
  std::unique_ptr<authenticate::Authenticator> authenticator_;
  std::unique_ptr<async::Scope> visits_;
  std::unique_ptr<ControlEndpoints> endpoints_;
  std::vector<std::unique_ptr<ProxyCore>> proxy_cores_;
  std::unique_ptr<ForwardAuthListeners> forward_auth_;
  std::unique_ptr<GrpcEndpoint> grpc_;
  std::unique_ptr<KeyDesk> key_desk_;
  std::vector<std::unique_ptr<proxy::PlainServer>> plain_;
  std::unique_ptr<async::Scope> writing_;
  std::unique_ptr<async::Scope> writer_tasks_;
  std::unique_ptr<async::Scope> control_tasks_;
  std::vector<std::unique_ptr<async::CoreThread>> threads_;
};

Server::~Server() {
  // Stop the threads first: everything else belongs to cores that then no longer run.
  threads_.clear();
}

Result<void> Server::prepare_loops() {
  cores_ = options_.cores == 0 ? async::default_core_count() : options_.cores;
  for (unsigned i = 0; i < cores_; ++i) {
    TRY(Loop loop, Loop::make(clock_, entropy_, i));
    loops_.push_back(std::move(loop));
  }
  TRY(control_, Loop::make(clock_, entropy_, cores_));
  TRY(writer_, Loop::make(clock_, entropy_, cores_ + 1));
  TRY(signals_, async::SignalWatch::open(*control_.core, {SIGTERM, SIGINT, SIGHUP}));
  metrics_.emplace(cores_ + 1);
  telemetry::register_process_metrics(
      *metrics_, {.version = kVersion, .revision = "", .host = ""}, clock_.wall());
  config_metrics_.emplace(*metrics_, cores_);
  health_.emplace(*control_.core, admin::kAllInOneChecks);
  control_tasks_ = std::make_unique<async::Scope>(*control_.core);
  visits_ = std::make_unique<async::Scope>(*control_.core);
  return {};
}

Result<void> Server::prepare_records() {
  TRY(bell_, async::Doorbell::open(*writer_.core));
  line_writer_.emplace(bell_.get());
  for (unsigned i = 0; i < cores_; ++i) {
    lanes_.push_back(&line_writer_->add_lane(stdout_, kLaneBytes));
  }
  writer_stop_ = std::make_unique<async::CancelSource>(*writer_.core);
  writing_ = std::make_unique<async::Scope>(*writer_.core);
  writer_tasks_ = std::make_unique<async::Scope>(*writer_.core);
  writing_->spawn(line_writer_->run(writer_.core.get(), writer_stop_->token(), kWriterGrace));
  return {};
}

Result<void> Server::prepare_store() {
  const auto keys =
      crypto::KeyEncryptionKeys::of(settings_->storage.encryption_keys, settings_->shared_secret);
  std::unique_ptr<databroker::Store> store;
  if (!settings_->databroker.addresses.empty()) {
    TRY(auto remote, open_remote_records(*settings_, clock_, entropy_));
    remote_store_ = remote.get();
    store = std::move(remote);
  } else if (settings_->storage.type == config::StorageType::Memory) {
    store = std::make_unique<databroker::MemoryStore>(entropy_);
  } else if (settings_->storage.type == config::StorageType::Postgres) {
    auto opened = databroker::PostgresStore::open({.address = settings_->storage.database,
                                                   .keys = keys,
                                                   .clock = clock_,
                                                   .entropy = entropy_,
                                                   .log = storage_log_});
    if (!opened) {
      return fail(opened.error().with_context(settings_->where("databroker_storage_type")));
    }
    store = *std::move(opened);
  } else {
    const std::string directory = store_directory();
    TRY_OK(config::ensure_directory(directory));
    TRY(store,
        databroker::SqliteStore::open(
            {.directory = directory, .now = clock_.wall()}, keys, entropy_));
  }
  broker_ = std::make_unique<databroker::Databroker>(databroker::Databroker::Parts{
      .home = *control_.core,
      .store = std::move(store),
      .cores = cores_ + 1,
      .max_staleness =
          shares_records(*settings_) ? std::optional(settings_->max_staleness) : std::nullopt});
  return {};
}

Result<void> Server::prepare_sign_in() {
  if (settings_->signing_key) {
    Result<crypto::SigningKeys> keys = crypto::SigningKeys::parse(*settings_->signing_key);
    if (!keys) {
      return fail(keys.error().with_context(settings_->where("signing_key") + " signing_key"));
    }
    signing_keys_.emplace(*std::move(keys));
  } else {
    signing_keys_.emplace(crypto::SigningKeys::derive(settings_->shared_secret));
  }
  TRY(http_,
      http::CurlClient::create(*control_.core,
                               {.extra_roots_pem = settings_->certificate_authority_pem}));
  if (has_provider(*settings_)) {
    TRY(provider_,
        identity::Provider::create({.home = *control_.core, .http = *http_, .log = log_},
                                   provider_settings(*settings_)));
  }
  Result<std::unique_ptr<identity::GoogleIdTokens>> google = identity::GoogleIdTokens::create(
      {.home = *control_.core, .http = *http_, .log = log_}, settings_->google_service_account);
  if (!google) {
    const std::string option = "google_cloud_serverless_authentication_service_account";
    return fail(google.error().with_context(settings_->where(option) + " " + option));
  }
  google_tokens_ = *std::move(google);
  bearer_tokens_ = std::make_unique<identity::BearerTokens>(
      identity::BearerTokens::Parts{.home = *control_.core,
                                    .http = *http_,
                                    .log = log_,
                                    .broker = *broker_,
                                    .provider = provider_.get()},
      bearer_settings(*settings_));
  renewal_.emplace(refresh::Renewal::Parts{.core = *control_.core,
                                           .broker = *broker_,
                                           .provider = provider_.get(),
                                           .log = log_,
                                           .metrics = *metrics_,
                                           .metric_shard = cores_},
                   renewal_settings(*settings_));
  renewal_stop_ = std::make_unique<async::CancelSource>(*control_.core);
  renewing_ = std::make_unique<async::Scope>(*control_.core);
  TRY(generation_, next_generation());
  authenticator_ = std::make_unique<authenticate::Authenticator>(
      authenticate::Authenticator::Parts{.core = *control_.core,
                                         .broker = *broker_,
                                         .provider = provider_.get(),
                                         .log = log_,
                                         .metrics = *metrics_,
                                         .metric_shard = cores_,
                                         .shared_key = settings_->shared_secret,
                                         .cookie_key = settings_->cookie.secret},
      authenticator_settings(*settings_, *signing_keys_),
      async::Snapshot<route::RouteTable>(generation_, &generation_->table));
  endpoints_ = std::make_unique<ControlEndpoints>(*control_.core, *visits_, *authenticator_);
  return {};
}

Result<async::Snapshot<proxy::Generation>> Server::next_generation() {
  std::vector<std::string> warnings;
  Result<async::Snapshot<proxy::Generation>> made = build_generation(
      settings_,
      {.number = ++generations_, .cores = cores_, .now = clock_.wall(), .entropy = entropy_},
      &warnings);
  for (const std::string& warning : warnings) {
    log_.warn(warning);
  }
  return made;
}

Result<void> Server::prepare_proxy_cores() {
  Bytes seed(kTicketSeedBytes);
  entropy_.fill(seed);
  ticket_seed_ = Secret(std::move(seed));
  for (unsigned i = 0; i < cores_; ++i) {
    proxy_cores_.push_back(std::make_unique<ProxyCore>(ProxyCore::Parts{
        .core = *loops_[i].core,
        .network = *loops_[i].network,
        .resolver = *loops_[i].resolver,
        .broker = *broker_,
        .lane = *lanes_[i],
        .metrics = *metrics_,
        .shared_key = settings_->shared_secret,
        .signing_keys = *signing_keys_,
        .own_endpoints = *endpoints_,
        .ticket_seed = ticket_seed_,
        .fetch_serverless_token = fetch_from(*control_.core, *visits_, *google_tokens_),
        .verify_bearer = verify_with(*control_.core, *visits_, *bearer_tokens_),
        .authorizer = authorizer_settings(*settings_, authenticator_->idp_id()),
        .generation = generation_}));
  }
  return {};
}

Result<void> Server::serve_plain(net::SocketAddress address, proxy::PlainServer::Handler handler) {
  TRY(std::unique_ptr<net::Listener> listener,
      control_.network->listen(address, {.share_port = false}));
  plain_.push_back(std::make_unique<proxy::PlainServer>(
      *control_.core, std::move(listener), std::move(handler), generation_->limits));
  control_tasks_->spawn(plain_.back()->run());
  return {};
}

// Every port is taken before any thread runs, so that a port in use is one clear message and
// nothing else.
Result<void> Server::listen() {
  std::vector<net::SocketAddress> addresses;
  if (settings_->answers_people) {
    TRY(addresses, listen_for_people());
  }
  TRY_OK(listen_for_operators());
  open_key_desk();
  for (ServerOptions::Embedded& embedded : options_.embedded) {
    TRY_OK(serve_plain(embedded.address, std::move(embedded.handler)));
  }
  if (options_.started) {
    options_.started(addresses);
  }
  return {};
}

Result<std::vector<net::SocketAddress>> Server::listen_for_people() {
  std::vector<net::SocketAddress> addresses;
  net::SocketAddress address = socket_address(settings_->address);
  for (unsigned i = 0; i < cores_; ++i) {
    Result<net::SocketAddress> bound =
        proxy_cores_[i]->listen(address, {.refuse_taken_port = i == 0});
    if (!bound) {
      return fail(bound.error().with_context("address"));
    }
    address.port = bound->port;  // a free port that was chosen for the first is everybody's
    addresses.push_back(*bound);
  }
  if (settings_->http_redirect_addr) {
    Result<net::SocketAddress> bound = proxy_cores_.front()->listen_for_redirects(
        socket_address(*settings_->http_redirect_addr), {.share_port = false}, address.port);
    if (!bound) {
      return fail(bound.error().with_context("http_redirect_addr"));
    }
  }
  return addresses;
}

std::string Server::store_directory() const {
  const std::string& given = settings_->storage.directory;
  return given.empty() ? options_.state_directory : given;
}

// Nothing but 'vallum keys' needs it.
void Server::open_key_desk() {
  if (settings_->storage.type != config::StorageType::File || !keeps_records()) {
    return;
  }
  auto desk = KeyDesk::open({.core = *control_.core,
                             .network = *control_.network,
                             .broker = *broker_,
                             .log = log_,
                             .limits = generation_->limits},
                            store_directory());
  if (!desk) {
    log_.warn("'vallum keys' cannot reach this process", {{"error", desk.error().message()}});
    return;
  }
  key_desk_ = *std::move(desk);
  control_tasks_->spawn(key_desk_->run());
}

// Probes and metrics.
Result<void> Server::listen_for_operators() {
  const Result<void> health = serve_plain(
      socket_address(settings_->health_check_addr),
      [this](const http::Request& request) { return admin::answer_health(*health_, request); });
  if (!health) {
    return fail(health.error().with_context("health_check_addr"));
  }
  if (settings_->metrics_address) {
    const Result<void> metrics = serve_plain(
        socket_address(*settings_->metrics_address),
        [this](const http::Request& request) { return admin::answer_metrics(*metrics_, request); });
    if (!metrics) {
      return fail(metrics.error().with_context("metrics_address"));
    }
  }
  return {};
}

// What probes of the reference ask for, answered for the parts of one process.
void Server::report_health() {
  for (const std::string_view check : admin::kAllInOneChecks) {
    if (check != kFollowsRecords || !shares_records(*first_settings_)) {
      health_->running(std::string(check));
    }
  }
  admin::CheckReport sign_in{
      .status = admin::CheckReport::Status::Running, .error = {}, .attributes = {}};
  for (const std::string& option :
       authenticator_settings(*settings_, *signing_keys_).missing_options) {
    sign_in.attributes.push_back(option + " is not set: nobody can sign in");
  }
  health_->report("authenticate.service", std::move(sign_in));
  health_->report(
      "config.unknown_keys",
      {.status = admin::CheckReport::Status::Running, .error = {}, .attributes = unknown_keys_});
  config_metrics_->loaded(clock_.wall(), settings_->routes.size());
}

Result<void> Server::prepare() {
  TRY_OK(prepare_loops());
  TRY_OK(prepare_records());
  TRY_OK(prepare_store());
  TRY_OK(prepare_sign_in());
  TRY_OK(prepare_proxy_cores());
  TRY_OK(listen());
  TRY(forward_auth_,
      ForwardAuthListeners::open(
          {.cores = proxy_cores_, .log_sink = stderr_, .clock = clock_, .log_filter = filter_},
          *settings_));
  TRY(grpc_,
      GrpcEndpoint::open({.core = *control_.core,
                          .broker = *broker_,
                          .health = *health_,
                          .data_cores = proxy_cores_,
                          .log_sink = stderr_,
                          .clock = clock_,
                          .log_filter = filter_},
                         *first_settings_));
  return {};
}

void Server::start_threads() {
  threads_.push_back(std::make_unique<async::CoreThread>(
      *writer_.core, async::CoreThread::Options{.name = "records", .cpu = std::nullopt}));
  for (unsigned i = 0; i < cores_; ++i) {
    threads_.push_back(std::make_unique<async::CoreThread>(
        *loops_[i].core,
        async::CoreThread::Options{.name = "core-" + std::to_string(i), .cpu = std::nullopt}));
  }
}

int Server::run() {
  start_threads();
  report_health();
  control_tasks_->spawn(supervise());
  control_tasks_->spawn(watch_parts());
  if (shares_records(*settings_)) {
    control_tasks_->spawn(report_records(
        control_.core.get(), broker_.get(), &*health_, [this] { check_live_streams(); }));
  }
  if (keeps_records()) {
    control_tasks_->spawn(prepare_logout());
    renewing_->spawn(renewal_->run(renewal_stop_->token()));
  }
  log_.info("ready", {{"cores", cores_}});
  control_.core->run();
  return 0;
}

// What parts say of themselves. Sessions that are known go on being served without a store that can
// write and without a provider, so readiness depends on neither.
Task<void> Server::watch_parts() {
  std::string store_before;
  while (true) {
    const Result<std::optional<Error>> failure = co_await broker_->storage_failure();
    std::string store = failure && *failure ? std::string((*failure)->message()) : std::string();
    if (store != store_before) {
      if (store.empty()) {
        log_.info("the store works again");
      } else {
        log_.error("the store fails", {{"error", store}});
      }
      store_before = store;
    }
    health_->failed("storage.failure", std::move(store));
    if (provider_ != nullptr && (settings_->signs_in || keeps_records())) {
      // The provider itself says in the log what is wrong with it.
      co_await provider_->prepare(control_.core->deadline_in(kWatchInterval));
      Result<identity::ProviderStatus> status = co_await provider_->status();
      health_->failed(
          "identity.provider",
          status ? std::move(status->problem).value_or("") : std::string(status.error().message()));
      health_->failed("identity.refresh", renewal_->status().alarm.value_or(""));
    }
    if (settings_->tokens_were_renewed(config::DiskFiles())) {
      log_.info("a token file was renewed");
      co_await reload();
    }
    co_await async::sleep_for(*control_.core, kWatchInterval);
  }
}

void Server::check_live_streams() {
  for (const auto& proxy_core : proxy_cores_) {
    ProxyCore* const target = proxy_core.get();
    target->core().post([target] { target->serving().live_streams().check_all(); });
  }
}

// Finding sessions by what the provider calls them takes an index, which takes a while to make over
// many sessions. A logout makes it when this did not.
Task<void> Server::prepare_logout() {
  if (!settings_->provider.backchannel_logout) {
    co_return;
  }
  const Result<void> made = co_await session::ensure_provider_index(
      broker_.get(), control_.core->deadline_in(kIndexPatience));
  if (!made) {
    log_.warn("sessions are not indexed for logout yet", {{"error", made.error().message()}});
  }
}

Task<void> Server::supervise() {
  while (true) {
    const Result<int> signal = co_await signals_->next();
    if (!signal) {
      log_.error("signals cannot be read", {{"error", signal.error().message()}});
    }
    if (signal && *signal == SIGHUP) {
      co_await reload();
      continue;
    }
    break;
  }
  co_await shut_down();
  control_.core->stop();
}

void Server::not_reloaded(const Error& error) {
  config_metrics_->failed();
  health_->failed("config.databroker.build", std::string(error.message()));
  log_.error("the configuration was not changed", {{"error", error.message()}});
}

Result<Server::Calls> Server::calls_under(const config::Settings& settings) {
  Calls calls;
  TRY(calls.shown, grpc_->certificate_under(settings));
  if (remote_store_ != nullptr && !settings.databroker.addresses.empty()) {
    TRY(calls.databrokers, databrokers_under(settings, clock_, entropy_));
  }
  return calls;
}

// Everything or nothing: what cannot be loaded or built leaves the present configuration as it is.
Task<void> Server::reload() {
  Result<LoadedConfiguration> loaded = options_.load();
  if (!loaded) {
    not_reloaded(loaded.error());
    co_return;
  }
  const Result<void> filled =
      config::fill_missing_secrets(loaded->settings, options_.state_directory, entropy_);
  if (!filled) {
    not_reloaded(filled.error());
    co_return;
  }
  const async::Snapshot<config::Settings> before = settings_;
  settings_ = async::make_snapshot<config::Settings>(std::move(loaded->settings));
  Result<Calls> calls = calls_under(*settings_);
  Result<async::Snapshot<proxy::Generation>> made = calls ? next_generation() : fail(calls.error());
  if (!made) {
    settings_ = before;
    not_reloaded(made.error());
    co_return;
  }
  unknown_keys_ = std::move(loaded->unknown_keys);
  report_health();
  generation_ = *std::move(made);
  filter_.set_level(settings_->log_level);
  authenticator_->use(authenticator_settings(*settings_, *signing_keys_),
                      async::Snapshot<route::RouteTable>(generation_, &generation_->table));
  bearer_tokens_->use(bearer_settings(*settings_));
  renewal_->use(renewal_settings(*settings_));
  authenticator_->use(settings_->shared_secret, settings_->cookie.secret);
  grpc_->use(settings_->shared_secret, std::move(calls->shown));
  if (!calls->databrokers.empty()) {
    remote_store_->use(std::move(calls->databrokers));
  }
  for (const auto& proxy_core : proxy_cores_) {
    ProxyCore* const target = proxy_core.get();
    target->core().post([target, generation = generation_] { target->use(generation); });
  }
  log_.info("the configuration was changed", {{"generation", generations_}});
}

// Accepts nothing new, lets requests end, then stops the cores; the records of all of them are
// written last.
Task<void> Server::shut_down() {
  log_.info("stopping: requests under way may end");
  health_->terminating();
  renewal_stop_->cancel();
  co_await grpc_->close();
  async::Scope draining(*control_.core);
  for (const auto& proxy_core : proxy_cores_) {
    draining.spawn(drain_core(proxy_core.get()));
  }
  co_await draining.drain(Deadline::never());
  for (const auto& plain : plain_) {
    plain->close();
  }
  if (key_desk_ != nullptr) {
    key_desk_->close();
  }
  co_await renewing_->drain(control_.core->deadline_in(kRenewalGrace));
  const Result<void> written =
      co_await async::run_on(*writer_.core, *writer_tasks_, [this] { return finish_records(); });
  if (!written) {
    log_.error("records may be lost", {{"error", written.error().message()}});
  }
}

Task<void> Server::drain_core(ProxyCore* proxy_core) {
  const Result<std::size_t> cut = co_await async::run_on(
      proxy_core->core(), proxy_core->tasks(), [proxy_core] { return drain_there(proxy_core); });
  if (cut && *cut > 0) {
    log_.warn("connections were cut", {{"connections", *cut}});
  }
}

Async<std::size_t> Server::drain_there(ProxyCore* proxy_core) {
  const Deadline deadline = proxy_core->core().deadline_in(kDrainGrace);
  co_return co_await proxy_core->drain(deadline);
}

// On the writer's core.
Async<void> Server::finish_records() {
  writer_stop_->cancel();
  co_await writing_->drain(writer_.core->deadline_in(kWriterGrace * 2));
  co_return Result<void>{};
}

}  // namespace

Result<LoadedConfiguration> report_loaded(config::Loaded loaded) {
  LoadedConfiguration made;
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
    std::fprintf(stderr, "%s\n", diagnostic.text().c_str());
    if (diagnostic.severity == config::Severity::UnknownKey) {
      made.unknown_keys.push_back(diagnostic.text());
    }
  }
  if (!loaded.settings) {
    return fail(ErrorKind::InvalidInput, "the configuration has errors");
  }
  made.settings = *std::move(loaded.settings);
  return made;
}

int run_server(ServerOptions options) {
  const crypto::SecretMemoryState secrets = crypto::protect_secrets();
  async::block_signals({SIGTERM, SIGINT, SIGHUP});
  std::signal(SIGPIPE, SIG_IGN);
  Result<LoadedConfiguration> loaded = options.load();
  if (!loaded) {
    return 1;
  }
  SystemEntropy entropy;
  Result<void> ready =
      config::fill_missing_secrets(loaded->settings, options.state_directory, entropy);
  if (ready) {
    Server server(std::move(options), *std::move(loaded));
    if (secrets == crypto::SecretMemoryState::NotLocked) {
      server.log().warn(
          "keys may be written to swap: their memory cannot be locked; allow this user 8 MiB "
          "(LimitMEMLOCK, ulimit -l)");
    }
    ready = server.prepare();
    if (ready) {
      return server.run();
    }
    server.log().error("cannot start", {{"error", ready.error().message()}});
    return 1;
  }
  SystemClock clock;
  telemetry::FileLineSink sink(STDERR_FILENO);
  const telemetry::LogFilter filter(telemetry::LogLevel::Info);
  telemetry::Log(sink, clock, filter, "vallum")
      .error("cannot start", {{"error", ready.error().message()}});
  return 1;
}

}  // namespace vallum::server
