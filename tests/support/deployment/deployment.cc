#include "support/deployment/deployment.h"

#include <utility>

#include <gtest/gtest.h>

#include "base/check.h"
#include "config/load.h"
#include "databroker/store/memory_store.h"
#include "server/bearer_tokens.h"
#include "server/build_generation.h"
#include "server/serverless_tokens.h"
#include "server/sign_in_settings.h"

namespace vallum::testing {

namespace {

// An application that nobody but the proxy can reach.
net::SocketAddress back() {
  return {.ip = *IpAddress::parse("10.0.0.1"), .port = 8080};
}

std::string configuration(const Deployment::Options& options) {
  return R"(authenticate_service_url: https://auth.example
idp_provider: oidc
idp_provider_url: https://idp.example
idp_client_id: vallum
idp_client_secret: "provider secret+/:"
idp_groups_claim: groups
)" + ("shared_secret: " + options.shared_secret + "\ncookie_secret: " + options.cookie_secret) +
         R"(
pass_identity_headers: true
jwt_claims_headers: [email, groups]
databroker_storage_type: memory
)" + options.more_options +
         R"(
routes:
  - from: https://app.example
    to: http://10.0.0.1:8080
    preserve_host_header: true
    allow_websockets: true
    policy:
      - allow:
          or:
            - )" +
         options.app_criterion +
         R"(
  - from: https://admin.example
    to: http://10.0.0.1:8080
    policy:
      - allow:
          or:
            - groups:
                has: admins
  - from: https://public.example
    to: http://10.0.0.1:8080
    allow_public_unauthenticated_access: true
)" + options.more_routes;
}

// Records in memory that cannot be reached for as long as somebody says so.
class BreakableStore final : public databroker::Store {
 public:
  BreakableStore(Entropy& entropy, const bool& is_down) : store_(entropy), is_down_(is_down) {}

  databroker::StoreState state() const override { return store_.state(); }
  Result<std::vector<databroker::BatchOutcome>> commit(std::vector<databroker::Batch> batches,
                                                       WallTime now) override {
    TRY_OK(reach());
    return store_.commit(std::move(batches), now);
  }
  Result<databroker::Record> get(const databroker::RecordKey& key) override {
    TRY_OK(reach());
    return store_.get(key);
  }
  Result<std::vector<databroker::Record>> list(std::string_view type,
                                               databroker::Page page) override {
    TRY_OK(reach());
    return store_.list(type, page);
  }
  Result<std::vector<databroker::Record>> find(std::string_view type,
                                               const std::vector<databroker::IndexEntry>& any_of,
                                               databroker::Page page) override {
    TRY_OK(reach());
    return store_.find(type, any_of, page);
  }
  Result<std::vector<std::string>> types() override {
    TRY_OK(reach());
    return store_.types();
  }
  Result<std::uint64_t> count(std::string_view type) override {
    TRY_OK(reach());
    return store_.count(type);
  }
  Result<databroker::OptionsByType> options() override {
    TRY_OK(reach());
    return store_.options();
  }
  Result<void> set_options(std::string_view type, const databroker::TypeOptions& options) override {
    TRY_OK(reach());
    return store_.set_options(type, options);
  }
  Result<databroker::Lease> acquire_lease(std::string_view name,
                                          std::string_view id,
                                          Duration duration,
                                          WallTime now) override {
    TRY_OK(reach());
    return store_.acquire_lease(name, id, duration, now);
  }
  Result<databroker::Lease> renew_lease(std::string_view name,
                                        std::string_view id,
                                        Duration duration,
                                        WallTime now) override {
    TRY_OK(reach());
    return store_.renew_lease(name, id, duration, now);
  }
  Result<void> release_lease(std::string_view name, std::string_view id) override {
    TRY_OK(reach());
    return store_.release_lease(name, id);
  }
  Result<void> clear() override {
    TRY_OK(reach());
    return store_.clear();
  }
  Result<std::vector<databroker::Record>> changes(databroker::Page page) override {
    TRY_OK(reach());
    return store_.changes(page);
  }
  Result<std::size_t> prune_tombstones(WallTime deleted_before) override {
    TRY_OK(reach());
    return store_.prune_tombstones(deleted_before);
  }

 private:
  Result<void> reach() const {
    return is_down_ ? Result<void>(fail(ErrorKind::Unavailable, "the store is down"))
                    : Result<void>();
  }

  databroker::MemoryStore store_;
  const bool& is_down_;
};

}  // namespace

telemetry::LineOutput::Attempt CapturedOutput::try_write(ByteView first, ByteView second) {
  if (blocked) {
    return {.status = Attempt::Status::WouldBlock};
  }
  text_.append(as_text(first)).append(as_text(second));
  return {.status = Attempt::Status::Done, .bytes = first.size() + second.size()};
}

net::SocketAddress Deployment::front() {
  return {.ip = IpAddress::loopback_v4(), .port = 443};
}

Deployment::Deployment(SimWorld& world, const Options& options)
    : world_(world),
      application_(world, back()),
      log_(diagnostics_, world.clock(), filter_, "test"),
      web_(world.core()),
      idp_(web_, world.clock()),
      settings_(load(options)),
      keys_(crypto::SigningKeys::derive(settings_->shared_secret)),
      lane_(&writer_.add_lane(output_, options.lane_bytes)),
      renewal_stop_(world.core()),
      visits_(world.core()),
      renewing_(world.core()) {
  idp_.add_user({.subject = "alice",
                 .claims = {{"email", R"("alice@example.com")"},
                            {"name", R"("Alice Archer")"},
                            {"groups", R"(["engineering","admins"])"}}});
  idp_.add_user({.subject = "bob",
                 .claims = {{"email", R"("bob@example.com")"}, {"groups", R"(["sales"])"}}});
  idp_.add_user({.subject = "carol", .claims = {{"email", R"("carol@partner.example")"}}});
  broker_ = std::make_unique<databroker::Databroker>(databroker::Databroker::Parts{
      .home = world.core(),
      .store = std::make_unique<BreakableStore>(world.core().entropy(), store_is_down),
      .cores = 1,
      .storage = databroker::Databroker::Storage::OnCallingCore});
  auto provider = identity::Provider::create({.home = world.core(), .http = web_, .log = log_},
                                             server::provider_settings(*settings_));
  CHECK(provider.has_value());
  provider_ = *std::move(provider);
  auto google = identity::GoogleIdTokens::create({.home = world.core(), .http = web_, .log = log_},
                                                 settings_->google_service_account);
  CHECK(google.has_value());
  google_tokens_ = *std::move(google);
  bearer_tokens_ = std::make_unique<identity::BearerTokens>(
      identity::BearerTokens::Parts{.home = world.core(),
                                    .http = web_,
                                    .log = log_,
                                    .broker = *broker_,
                                    .provider = provider_.get()},
      server::bearer_settings(*settings_));
  if (options.refreshes_sessions) {
    renewal_ =
        std::make_unique<refresh::Renewal>(refresh::Renewal::Parts{.core = world.core(),
                                                                   .broker = *broker_,
                                                                   .provider = provider_.get(),
                                                                   .log = log_,
                                                                   .metrics = metrics_,
                                                                   .metric_shard = 0},
                                           server::renewal_settings(*settings_));
    renewing_.spawn(renewal_->run(renewal_stop_.token()));
  }
  generation_ = build();
  authenticator_ = std::make_unique<authenticate::Authenticator>(
      authenticate::Authenticator::Parts{.core = world.core(),
                                         .broker = *broker_,
                                         .provider = provider_.get(),
                                         .log = log_,
                                         .metrics = metrics_,
                                         .metric_shard = 0,
                                         .shared_key = settings_->shared_secret,
                                         .cookie_key = settings_->cookie.secret},
      server::authenticator_settings(*settings_, keys_),
      async::Snapshot<route::RouteTable>(generation_, &generation_->table));
  endpoints_ = std::make_unique<server::ControlEndpoints>(world.core(), visits_, *authenticator_);
  proxy_core_ = std::make_unique<server::ProxyCore>(server::ProxyCore::Parts{
      .core = world.core(),
      .network = world.network(),
      .resolver = world.resolver(),
      .broker = *broker_,
      .lane = *lane_,
      .metrics = metrics_,
      .shared_key = settings_->shared_secret,
      .signing_keys = keys_,
      .own_endpoints = *endpoints_,
      .ticket_seed = ticket_seed_,
      .fetch_serverless_token = server::fetch_from(world.core(), visits_, *google_tokens_),
      .verify_bearer = server::verify_with(world.core(), visits_, *bearer_tokens_),
      .authorizer = server::authorizer_settings(*settings_, provider_->id()),
      .generation = generation_});
  CHECK(proxy_core_->listen(front(), {}).has_value());
}

Deployment::~Deployment() = default;

async::Snapshot<config::Settings> Deployment::load(const Options& options) {
  const config::Environment nothing;
  const config::DiskFiles files;
  config::Loaded loaded =
      config::load_text(configuration(options),
                        config::Format::Yaml,
                        "test.yaml",
                        {.environment = nothing, .files = files, .now = world_.clock().wall()});
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
    EXPECT_NE(diagnostic.severity, config::Severity::Error) << diagnostic.text();
  }
  CHECK(loaded.settings.has_value());
  return async::make_snapshot<config::Settings>(*std::move(loaded.settings));
}

async::Snapshot<proxy::Generation> Deployment::build() {
  std::vector<std::string> warnings;
  Result<async::Snapshot<proxy::Generation>> made =
      server::build_generation(settings_,
                               {.number = ++generations_,
                                .cores = 1,
                                .now = world_.clock().wall(),
                                .entropy = world_.core().entropy(),
                                .speaks_tls = false},
                               &warnings);
  CHECK(made.has_value());
  return *std::move(made);
}

void Deployment::use(const Options& options) {
  // The old settings stay: secrets and keys of a running process are what parts hold references to.
  const async::Snapshot<config::Settings> before = settings_;
  settings_ = load(options);
  generation_ = build();
  bearer_tokens_->use(server::bearer_settings(*settings_));
  settings_ = before;
  world_.core().post([this] {
    const config::Settings& now = *generation_->settings;
    authenticator_->use(now.shared_secret, now.cookie.secret);
    proxy_core_->use(generation_);
  });
}

void Deployment::write_records() {
  while (writer_.drain() == telemetry::LineWriter::Progress::Moved) {
  }
}

std::string Deployment::records() {
  write_records();
  return output_.text();
}

Async<void> Deployment::remove_session(std::string id) {
  databroker::Batch batch;
  batch.push_back(databroker::Write::remove(session::session_key(id)));
  const Result<databroker::Committed> put =
      co_await broker_->put(std::move(batch), Deadline::never());
  co_return put ? Result<void>() : Result<void>(fail(put.error()));
}

void Deployment::write(databroker::Write write) {
  bool done = false;
  auto work = [](Deployment* self, databroker::Write one, bool* flag) -> Task<void> {
    databroker::Batch batch;
    batch.push_back(std::move(one));
    const auto written = co_await self->broker_->put(std::move(batch), Deadline::never());
    *flag = written.has_value();
  };
  async::Scope scope(world_.core());
  scope.spawn(work(this, std::move(write), &done));
  ASSERT_TRUE(world_.run_until([&done] { return done; }));
}

void Deployment::put(databroker::RecordKey key, Result<databroker::Value> value) {
  ASSERT_TRUE(value.has_value()) << value.error().message();
  write(databroker::Write::put(std::move(key), *std::move(value)));
}

void Deployment::remove(databroker::RecordKey key) {
  write(databroker::Write::remove(std::move(key)));
}

std::optional<databroker::Record> Deployment::record(databroker::RecordKey key) {
  bool done = false;
  std::optional<databroker::Record> found;
  auto read = [](Deployment* self,
                 databroker::RecordKey one,
                 std::optional<databroker::Record>* into,
                 bool* flag) -> Task<void> {
    auto record = co_await self->broker_->get(std::move(one), Deadline::never());
    if (record) {
      *into = *std::move(record);
    }
    *flag = true;
  };
  async::Scope scope(world_.core());
  scope.spawn(read(this, std::move(key), &found, &done));
  EXPECT_TRUE(world_.run_until([&done] { return done; }));
  return found;
}

void Deployment::delete_session(const std::string& id) {
  bool done = false;
  auto remove = [](Deployment* self, std::string session, bool* flag) -> Task<void> {
    const Result<void> removed = co_await self->remove_session(std::move(session));
    *flag = removed.has_value();
  };
  async::Scope scope(world_.core());
  scope.spawn(remove(this, id, &done));
  ASSERT_TRUE(world_.run_until([&done] { return done; }));
}

}  // namespace vallum::testing
