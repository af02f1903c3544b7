// From credentials to identity, through the cache, over a databroker in memory.
#include "session/session_finder.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "async/scope.h"
#include "codec/json.h"
#include "databroker/store/memory_store.h"
#include "proto/session.pb.h"
#include "session/records.h"
#include "support/allocation/allocation_count.h"
#include "support/sim/fake_core.h"

namespace vallum::session {
namespace {

using namespace std::chrono_literals;
using databroker::Write;
using State = FoundSession::State;

// A store that counts reads, and can be told to fail them or to change records between them.
class HookedStore final : public databroker::Store {
 public:
  struct Hooks {
    int gets = 0;
    std::optional<Error> failure;
    // Runs before the n-th get from now (counting from 0).
    int before_get = -1;
    UniqueFunction<void(databroker::Store&)> change;
  };
  HookedStore(Entropy& entropy, Hooks& hooks) : inner_(entropy), hooks_(hooks) {}

  databroker::StoreState state() const override { return inner_.state(); }
  Result<std::vector<databroker::BatchOutcome>> commit(std::vector<databroker::Batch> batches,
                                                       WallTime now) override {
    return inner_.commit(std::move(batches), now);
  }
  Result<databroker::Record> get(const databroker::RecordKey& key) override {
    ++hooks_.gets;
    if (hooks_.before_get == 0) {
      hooks_.change(inner_);
    }
    hooks_.before_get -= hooks_.before_get >= 0 ? 1 : 0;
    if (hooks_.failure) {
      return fail(*hooks_.failure);
    }
    return inner_.get(key);
  }
  Result<std::vector<databroker::Record>> list(std::string_view type,
                                               databroker::Page page) override {
    return inner_.list(type, page);
  }
  Result<std::vector<databroker::Record>> find(std::string_view type,
                                               const std::vector<databroker::IndexEntry>& any_of,
                                               databroker::Page page) override {
    return inner_.find(type, any_of, page);
  }
  Result<std::vector<std::string>> types() override { return inner_.types(); }
  Result<std::uint64_t> count(std::string_view type) override { return inner_.count(type); }
  Result<databroker::OptionsByType> options() override { return inner_.options(); }
  Result<void> set_options(std::string_view type, const databroker::TypeOptions& options) override {
    return inner_.set_options(type, options);
  }
  Result<databroker::Lease> acquire_lease(std::string_view name,
                                          std::string_view id,
                                          Duration duration,
                                          WallTime now) override {
    return inner_.acquire_lease(name, id, duration, now);
  }
  Result<databroker::Lease> renew_lease(std::string_view name,
                                        std::string_view id,
                                        Duration duration,
                                        WallTime now) override {
    return inner_.renew_lease(name, id, duration, now);
  }
  Result<void> release_lease(std::string_view name, std::string_view id) override {
    return inner_.release_lease(name, id);
  }
  Result<void> clear() override { return inner_.clear(); }
  Result<std::vector<databroker::Record>> changes(databroker::Page page) override {
    return inner_.changes(page);
  }
  Result<std::size_t> prune_tombstones(WallTime before) override {
    return inner_.prune_tombstones(before);
  }

 private:
  databroker::MemoryStore inner_;
  Hooks& hooks_;
};

const std::string_view kKey = "shared key of thirty-two bytes !";

class SessionFinderTest : public ::testing::Test {
 protected:
  Deadline soon() { return Deadline::after(fake_.clock, 5s); }

  std::uint64_t put(databroker::RecordKey key, Result<databroker::Value> value) {
    databroker::Batch batch;
    batch.push_back(Write::put(std::move(key), value.value()));
    auto done = async::block_on(fake_.core, broker_.put(std::move(batch), soon()));
    EXPECT_TRUE(done.has_value());
    return done->versions.front();
  }
  void remove(databroker::RecordKey key) {
    databroker::Batch batch;
    batch.push_back(Write::remove(std::move(key)));
    EXPECT_TRUE(async::block_on(fake_.core, broker_.put(std::move(batch), soon())).has_value());
  }
  std::uint64_t put_session(std::string id, std::string user_id, Duration lifetime = 14h) {
    SessionRecord session;
    session.id = id;
    session.user_id = std::move(user_id);
    session.idp_id = "idp";
    session.expires_at = fake_.clock.wall() + lifetime;
    session.claims.push_back({.name = "groups", .values = codec::parse_json(R"(["c1"])").value()});
    return put(session_key(id), encode_session(session));
  }
  std::uint64_t put_user(std::string id, std::string email) {
    UserRecord user{.id = id, .name = "Name", .email = std::move(email), .claims = {}};
    user.claims.push_back({.name = "groups", .values = codec::parse_json(R"(["c2"])").value()});
    return put(user_key(id), encode_user(user));
  }
  std::uint64_t put_directory_user(std::string id, std::string_view groups) {
    DirectoryUser user;
    user.id = id;
    user.group_ids = codec::parse_json(groups).value();
    return put(directory_user_key(id), encode_directory_user(user));
  }

  static Handle handle_of(std::string session_id) {
    Handle handle;
    handle.session_id = std::move(session_id);
    handle.user_id = "u1";
    handle.issuer = "auth.t";
    handle.audience = {"auth.t", "app.t"};
    handle.idp_id = "idp";
    return handle;
  }
  std::string text_of(const Handle& handle) { return codec_.sign(handle); }
  std::string cookie_of(std::string session_id) {
    return "_pomerium=" + text_of(handle_of(std::move(session_id)));
  }

  struct Request {
    std::vector<std::string> cookies = {};
    std::string token = {};
    std::string host = "app.t";
  };
  FoundSession find(const Request& request) {
    const std::vector<std::string_view> cookies(request.cookies.begin(), request.cookies.end());
    const std::string_view token = request.token;
    return finder_.find(
        {.cookie = cookies,
         .pomerium_authorization =
             token.empty() ? std::span<const std::string_view>() : std::span(&token, 1)},
        {.host = request.host, .idp_id = "idp", .now = fake_.clock.wall()});
  }
  // As a request does: loads what is missing.
  FoundSession ask(const Request& request) {
    FoundSession found = find(request);
    for (int turn = 0; found.state == State::NeedsLoad && turn < 4; ++turn) {
      const auto loaded = async::block_on(fake_.core, identities_.load(found.wanted, soon()));
      EXPECT_TRUE(loaded.has_value()) << loaded.error().message();
      found = find(request);
    }
    return found;
  }
  FoundSession ask_with_cookie(std::string session_id) {
    return ask({.cookies = {cookie_of(std::move(session_id))}});
  }

  testing::FakeCore fake_;
  HookedStore::Hooks hooks_;
  databroker::Databroker broker_{{.home = fake_.core,
                                  .store = std::make_unique<HookedStore>(fake_.entropy, hooks_),
                                  .cores = 1,
                                  .storage = databroker::Databroker::Storage::OnCallingCore}};
  HandleCodec codec_{Secret(kKey)};
  IdentityCache identities_{fake_.core, broker_, {.identities_max = 3}};
  SessionFinder finder_{identities_, Secret(kKey), "_pomerium"};
};

TEST_F(SessionFinderTest, JoinsSessionUserDirectoryAndGroups) {
  const auto session_version = put_session("s1", "u1");
  const auto user_version = put_user("u1", "alice@corp");
  const auto directory_version = put_directory_user("u1", R"(["g1","g2","gone"])");
  put(directory_group_key("g1"),
      encode_directory_group({.id = "g1", .name = "Engineering", .email = {}}));
  const auto group_version =
      put(directory_group_key("g2"), encode_directory_group({.id = "g2", .name = "", .email = {}}));

  const FoundSession found = ask_with_cookie("s1");

  ASSERT_EQ(found.state, State::Found);
  const JoinedIdentity& identity = *found.identity;
  EXPECT_EQ(identity.session_id(), "s1");
  EXPECT_EQ(identity.user_id(), "u1");
  EXPECT_EQ(identity.versions(),
            (IdentityVersions{.session = session_version,
                              .user = user_version,
                              .directory_user = directory_version,
                              .directory_groups = group_version}));
  const policy::SessionFacts facts = identity.facts();
  EXPECT_EQ(facts.email(), "alice@corp");
  ASSERT_NE(facts.directory, nullptr);
  ASSERT_EQ(facts.directory->groups.size(), 3U);
  EXPECT_TRUE(facts.directory->groups[0].is("g1"));
  ASSERT_NE(facts.claims.find("groups"), nullptr);
  EXPECT_TRUE(facts.claims.find("groups")->values[0].is("c2"));  // the user's wins for policy
  EXPECT_TRUE(identity.assertion_claim("groups")->values[0].is("c1"));  // not for applications
  ASSERT_EQ(identity.groups().size(), 2U);
  EXPECT_EQ(identity.groups()[0].name, "Engineering");
  ASSERT_EQ(identity.group_ids().size(), 3U);
  EXPECT_EQ(identity.group_ids()[2].text(), "gone");
}

TEST_F(SessionFinderTest, KnowsASessionWithoutUserRecordOrDirectory) {
  put_session("s1", "u1");

  const FoundSession found = ask_with_cookie("s1");

  ASSERT_EQ(found.state, State::Found);
  EXPECT_EQ(found.identity->facts().directory, nullptr);
  EXPECT_EQ(found.identity->facts().email(), "");
  EXPECT_EQ(found.identity->assertion_email(), "");
}

TEST_F(SessionFinderTest, AnswersKnownSessionsWithoutAskingTheStore) {
  put_session("s1", "u1");
  ASSERT_EQ(ask_with_cookie("s1").state, State::Found);
  const int gets = hooks_.gets;

  const FoundSession again = find({.cookies = {cookie_of("s1")}});

  EXPECT_EQ(again.state, State::Found);
  EXPECT_EQ(hooks_.gets, gets);
}

TEST_F(SessionFinderTest, AllocatesNothingForAKnownSession) {
  put_session("s1", "u1");
  const std::string cookie = cookie_of("s1");
  ASSERT_EQ(ask({.cookies = {cookie}}).state, State::Found);
  const std::string_view value = cookie;
  const CredentialPlaces places{.cookie = std::span(&value, 1), .query = "a=b&c=d"};
  const HandleUse use{.host = "app.t", .idp_id = "idp", .now = fake_.clock.wall()};

  const std::uint64_t before = testing::allocations_so_far();
  const FoundSession found = finder_.find(places, use);
  const policy::SessionFacts facts = found.identity->facts();
  const std::uint64_t allocations = testing::allocations_so_far() - before;

  EXPECT_EQ(facts.user_id, "u1");
  if (testing::counts_allocations()) {
    EXPECT_EQ(allocations, 0U);
  }
}

// Covers SES-05.
TEST_F(SessionFinderTest, TakesAHandleWithoutARecordForNobodyAndRemembersThat) {
  const FoundSession found = ask_with_cookie("nowhere");
  const int gets = hooks_.gets;

  EXPECT_EQ(found.state, State::None);
  EXPECT_TRUE(found.presented_cookie);
  EXPECT_EQ(found.refused, 1U);
  EXPECT_EQ(ask_with_cookie("nowhere").state, State::None);
  EXPECT_EQ(hooks_.gets, gets);
}

TEST_F(SessionFinderTest, SeesASessionThatWasWrittenAfterItWasMissed) {
  ASSERT_EQ(ask_with_cookie("s1").state, State::None);

  put_session("s1", "u1");

  EXPECT_EQ(ask_with_cookie("s1").state, State::Found);
}

// Covers SES-06.
TEST_F(SessionFinderTest, ForgetsADeletedSessionAtOnce) {
  put_session("s1", "u1");
  ASSERT_EQ(ask_with_cookie("s1").state, State::Found);

  remove(session_key("s1"));

  EXPECT_EQ(ask_with_cookie("s1").state, State::None);
}

// Covers SES-07.
TEST_F(SessionFinderTest, ForgetsASessionWhenItsTimeEnds) {
  put_session("s1", "u1", 10min);
  ASSERT_EQ(ask_with_cookie("s1").state, State::Found);

  fake_.clock.advance(10min);

  EXPECT_EQ(find({.cookies = {cookie_of("s1")}}).state, State::None);
  put_session("s2", "u1", -1s);
  EXPECT_EQ(ask_with_cookie("s2").state, State::None);
}

TEST_F(SessionFinderTest, FollowsChangesOfUserDirectoryAndGroups) {
  put_session("s1", "u1");
  put_session("s2", "u1");
  ASSERT_EQ(ask_with_cookie("s1").state, State::Found);
  ASSERT_EQ(ask_with_cookie("s2").state, State::Found);

  put_user("u1", "new@corp");
  EXPECT_EQ(ask_with_cookie("s1").identity->user_email(), "new@corp");
  EXPECT_EQ(ask_with_cookie("s2").identity->user_email(), "new@corp");

  put_directory_user("u1", R"(["g1"])");
  EXPECT_EQ(ask_with_cookie("s1").identity->group_ids().size(), 1U);

  put(directory_group_key("g1"),
      encode_directory_group({.id = "g1", .name = "Renamed", .email = {}}));
  EXPECT_EQ(ask_with_cookie("s1").identity->groups()[0].name, "Renamed");

  put_user("someone else", "x@corp");
  const int gets = hooks_.gets;
  EXPECT_EQ(ask_with_cookie("s1").state, State::Found);
  EXPECT_EQ(hooks_.gets, gets);
}

TEST_F(SessionFinderTest, JoinsAndFollowsTheUsersOwnRecordsThatSomebodyAsksAbout) {
  identities_.set_wishes({.tokens = false,
                          .records = {{.type = "on-call", .key = policy::RecordKey::UserId},
                                      {.type = "badge", .key = policy::RecordKey::UserEmail}}});
  const auto put_fields = [this](std::string type, std::string id, std::string_view fields) {
    return put({.type = std::move(type), .id = std::move(id)},
               encode_fields(codec::parse_json(fields).value()));
  };
  const auto records = [this] {
    const FoundSession found = ask_with_cookie("s1");
    std::vector<std::string> texts;
    for (const policy::RecordFacts& record : found.identity->facts().records) {
      std::string text(record.type);
      const policy::Claim* level = record.fields ? record.fields->find("level") : nullptr;
      text.append(!record.fields ? " missing" : level == nullptr ? " without level" : " ");
      texts.push_back(level == nullptr ? text : text.append(level->values[0].text()));
    }
    return texts;
  };
  using Texts = std::vector<std::string>;
  put_session("s1", "u1");

  // Who has no e-mail address has no record by it.
  EXPECT_EQ(records(), Texts{"on-call missing"});
  put_user("u1", "alice@corp");
  EXPECT_EQ(records(), (Texts{"on-call missing", "badge missing"}));
  put_fields("on-call", "u1", R"({"level":"1st"})");
  put_fields("badge", "alice@corp", R"({})");
  EXPECT_EQ(records(), (Texts{"on-call 1st", "badge without level"}));
  const auto version = put_fields("badge", "alice@corp", R"({"level":"gold"})");
  EXPECT_EQ(records(), (Texts{"on-call 1st", "badge gold"}));
  EXPECT_EQ(ask_with_cookie("s1").identity->versions().own_records, version);
  remove({.type = "on-call", .id = "u1"});
  EXPECT_EQ(records(), (Texts{"on-call missing", "badge gold"}));

  // A record that is not just fields is there, and says nothing.
  put({.type = "on-call", .id = "u1"},
      encode_user({.id = "u1", .name = {}, .email = {}, .claims = {}}));
  EXPECT_EQ(records(), (Texts{"on-call without level", "badge gold"}));

  const int gets = hooks_.gets;
  put_fields("badge", "bob@corp", R"({"level":"tin"})");
  EXPECT_EQ(records().size(), 2U);
  EXPECT_EQ(hooks_.gets, gets);
  identities_.set_wishes({});
  EXPECT_TRUE(records().empty());
}

// The session is deleted between the read of its record and the read of its user.
TEST_F(SessionFinderTest, ReadsAgainWhatChangedWhileItWasRead) {
  put_session("s1", "u1");
  put_user("u1", "old@corp");
  const std::string cookie = cookie_of("s1");
  FoundSession found = find({.cookies = {cookie}});
  ASSERT_EQ(found.state, State::NeedsLoad);
  async::Scope scope(fake_.core);
  auto remove_it = [](databroker::Databroker* broker, Deadline deadline) -> Task<void> {
    databroker::Batch batch;
    batch.push_back(Write::remove(session_key("s1")));
    auto done = co_await broker->put(std::move(batch), deadline);
    EXPECT_TRUE(done.has_value());
  };
  hooks_.before_get = 1;  // the second step of the look-up
  hooks_.change = [&](databroker::Store&) { scope.spawn(remove_it(&broker_, soon())); };

  const auto loaded = async::block_on(fake_.core, identities_.load(found.wanted, soon()));
  fake_.run_ready();

  EXPECT_TRUE(loaded.has_value());
  EXPECT_EQ(ask({.cookies = {cookie}}).state, State::None);
}

TEST_F(SessionFinderTest, SharesOneLookUpAmongRequests) {
  put_session("s1", "u1");
  const std::uint64_t loads = identities_.loads();
  FoundSession found = find({.cookies = {cookie_of("s1")}});
  ASSERT_EQ(found.state, State::NeedsLoad);
  async::Scope scope(fake_.core);
  int answered = 0;
  auto load =
      [](IdentityCache* cache, SessionWanted wanted, Deadline deadline, int* count) -> Task<void> {
    auto loaded = co_await cache->load(std::move(wanted), deadline);
    EXPECT_TRUE(loaded.has_value());
    ++*count;
  };
  for (int i = 0; i < 10; ++i) {
    scope.spawn(load(&identities_, found.wanted, soon(), &answered));
  }

  fake_.run_ready();

  EXPECT_EQ(answered, 10);
  EXPECT_EQ(identities_.loads() - loads, 1U);
}

TEST_F(SessionFinderTest, GoesOnLookingUpWhenTheFirstWhoAskedLeaves) {
  put_session("s1", "u1");
  FoundSession found = find({.cookies = {cookie_of("s1")}});
  auto load = [](IdentityCache* cache, SessionWanted wanted, Deadline deadline) -> Task<void> {
    auto ignored = co_await cache->load(std::move(wanted), deadline);
    static_cast<void>(ignored);
  };
  {
    async::Scope scope(fake_.core);
    scope.spawn(load(&identities_, found.wanted, soon()));
    fake_.core.run_ready();
  }

  fake_.run_ready();

  EXPECT_EQ(find({.cookies = {cookie_of("s1")}}).state, State::Found);
}

// Covers DBR-31.
TEST_F(SessionFinderTest, TellsAStoreThatFailsFromASessionThatDoesNotExist) {
  put_session("s1", "u1");
  put_session("s2", "u1");
  ASSERT_EQ(ask_with_cookie("s1").state, State::Found);
  hooks_.failure = Error(ErrorKind::Unavailable, "down");

  FoundSession unknown = find({.cookies = {cookie_of("s2")}});
  ASSERT_EQ(unknown.state, State::NeedsLoad);
  const auto loaded = async::block_on(fake_.core, identities_.load(unknown.wanted, soon()));

  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(find({.cookies = {cookie_of("s2")}}).state, State::NeedsLoad);
  EXPECT_EQ(find({.cookies = {cookie_of("s1")}}).state, State::Found);
}

TEST_F(SessionFinderTest, LooksAgainForAHandleThatNamesANewerVersion) {
  put_session("s1", "u1");
  ASSERT_EQ(ask_with_cookie("s1").state, State::Found);
  const auto state = async::block_on(fake_.core, broker_.state(soon()));
  Handle newer = handle_of("s1");
  newer.server_version = state->server_version;
  newer.record_version = state->latest_version + 1;
  const Request request{.cookies = {"_pomerium=" + text_of(newer)}};

  EXPECT_EQ(find(request).state, State::NeedsLoad);
  EXPECT_EQ(ask(request).state, State::Found);  // a version that never comes costs one look-up
  const int gets = hooks_.gets;
  EXPECT_EQ(ask(request).state, State::Found);
  EXPECT_EQ(hooks_.gets, gets);

  newer.server_version = *newer.server_version + 1;  // of another store: no hint for this one
  EXPECT_EQ(find({.cookies = {"_pomerium=" + text_of(newer)}}).state, State::Found);
}

TEST_F(SessionFinderTest, KeepsNoMoreIdentitiesThanItMay) {
  for (const char* id : {"s1", "s2", "s3", "s4", "s5"}) {
    put_session(id, std::string("user of ") + id);
    ASSERT_EQ(ask_with_cookie(id).state, State::Found);
  }

  EXPECT_EQ(identities_.size(), 3U);
  EXPECT_EQ(find({.cookies = {cookie_of("s5")}}).state, State::Found);
  EXPECT_EQ(find({.cookies = {cookie_of("s1")}}).state, State::NeedsLoad);
  put_user("user of s1", "gone from the cache and still no dangling entry");
  EXPECT_EQ(ask_with_cookie("s1").state, State::Found);
}

// Covers SES-10, SES-14.
TEST_F(SessionFinderTest, SkipsCredentialsThatDoNotCount) {
  put_session("s1", "u1");
  const std::string good = cookie_of("s1");

  EXPECT_EQ(ask({.cookies = {"_pomerium=garbage; " + good}}).state, State::Found);
  EXPECT_EQ(ask({.cookies = {good + "; _pomerium=garbage"}}).state, State::Found);
  EXPECT_EQ(ask({.cookies = {good, good}}).state, State::Found);
  EXPECT_EQ(ask({.cookies = {cookie_of("ended"), good}}).state, State::Found);
  EXPECT_EQ(ask({.cookies = {"_pomerium=garbage"}, .token = text_of(handle_of("s1"))}).state,
            State::Found);
  EXPECT_EQ(ask({.cookies = {"_pomerium=garbage"}}).refused, 1U);
}

// Covers SES-10, SES-11, SES-15.
TEST_F(SessionFinderTest, RefusesToChooseBetweenTwoSessions) {
  put_session("s1", "u1");
  put_session("s2", "u2");

  const FoundSession cookies = ask({.cookies = {cookie_of("s1") + "; " + cookie_of("s2")}});
  const FoundSession both = ask({.cookies = {cookie_of("s1")}, .token = text_of(handle_of("s2"))});

  EXPECT_EQ(cookies.state, State::Ambiguous);
  EXPECT_EQ(cookies.identity, nullptr);
  EXPECT_EQ(both.state, State::Ambiguous);
}

// Covers SES-01, SES-08, SES-09, OID-28.
TEST_F(SessionFinderTest, TakesOnlyHandlesForThisHostProviderAndTime) {
  put_session("s1", "u1");
  const auto state_of = [&](const Handle& handle) {
    return ask({.cookies = {"_pomerium=" + text_of(handle)}}).state;
  };
  Handle other_host = handle_of("s1");
  other_host.audience = {"other.t"};
  Handle other_provider = handle_of("s1");
  other_provider.idp_id = "another";
  Handle expired = handle_of("s1");
  expired.expires_at = fake_.clock.wall();
  Handle stripped = handle_of("s1");
  stripped.audience.clear();
  HandleCodec foreign{Secret(std::string_view("key of another deployment"))};

  EXPECT_EQ(state_of(handle_of("s1")), State::Found);
  EXPECT_EQ(state_of(other_host), State::None);
  EXPECT_EQ(state_of(other_provider), State::None);
  EXPECT_EQ(state_of(expired), State::None);
  EXPECT_EQ(state_of(stripped), State::None);
  EXPECT_EQ(ask({.cookies = {"_pomerium=" + foreign.sign(handle_of("s1"))}}).state, State::None);
}

// Covers SES-25, SES-26, SES-27, POL-27.
TEST_F(SessionFinderTest, KnowsServiceAccountsByTheirOwnRecordsOnly) {
  put_session("s1", "u1");
  put(service_account_key("sa"),
      encode_service_account({.id = "sa",
                              .user_id = "u1",
                              .issued_at = std::nullopt,
                              .expires_at = fake_.clock.wall() + 1h}));
  const auto state_of = [&](std::string id, std::optional<WallTime> expires_at) {
    Handle token;
    token.session_id = std::move(id);
    token.expires_at = expires_at;
    return ask({.token = text_of(token)}).state;
  };

  EXPECT_EQ(state_of("sa", std::nullopt), State::Found);
  EXPECT_EQ(state_of("s1", std::nullopt), State::None);
  EXPECT_EQ(ask_with_cookie("sa").state, State::None);
  EXPECT_EQ(state_of("sa", fake_.clock.wall()), State::None);
  fake_.clock.advance(1h);
  EXPECT_EQ(state_of("sa", std::nullopt), State::None);
  remove(service_account_key("sa"));
  EXPECT_EQ(state_of("sa", std::nullopt), State::None);
}

// Covers SES-29, POL-28.
TEST_F(SessionFinderTest, GivesAnImpersonatingSessionNoRightsAtAll) {
  for (const char* target : {"missing", "admin", "s2"}) {
    SessionRecord session;
    session.id = "admin";
    session.user_id = "u1";
    session.impersonate_session_id = target;
    put_session("s2", "u2");
    put(session_key("admin"), encode_session(session));

    EXPECT_EQ(ask_with_cookie("admin").state, State::None) << target;
  }
}

TEST_F(SessionFinderTest, TakesARecordThatIsNoSessionForNone) {
  put(session_key("s1"),
      databroker::Value{.type_url = std::string(kSessionType), .bytes = "\xff\xff"});

  EXPECT_EQ(ask_with_cookie("s1").state, State::None);
}

TEST_F(SessionFinderTest, GivesUpWithTheCallersDeadline) {
  put_session("s1", "u1");
  FoundSession found = find({.cookies = {cookie_of("s1")}});

  const auto loaded =
      async::block_on(fake_.core, identities_.load(found.wanted, Deadline(fake_.clock.now())));

  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().kind(), ErrorKind::DeadlineExceeded);
}

}  // namespace
}  // namespace vallum::session
