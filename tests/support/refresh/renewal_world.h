#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/scope.h"
#include "databroker/databroker.h"
#include "databroker/store/memory_store.h"
#include "identity/provider.h"
#include "identity/stored_user.h"
#include "refresh/renewal.h"
#include "session/records.h"
#include "support/captured_lines.h"
#include "support/identity/fake_provider.h"
#include "support/sim/fake_core.h"

namespace vallum::testing {

// Counts the refresh tokens that are on their way.
class WatchedClient final : public http::HttpClient {
 public:
  explicit WatchedClient(http::HttpClient& inner) : inner_(inner) {}

  Async<http::ClientResponse> fetch(http::ClientRequest request, Deadline deadline) override {
    const Count count(this, request.body.contains("grant_type=refresh_token"));
    auto answer = co_await inner_.fetch(std::move(request), deadline);
    co_return answer;
  }
  int under_way() const { return under_way_; }

 private:
  class Count {
   public:
    Count(WatchedClient* client, bool counts) : client_(client), counts_(counts) {
      client_->under_way_ += counts_ ? 1 : 0;
    }
    Count(const Count&) = delete;
    Count& operator=(const Count&) = delete;
    ~Count() { client_->under_way_ -= counts_ ? 1 : 0; }

   private:
    WatchedClient* client_;
    bool counts_;
  };

  http::HttpClient& inner_;
  int under_way_ = 0;
};

// What goes on at the store: it fails, and its clock is another one.
struct StoreTrouble {
  bool is_down = false;
  Duration clock_ahead{0};
};

class FaultyStore final : public databroker::MemoryStore {
 public:
  FaultyStore(Entropy& entropy, const StoreTrouble& trouble)
      : MemoryStore(entropy), trouble_(trouble) {}

  Result<std::vector<databroker::BatchOutcome>> commit(std::vector<databroker::Batch> batches,
                                                       WallTime now) override {
    TRY_OK(check());
    return MemoryStore::commit(std::move(batches), now + trouble_.clock_ahead);
  }
  Result<databroker::Lease> acquire_lease(std::string_view name,
                                          std::string_view id,
                                          Duration duration,
                                          WallTime now) override {
    TRY_OK(check());
    return MemoryStore::acquire_lease(name, id, duration, now + trouble_.clock_ahead);
  }
  Result<databroker::Lease> renew_lease(std::string_view name,
                                        std::string_view id,
                                        Duration duration,
                                        WallTime now) override {
    TRY_OK(check());
    return MemoryStore::renew_lease(name, id, duration, now + trouble_.clock_ahead);
  }

 private:
  Result<void> check() const {
    if (trouble_.is_down) {
      return fail(ErrorKind::Unavailable, "no space left");
    }
    return {};
  }

  const StoreTrouble& trouble_;
};

// One provider, one databroker, and the processes that refresh sessions.
class RenewalWorld {
 public:
  // A process: what it runs, until it is stopped or killed.
  struct Node {
    explicit Node(RenewalWorld& world)
        : client(world.web),
          provider(*identity::Provider::create(
              {.home = world.fake.core, .http = client, .log = world.log},
              world.idp.registration("https://auth.example/oauth2/callback"))),
          metrics(1),
          renewal({.core = world.fake.core,
                   .broker = world.broker,
                   .provider = provider.get(),
                   .log = world.log,
                   .metrics = metrics},
                  {.groups_claim = "groups"}),
          stop(world.fake.core),
          scope(world.fake.core) {
      scope.spawn(renewal.run(stop.token()));
    }
    WatchedClient client;
    std::unique_ptr<identity::Provider> provider;
    telemetry::MetricRegistry metrics;
    refresh::Renewal renewal;
    async::CancelSource stop;
    async::Scope scope;
  };

  explicit RenewalWorld(std::uint64_t seed = 1) : fake(seed) {
    for (const char* name : {"alice", "bob"}) {
      idp.add_user({.subject = name,
                    .claims = {{"email", "\"" + std::string(name) + "@corp.example\""},
                               {"sid", "\"sid-of-" + std::string(name) + "\""}},
                    .userinfo_claims = {{"groups", R"(["dev"])"}}});
    }
  }

  Deadline soon() { return fake.core.deadline_in(std::chrono::seconds(10)); }

  std::unique_ptr<Node> start() { return std::make_unique<Node>(*this); }

  // Signs in as authenticate does; returns the session's id.
  std::string sign_in(std::string_view subject = "alice") {
    auto user = signed_in(subject);
    session::SessionRecord record;
    record.id = "session-" + std::to_string(++sessions_);
    record.user_id = user.user_id;
    record.idp_id = provider->id();
    record.issued_at = fake.clock.wall();
    record.expires_at = fake.clock.wall() + session_life;
    record.claims = identity::claim_set(user.claims);
    record.refresh_disabled = refresh_disabled;
    record.id_token = session::IdToken{.issuer = user.id_token.issuer,
                                       .subject = user.id_token.subject,
                                       .issued_at = user.id_token.issued_at,
                                       .expires_at = user.id_token.expires_at,
                                       .raw = std::move(user.id_token.raw)};
    record.oauth_token = session::OauthToken{.access_token = std::move(user.tokens.access_token),
                                             .token_type = user.tokens.token_type,
                                             .expires_at = user.tokens.expires_at,
                                             .refresh_token = std::move(user.tokens.refresh_token)};
    write(
        databroker::Write::put(session::session_key(record.id), *session::encode_session(record)));
    return record.id;
  }

  Result<databroker::Committed> write(databroker::Write change) {
    databroker::Batch batch;
    batch.push_back(std::move(change));
    return async::block_on(fake.core, broker.put(std::move(batch), soon()));
  }
  void sign_out(const std::string& id) {
    EXPECT_TRUE(write(databroker::Write::remove(session::session_key(id))).has_value());
  }
  std::optional<databroker::Record> record(databroker::RecordKey key) {
    auto found = async::block_on(fake.core, broker.get(std::move(key), soon()));
    return found ? std::optional(*std::move(found)) : std::nullopt;
  }
  bool exists(const std::string& id) { return record(session::session_key(id)).has_value(); }
  session::SessionRecord session(const std::string& id) {
    auto found = record(session::session_key(id));
    EXPECT_TRUE(found.has_value()) << id;
    return found ? *session::decode_session(found->value) : session::SessionRecord();
  }
  std::string refresh_token(const std::string& id) {
    const auto found = session(id);
    return found.oauth_token ? std::string(found.oauth_token->refresh_token.expose_text()) : "";
  }
  std::uint64_t latest_version() {
    return async::block_on(fake.core, broker.state(soon()))->latest_version;
  }

  FakeHttpClient::Origin& origin() { return web.origin("https://idp.example"); }

  Duration session_life = std::chrono::hours(14);
  bool refresh_disabled = false;
  StoreTrouble store;

  FakeCore fake;
  CapturedLines lines;
  telemetry::LogFilter filter{telemetry::LogLevel::Debug};
  telemetry::Log log{lines, fake.clock, filter, "vallum"};
  FakeHttpClient web{fake.core};
  FakeProvider idp{web, fake.clock};
  databroker::Databroker broker{{.home = fake.core,
                                 .store = std::make_unique<FaultyStore>(fake.entropy, store),
                                 .storage = databroker::Databroker::Storage::OnCallingCore}};
  // For signing in.
  std::unique_ptr<identity::Provider> provider =
      *identity::Provider::create({.home = fake.core, .http = web, .log = log},
                                  idp.registration("https://auth.example/oauth2/callback"));

 private:
  identity::SignedIn signed_in(std::string_view subject) {
    const auto url = async::block_on(
        fake.core,
        provider->authorization_url({.state = "s", .nonce = "n", .pkce_verifier = "v"}, soon()));
    auto back = idp.sign_in(url.value_or(""), subject);
    auto user = async::block_on(fake.core,
                                provider->complete_login({.code = std::move(back.code),
                                                          .issuer = std::move(back.issuer),
                                                          .nonce = "n",
                                                          .pkce_verifier = "v"},
                                                         soon()));
    EXPECT_TRUE(user.has_value());
    return *std::move(user);
  }

  int sessions_ = 0;
};

}  // namespace vallum::testing
