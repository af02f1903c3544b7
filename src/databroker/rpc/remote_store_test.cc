// The store of a process that keeps no records, over a databroker on a real socket.
#include "databroker/rpc/remote_store.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "databroker/query.h"
#include "databroker/store/memory_store.h"
#include "support/record_service.h"
#include "support/seeded_entropy.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kThing = "type.example/Thing";
constexpr std::string_view kSession = "type.googleapis.com/session.Session";

Write thing(const std::string& id, const std::string& value, std::string_view type = kThing) {
  return Write::put({.type = std::string(type), .id = id},
                    {.type_url = std::string(type), .bytes = value});
}
RecordKey key(const std::string& id, std::string_view type = kThing) {
  return {.type = std::string(type), .id = id};
}

class RemoteStoreTest : public ::testing::Test {
 protected:
  static std::vector<RecordClientOptions> asked_with(const Secret& secret,
                                                     const std::string& address) {
    std::vector<RecordClientOptions> databrokers(1);
    databrokers.front().address = address;
    databrokers.front().shared_secret = secret.clone();
    databrokers.front().service = "databroker";
    databrokers.front().clear_text = true;
    return databrokers;
  }
  std::unique_ptr<Store> memory() { return std::make_unique<MemoryStore>(entropy_); }
  std::unique_ptr<RemoteStore> remote(const std::vector<std::string>& addresses,
                                      const std::string& service = "databroker",
                                      Duration max_staleness = 5min) {
    std::vector<RecordClientOptions> databrokers;
    for (const std::string& address : addresses) {
      RecordClientOptions options;
      options.address = address;
      options.shared_secret = testing::record_service_secret();
      options.service = service;
      options.clear_text = true;
      databrokers.push_back(std::move(options));
    }
    auto made = RemoteStore::make({.databrokers = std::move(databrokers),
                                   .clock = clock_,
                                   .entropy = random_,
                                   .max_staleness = max_staleness});
    CHECK(made.has_value());
    return *std::move(made);
  }
  static BatchOutcome commit(Store& store, Write write) {
    std::vector<Batch> batches(1);
    batches.front().push_back(std::move(write));
    auto outcomes = store.commit(std::move(batches), {});
    return outcomes ? std::move(outcomes->front()) : fail(outcomes.error());
  }

  SystemClock clock_;  // NOLINT(vallum-banned): gRPC lives in real time
  SystemEntropy random_;
  testing::SeededEntropy entropy_{5};
};

TEST_F(RemoteStoreTest, UsesWhatItHoldsUntilItIsToldOfAChange) {
  const testing::RecordService service(memory());
  const auto one = remote({service.address()});
  const auto other = remote({service.address()});
  ASSERT_TRUE(commit(*other, thing("a", "1")).has_value());
  ASSERT_TRUE(one->refresh().has_value());
  ASSERT_EQ(one->get(key("a"))->value.bytes, "1");
  ASSERT_FALSE(one->get(key("b")).has_value());

  ASSERT_TRUE(commit(*other, thing("a", "2")).has_value());
  ASSERT_TRUE(commit(*other, thing("b", "1")).has_value());
  const std::string held = one->get(key("a"))->value.bytes;
  ASSERT_TRUE(one->refresh().has_value());

  EXPECT_EQ(held, "1");
  EXPECT_EQ(one->get(key("a"))->value.bytes, "2");
  EXPECT_EQ(one->get(key("b"))->value.bytes, "1");
}

TEST_F(RemoteStoreTest, ForgetsWhatWasDeletedElsewhere) {
  const testing::RecordService service(memory());
  const auto one = remote({service.address()});
  const auto other = remote({service.address()});
  ASSERT_TRUE(commit(*other, thing("a", "1")).has_value());
  ASSERT_TRUE(one->refresh().has_value());
  ASSERT_TRUE(one->get(key("a")).has_value());

  ASSERT_TRUE(commit(*other, Write::remove(key("a"))).has_value());
  ASSERT_TRUE(one->refresh().has_value());

  EXPECT_EQ(one->get(key("a")).error().kind(), ErrorKind::NotFound);
}

TEST_F(RemoteStoreTest, GoesOnWithWhatItHoldsAndFailsAtOnceForTheRest) {
  std::optional<testing::RecordService> service(std::in_place, memory());
  const auto store = remote({service->address()});
  ASSERT_TRUE(commit(*store, thing("a", "1")).has_value());
  service.reset();

  EXPECT_EQ(store->get(key("a"))->value.bytes, "1");
  EXPECT_EQ(store->get(key("b")).error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(store->refresh().error().kind(), ErrorKind::Unavailable);
  const auto written = commit(*store, thing("a", "2"));
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(store->get(key("a"))->value.bytes, "1");
}

TEST_F(RemoteStoreTest, UsesNothingThatIsTooOld) {
  std::optional<testing::RecordService> service(std::in_place, memory());
  const auto store = remote({service->address()}, "databroker", Duration::zero());
  ASSERT_TRUE(commit(*store, thing("a", "1")).has_value());
  service.reset();

  EXPECT_EQ(store->get(key("a")).error().kind(), ErrorKind::Unavailable);
}

TEST_F(RemoteStoreTest, WakesWhoeverListensWhenAnotherProcessChangesARecord) {
  const testing::RecordService service(memory());
  const auto one = remote({service.address()});
  const auto other = remote({service.address()});
  ASSERT_TRUE(one->refresh().has_value());
  const auto listener = one->listen();
  listener->wait(10s);  // the stream begins

  ASSERT_TRUE(commit(*other, thing("a", "1")).has_value());
  for (int i = 0; i < 20 && one->state().latest_version < 1; ++i) {
    listener->wait(1s);
    ASSERT_TRUE(one->refresh().has_value());
  }

  EXPECT_EQ(one->state().latest_version, 1U);
  const auto changes = one->changes({});
  ASSERT_TRUE(changes.has_value());
  EXPECT_EQ(changes->size(), 1U);
  listener->stop();
  listener->wait(1h);
}

TEST_F(RemoteStoreTest, ForgetsEverythingWhenTheDataSetIsAnotherOne) {
  const testing::RecordService service(memory());
  const auto one = remote({service.address()});
  const auto other = remote({service.address()});
  ASSERT_TRUE(commit(*one, thing("a", "1")).has_value());
  const std::uint64_t before = one->state().server_version;

  ASSERT_TRUE(other->clear().has_value());
  ASSERT_TRUE(one->refresh().has_value());

  EXPECT_NE(one->state().server_version, before);
  EXPECT_EQ(one->get(key("a")).error().kind(), ErrorKind::NotFound);
}

TEST_F(RemoteStoreTest, AsksTheOtherDatabrokerWhenOneIsGone) {
  std::optional<testing::RecordService> first(std::in_place, memory());
  const testing::RecordService second(memory());
  const auto store = remote({first->address(), second.address()});
  ASSERT_TRUE(store->refresh().has_value());
  first.reset();

  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(store->get(key(std::to_string(i))).error().kind(), ErrorKind::NotFound);
  }
}

TEST_F(RemoteStoreTest, AProxyMayEndASessionAndWriteNothingElse) {
  const testing::RecordService service(memory());
  const auto writer = remote({service.address()}, "authenticate");
  const auto proxy = remote({service.address()}, "proxy");
  ASSERT_TRUE(commit(*writer, thing("s", "1", kSession)).has_value());
  ASSERT_TRUE(commit(*writer, thing("a", "1")).has_value());

  const auto changed = commit(*proxy, thing("s", "2", kSession));
  const auto other_type = commit(*proxy, Write::remove(key("a")));
  const auto ended = commit(*proxy, Write::remove(key("s", kSession)));

  EXPECT_EQ(changed.error().kind(), ErrorKind::PermissionDenied);
  EXPECT_EQ(other_type.error().kind(), ErrorKind::PermissionDenied);
  EXPECT_TRUE(ended.has_value());
  EXPECT_EQ(proxy->get(key("s", kSession)).error().kind(), ErrorKind::NotFound);
}

TEST_F(RemoteStoreTest, SaysThatTheSharedSecretIsAnotherOne) {
  const testing::RecordService service(memory());
  RecordClientOptions options;
  options.address = service.address();
  options.shared_secret = Secret(std::string_view("another secret of thirty-two byte"));
  options.clear_text = true;
  std::vector<RecordClientOptions> databrokers;
  databrokers.push_back(std::move(options));
  const auto store = RemoteStore::make({.databrokers = std::move(databrokers),
                                        .clock = clock_,
                                        .entropy = random_,
                                        .max_staleness = 5min});

  const auto refreshed = (*store)->refresh();

  ASSERT_FALSE(refreshed.has_value());
  EXPECT_EQ(refreshed.error().kind(), ErrorKind::Unavailable);
  EXPECT_TRUE(refreshed.error().message().contains("shared secret")) << refreshed.error().message();
}

TEST_F(RemoteStoreTest, AWriteDependsOnItsLeaseAndOnWhatWasRead) {
  const testing::RecordService service(memory());
  const auto store = remote({service.address()});
  const auto other = remote({service.address()});
  const auto lease = store->acquire_lease("job", "ann", 30s, clock_.wall());
  ASSERT_TRUE(lease.has_value());
  EXPECT_EQ(other->acquire_lease("job", "bob", 30s, clock_.wall()).error().kind(),
            ErrorKind::Conflict);
  ASSERT_TRUE(store->renew_lease("job", "ann", 30s, clock_.wall()).has_value());

  const Fence held{.lease = "job", .epoch = lease->epoch};
  const auto first = commit(*store, thing("a", "1").if_absent().fenced_by(held));
  const auto again = commit(*store, thing("a", "2").if_absent().fenced_by(held));
  ASSERT_TRUE(store->release_lease("job", "ann").has_value());
  ASSERT_TRUE(other->acquire_lease("job", "bob", 30s, clock_.wall()).has_value());
  const auto late = commit(*store, thing("b", "1").fenced_by(held));

  EXPECT_TRUE(first.has_value());
  EXPECT_EQ(again.error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(late.error().kind(), ErrorKind::Conflict);
}

TEST_F(RemoteStoreTest, ABatchMayNameOneLease) {
  const testing::RecordService service(memory());
  const auto store = remote({service.address()});
  std::vector<Batch> batches(1);
  batches[0].push_back(thing("a", "1").fenced_by({.lease = "one", .epoch = 1}));
  batches[0].push_back(thing("b", "1").fenced_by({.lease = "two", .epoch = 1}));

  const auto outcomes = store->commit(std::move(batches), {});

  ASSERT_TRUE(outcomes.has_value());
  EXPECT_EQ(outcomes->front().error().kind(), ErrorKind::InvalidInput);
}

TEST_F(RemoteStoreTest, HasTheDatabrokerAnswerQueries) {
  const testing::RecordService service(memory());
  const auto store = remote({service.address()});
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_TRUE(commit(*store, thing(id, "1")).has_value());
  }
  Payload filter{.kind = Payload::Kind::Object, .text = {}, .names = {"id"}, .items = {}};
  Payload wanted{.kind = Payload::Kind::List, .text = {}, .names = {}, .items = {}};
  for (const char* id : {"a", "c", "x"}) {
    wanted.items.push_back({.kind = Payload::Kind::Text, .text = id, .names = {}, .items = {}});
  }
  filter.items.push_back(std::move(wanted));
  Query query;
  query.type = kThing;
  query.filter = *Filter::parse(filter);
  query.limit = 10;

  const auto answer = store->keeper()->query(query);

  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  ASSERT_EQ(answer->records.size(), 2U);
  EXPECT_EQ(answer->records[0].id, "a");
  EXPECT_EQ(answer->records[1].id, "c");
  EXPECT_EQ(answer->total_count, 2U);
}

// The databroker knows both while the secret changes, then the new one alone.
TEST_F(RemoteStoreTest, CallsWithTheSecretItWasToldLast) {
  testing::RecordService service(memory());
  const auto store = remote({service.address()});
  ASSERT_TRUE(store->refresh().has_value());
  const Secret next("the secret that comes afterwards");
  std::vector<Secret> both;
  both.push_back(next.clone());
  both.push_back(testing::record_service_secret());

  service.use(SecretList(std::move(both)));
  EXPECT_TRUE(commit(*store, thing("a", "1")).has_value());
  store->use(asked_with(next, service.address()));
  service.use(SecretList(next.clone()));
  EXPECT_TRUE(commit(*store, thing("b", "1")).has_value());

  store->use(asked_with(testing::record_service_secret(), service.address()));
  EXPECT_FALSE(commit(*store, thing("c", "1")).has_value());
}

// What cannot be used leaves those there were.
TEST_F(RemoteStoreTest, KeepsItsDatabrokersWhenOthersCannotBeAsked) {
  const testing::RecordService service(memory());
  const auto store = remote({service.address()});

  store->use(asked_with(testing::record_service_secret(), "10.0.0.1:5443"));

  EXPECT_TRUE(commit(*store, thing("a", "1")).has_value());
}

}  // namespace
}  // namespace vallum::databroker
