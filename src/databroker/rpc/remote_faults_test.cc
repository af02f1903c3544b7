// A databroker that answers garbage, contradicts itself, never stops talking or never begins to: it
// is not believed, not waited for twice, costs no memory, and nobody is let in by it.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "async/block_on.h"
#include "async/snapshot.h"
#include "base/check.h"
#include "databroker/databroker.h"
#include "databroker/rpc/remote_store.h"
#include "proto/databroker.pb.h"
#include "support/noise_server.h"
#include "support/record_service.h"
#include "support/seeded_entropy.h"
#include "support/sim/kernel_core.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;
using testing::NoiseServer;
namespace wire = ::databroker;

constexpr const char* kType = "type.example/Thing";
constexpr std::uint64_t kServerVersion = 7;
constexpr std::uint64_t kLatest = 5;

RecordKey key(const std::string& id) {
  return {.type = kType, .id = id};
}

wire::Record record(const std::string& id, std::uint64_t version) {
  wire::Record record;
  record.set_type(kType);
  record.set_id(id);
  record.set_version(version);
  record.mutable_data()->set_type_url(kType);
  record.mutable_data()->set_value("value");
  return record;
}

std::string change(const std::string& id, std::uint64_t version) {
  wire::SyncResponse message;
  *message.mutable_record() = record(id, version);
  return message.SerializeAsString();
}

std::string got(const wire::Record& record) {
  wire::GetResponse message;
  *message.mutable_record() = record;
  return message.SerializeAsString();
}

std::string put_of(const std::vector<wire::Record>& records) {
  wire::PutResponse message;
  message.set_server_version(kServerVersion);
  for (const wire::Record& record : records) {
    *message.add_records() = record;
  }
  return message.SerializeAsString();
}

std::string server_info(std::uint64_t server_version, std::uint64_t earliest) {
  wire::ServerInfoResponse message;
  message.set_server_version(server_version);
  message.set_earliest_record_version(earliest);
  message.set_latest_record_version(kLatest);
  return message.SerializeAsString();
}

std::string nothing_found() {
  wire::QueryResponse message;
  message.set_server_version(kServerVersion);
  message.set_record_version(kLatest);
  return message.SerializeAsString();
}

std::string end_of_list() {
  wire::SyncLatestResponse message;
  message.mutable_versions()->set_server_version(kServerVersion);
  message.mutable_versions()->set_latest_record_version(kLatest);
  return message.SerializeAsString();
}

// What comes of calls of one method: messages as they are on the wire.
struct Answer {
  std::vector<std::string> messages = {};
  grpc::Status status = {};
  // After those, the n-th of a stream without an end.
  std::function<std::string(std::uint64_t)> endless = {};
  // Nothing, for as long as the caller waits.
  bool is_silent = false;
};

using Script = std::map<std::string, Answer>;

// Of a data set without records, whose state is known.
Script sane() {
  return {{"ServerInfo", {.messages = {server_info(kServerVersion, 1)}}},
          {"Query", {.messages = {nothing_found()}}},
          {"Sync", {}},
          {"SyncLatest", {.messages = {end_of_list()}}},
          {"Get", {.status = grpc::Status(grpc::StatusCode::NOT_FOUND, "record not found")}}};
}

class Answering final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Answering(Answer answer) : answer_(std::move(answer)) { StartRead(&request_); }

  void OnReadDone(bool /*ok*/) override { go_on(); }
  void OnWriteDone(bool ok) override {
    if (ok) {
      go_on();
    } else {
      end(grpc::Status::CANCELLED);
    }
  }
  void OnCancel() override { end(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }  // as gRPC has it

 private:
  void go_on() {
    if (answer_.is_silent || ended_.load() != nullptr) {
      return;
    }
    if (sent_ >= answer_.messages.size() && !answer_.endless) {
      end(answer_.status);
      return;
    }
    const std::string bytes =
        sent_ < answer_.messages.size() ? answer_.messages[sent_] : answer_.endless(sent_);
    ++sent_;
    const grpc::Slice slice(bytes);
    message_ = grpc::ByteBuffer(&slice, 1);
    StartWrite(&message_);
  }
  void end(const grpc::Status& status) {
    if (ended_.exchange(async::make_snapshot<bool>(true)) == nullptr) {
      Finish(status);
    }
  }

  Answer answer_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer message_;
  std::size_t sent_ = 0;
  async::SnapshotCell<bool> ended_;  // both by what gRPC tells of the wire, and of the caller
};

// Knows nothing of records: answers every method as it is told. Who is not told of answers nothing.
class FakeDatabroker final : private grpc::CallbackGenericService {
 public:
  FakeDatabroker() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
    CHECK(server_ != nullptr);
  }
  FakeDatabroker(const FakeDatabroker&) = delete;
  FakeDatabroker& operator=(const FakeDatabroker&) = delete;
  ~FakeDatabroker() override { server_->Shutdown(std::chrono::system_clock::time_point()); }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void follow(Script script) { script_.store(async::make_snapshot<Script>(std::move(script))); }
  // How often it was asked for one record.
  int get_calls() const { return *get_calls_.load(); }

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* call) override {
    const std::string method = call->method().substr(call->method().rfind('/') + 1);
    if (method == "Get") {
      get_calls_.store(async::make_snapshot<int>(get_calls() + 1));  // one at a time
    }
    const async::Snapshot<Script> script = script_.load();
    const auto found = script->find(method);
    return new Answering(found == script->end() ? Answer() : found->second);
  }

  async::SnapshotCell<Script> script_{async::make_snapshot<Script>()};
  async::SnapshotCell<int> get_calls_{async::make_snapshot<int>(0)};
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

BatchOutcome put(Store& store, const std::string& id) {
  std::vector<Batch> batches(1);
  batches.front().push_back(Write::put(key(id), {.type_url = kType, .bytes = "value"}));
  auto outcomes = store.commit(std::move(batches), {});
  return outcomes ? std::move(outcomes->front()) : fail(outcomes.error());
}

template <class T>
ErrorKind kind_of(const Result<T>& result) {
  return result ? ErrorKind::Internal : result.error().kind();
}

// Everything a store asks a databroker for, by the method that it then calls.
struct Operation {
  const char* method;
  std::function<ErrorKind(Store&)> run;
  ErrorKind expected = ErrorKind::Unavailable;
};

std::vector<Operation> operations() {
  return {
      {"ServerInfo", [](Store& store) { return kind_of(store.clear()); }},
      {"Query", [](Store& store) { return kind_of(store.count(kType)); }},
      {"Get", [](Store& store) { return kind_of(store.get(key("a"))); }},
      {"Put", [](Store& store) { return kind_of(put(store, "a")); }, ErrorKind::DeadlineExceeded},
      {"Sync", [](Store& store) { return kind_of(store.refresh()); }},
      {"Sync", [](Store& store) { return kind_of(store.changes({})); }},
      {"Sync", [](Store& store) { return kind_of(store.options()); }},
      {"SyncLatest", [](Store& store) { return kind_of(store.list(kType, {})); }},
      {"SyncLatest",
       [](Store& store) { return kind_of(store.find(kType, {}, {})); },
       ErrorKind::Unavailable},
      {"ListTypes", [](Store& store) { return kind_of(store.types()); }},
      {"AcquireLease",
       [](Store& store) { return kind_of(store.acquire_lease("job", "me", 30s, WallTime{})); }},
  };
}

class RemoteFaultsTest : public ::testing::Test {
 protected:
  std::unique_ptr<RemoteStore> open(const std::string& address) {
    RecordClientOptions options;
    options.address = address;
    options.shared_secret = testing::record_service_secret();
    options.service = "databroker";
    options.clear_text = true;
    std::vector<RecordClientOptions> databrokers;
    databrokers.push_back(std::move(options));
    auto made = RemoteStore::make({.databrokers = std::move(databrokers),
                                   .clock = clock_,
                                   .entropy = random_,
                                   .max_staleness = 5min});
    CHECK(made.has_value());
    return *std::move(made);
  }
  // One that knows where the data set stands.
  std::unique_ptr<RemoteStore> open() {
    fake_.follow(sane());
    auto store = open(fake_.address());
    EXPECT_TRUE(store->refresh().has_value());
    return store;
  }
  void follow(const std::string& method, Answer answer) {
    Script script = sane();
    script[method] = std::move(answer);
    fake_.follow(std::move(script));
  }
  // That nothing but changes is asked for now, and that everything is again once those are
  // answered.
  void expect_distrust(RemoteStore& store) {
    const int before = fake_.get_calls();
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(kind_of(store.get(key("other"))), ErrorKind::Unavailable);
    }
    EXPECT_EQ(fake_.get_calls(), before);
    fake_.follow(sane());
    EXPECT_TRUE(store.refresh().has_value());
    EXPECT_EQ(kind_of(store.get(key("asked " + std::to_string(before)))), ErrorKind::NotFound);
    EXPECT_EQ(fake_.get_calls(), before + 1);
  }

  SystemClock clock_;  // NOLINT(vallum-banned): gRPC lives in real time
  SystemEntropy random_;
  FakeDatabroker fake_;
};

// Covers DBR-32.
TEST_F(RemoteFaultsTest, WhatCannotBeReadIsNoAnswerAndNoGoodEndOfOne) {
  testing::SeededEntropy dice(11);
  std::string noise(300, '\0');
  dice.fill(as_writable_bytes(std::span(noise)));
  const std::vector<std::string> garbage = {noise,
                                            std::string(40, '\xff'),
                                            "<html><body>502 Bad Gateway</body></html>",
                                            std::string("\x0a\xff\xff\xff\x7f", 5)};
  for (const Operation& operation : operations()) {
    for (const std::string& bytes : garbage) {
      const auto store = open();
      follow(operation.method, {.messages = {bytes}});

      const ErrorKind kind = operation.run(*store);

      EXPECT_EQ(kind, operation.expected) << operation.method << " " << bytes;
      expect_distrust(*store);
    }
  }
}

// Covers DBR-32.
TEST_F(RemoteFaultsTest, WhatSaysNothingIsNoAnswer) {
  for (const Operation& operation : operations()) {
    if (operation.method == std::string_view("ListTypes")) {
      continue;  // no types: an answer
    }
    const auto store = open();
    // A field that no message has.
    follow(operation.method,
           {.messages = {std::string("\xa2\x06\x03"
                                     "new",
                                     6)}});

    EXPECT_EQ(operation.run(*store), operation.expected) << operation.method;
  }
}

// Covers DBR-32.
TEST_F(RemoteFaultsTest, ARecordThatWasNotAskedForIsNotTaken) {
  std::vector<wire::Record> wrong(8, record("a", 3));
  wrong[0].set_id("b");
  wrong[1].set_type("type.example/Other");
  wrong[2].set_version(0);
  wrong[3].set_version(UINT64_MAX);
  wrong[4].mutable_deleted_at()->set_seconds(1);
  wrong[5].clear_data();
  wrong[6].mutable_data()->set_value(std::string((1U << 20) + 1, 'v'));
  wrong[7].mutable_modified_at()->set_seconds(INT64_MAX);  // which is none of ours to judge
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    const auto store = open();
    follow("Get", {.messages = {got(wrong[i])}});

    const auto record = store->get(key("a"));

    if (i == 7) {
      EXPECT_TRUE(record.has_value());
      continue;
    }
    EXPECT_EQ(kind_of(record), ErrorKind::Unavailable) << i;
    expect_distrust(*store);
  }
}

// Covers DBR-32. What became of the write nobody knows; what was said of it is not held.
TEST_F(RemoteFaultsTest, AWriteWhoseAnswerIsOfAnotherIsInDoubt) {
  wire::Record other_value = record("a", 6);
  other_value.mutable_data()->set_value("other");
  wire::Record deleted = record("a", 6);
  deleted.mutable_deleted_at()->set_seconds(1);
  for (const std::string& answer : {put_of({}),
                                    put_of({record("b", 6)}),
                                    put_of({record("a", 6), record("a", 7)}),
                                    put_of({record("a", 0)}),
                                    put_of({other_value}),
                                    put_of({deleted})}) {
    const auto store = open();
    follow("Put", {.messages = {answer}});

    const BatchOutcome outcome = put(*store, "a");

    EXPECT_EQ(kind_of(outcome), ErrorKind::DeadlineExceeded);
    expect_distrust(*store);
    EXPECT_EQ(kind_of(store->get(key("a"))), ErrorKind::NotFound);
  }
}

// Covers DBR-32.
TEST_F(RemoteFaultsTest, ChangesThatContradictEachOtherAreNotFollowed) {
  const std::vector<std::vector<std::string>> contradictions = {
      {change("a", kLatest)},
      {change("a", 0)},
      {change("a", UINT64_MAX)},
      {change("a", 6), change("b", 6)},
      {change("a", 8), change("b", 7)},
      {change("a", 6), std::string(40, '\xff')},
  };
  for (const auto& messages : contradictions) {
    const auto store = open();
    follow("Sync", {.messages = messages});

    const auto refreshed = store->refresh();

    EXPECT_EQ(kind_of(refreshed), ErrorKind::Unavailable);
    EXPECT_TRUE(refreshed.error().message().contains("makes no sense"));
    EXPECT_LE(store->state().latest_version, 8U);
    expect_distrust(*store);
  }
}

// Covers DBR-32.
TEST_F(RemoteFaultsTest, ADataSetThatCannotBeIsNotBegunWith) {
  for (const std::string& answer :
       {server_info(0, 0), server_info(kServerVersion + 1, 1), server_info(kServerVersion, 9)}) {
    follow("ServerInfo", {.messages = {answer}});
    const auto store = open(fake_.address());

    EXPECT_EQ(kind_of(store->refresh()), ErrorKind::Unavailable);
    EXPECT_EQ(store->state(), StoreState());
    EXPECT_EQ(kind_of(store->get(key("a"))), ErrorKind::Unavailable);
  }
}

// Covers DBR-32.
TEST_F(RemoteFaultsTest, AListThatWasCutShortIsNotTakenForAll) {
  const auto store = open();
  wire::SyncLatestResponse first;
  *first.mutable_record() = record("a", 1);
  follow("SyncLatest", {.messages = {first.SerializeAsString()}});

  EXPECT_EQ(kind_of(store->list(kType, {})), ErrorKind::Unavailable);
  EXPECT_EQ(store->list(kType, {.after_version = 0, .records_max = 1})->size(), 1U);
}

// Covers DBR-32.
TEST_F(RemoteFaultsTest, StreamsWithoutAnEndAreLeftAndFillNoMemory) {
  const auto most_so_far = [] {
    rusage use{};
    ::getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss >> 10;  // MiB
  };
  const auto store = open();
  const auto big = [](std::uint64_t n) {
    wire::SyncResponse message;
    *message.mutable_record() = record("id" + std::to_string(n), kLatest + 1 + n);
    message.mutable_record()->mutable_data()->set_value(std::string(1U << 19, 'v'));
    return message.SerializeAsString();
  };
  const auto options = [](std::uint64_t n) {
    wire::SyncResponse message;
    message.mutable_options()->set_typeurl("type" + std::to_string(n));
    message.mutable_options()->mutable_options()->set_capacity(1);
    return message.SerializeAsString();
  };
  const auto records = [](std::uint64_t n) {
    wire::SyncLatestResponse message;
    *message.mutable_record() = record("id" + std::to_string(n), 1 + n);
    return message.SerializeAsString();
  };
  const auto versions = [](std::uint64_t /*n*/) { return end_of_list(); };
  const long before = most_so_far();

  follow("SyncLatest", {.endless = records});
  EXPECT_EQ(store->list(kType, {})->size(), Page().records_max);
  follow("SyncLatest", {.endless = versions});
  EXPECT_EQ(kind_of(store->list(kType, {})), ErrorKind::Unavailable);
  expect_distrust(*store);
  follow("Sync", {.endless = options});
  EXPECT_EQ(kind_of(store->options()), ErrorKind::Unavailable);
  expect_distrust(*store);
  follow("Sync", {.endless = options});
  EXPECT_EQ(kind_of(store->changes({})), ErrorKind::Unavailable);
  expect_distrust(*store);
  follow("Sync", {.endless = big});
  EXPECT_EQ(kind_of(store->refresh()), ErrorKind::Unavailable);
  expect_distrust(*store);

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  constexpr long kMost = 1200;  // it keeps what was freed
#else
  constexpr long kMost = 300;
#endif
  EXPECT_LT(most_so_far() - before, kMost);
}

// Covers DBR-32. Calls that are answered after five seconds are not answered for us.
TEST_F(RemoteFaultsTest, OneThatTakesTooLongIsWaitedForOnce) {
  const Instant began = clock_.now();
  for (const Operation& operation : operations()) {
    const std::string_view method = operation.method;
    if (method != "Get" && method != "Put" && method != "SyncLatest") {
      continue;  // they go the same ways
    }
    const auto store = open();
    follow(operation.method, {.is_silent = true});

    EXPECT_EQ(operation.run(*store), operation.expected) << method;

    expect_distrust(*store);
  }
  EXPECT_LT(clock_.now() - began, 40s);  // four times three seconds
}

// Covers DBR-32.
TEST_F(RemoteFaultsTest, APartThatSpeaksNoGrpcIsNotThere) {
  const NoiseServer noise;
  const auto store = open(noise.address());

  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(kind_of(store->refresh()), ErrorKind::Unavailable);
    EXPECT_EQ(kind_of(store->get(key("a"))), ErrorKind::Unavailable);
    EXPECT_EQ(kind_of(put(*store, "a")), ErrorKind::Unavailable);
  }
}

// Covers DBR-32. What a process decides by: nothing, until the databroker makes sense.
TEST_F(RemoteFaultsTest, NobodyIsDecidedAboutUntilItMakesSense) {
  follow("Query", {.messages = {std::string(40, '\xff')}});
  testing::KernelCore kernel;
  Databroker broker({.home = kernel.core, .store = open(fake_.address()), .max_staleness = 5min});
  const auto subscription = broker.subscribe(kernel.core, [](const FeedEvent&) {});
  const auto is_stale = [](Databroker* of) -> Task<bool> { co_return of->is_stale(); };

  const auto refused =
      async::block_on(kernel.core, broker.get(key("a"), kernel.core.deadline_in(20s)));
  const bool was_stale = async::block_on(kernel.core, is_stale(&broker));
  fake_.follow(sane());
  const auto looked = async::block_on(kernel.core, broker.look(kernel.core.deadline_in(20s)));
  const auto answered =
      async::block_on(kernel.core, broker.get(key("a"), kernel.core.deadline_in(20s)));

  EXPECT_EQ(kind_of(refused), ErrorKind::Unavailable);
  EXPECT_TRUE(was_stale);
  EXPECT_TRUE(looked.has_value());
  EXPECT_EQ(kind_of(answered), ErrorKind::NotFound);
  EXPECT_FALSE(async::block_on(kernel.core, is_stale(&broker)));
}

}  // namespace
}  // namespace vallum::databroker
