// What every backend must do. A new backend is one more line at the end.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/secret.h"
#include "databroker/store/memory_store.h"
#include "databroker/store/postgres_store.h"
#include "databroker/store/sqlite_store.h"
#include "databroker/store/store.h"
#include "support/captured_lines.h"
#include "support/postgres/server.h"
#include "support/seeded_entropy.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;

// Makes an empty store, and keeps what it needs.
class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;
  virtual std::unique_ptr<Store> open(Entropy& entropy) = 0;
};

class MemoryBackend final : public Backend {
 public:
  std::unique_ptr<Store> open(Entropy& entropy) override {
    return std::make_unique<MemoryStore>(entropy);
  }
};

class SqliteBackend final : public Backend {
 public:
  std::unique_ptr<Store> open(Entropy& entropy) override {
    auto store = SqliteStore::open({.directory = directory_.path()}, secret_, entropy);
    EXPECT_TRUE(store.has_value()) << store.error().message();
    return *std::move(store);
  }

 private:
  testing::TempDirectory directory_;
  Secret secret_{std::string_view("0123456789abcdef0123456789abcdef")};
};

class PostgresBackend final : public Backend {
 public:
  std::unique_ptr<Store> open(Entropy& entropy) override {
    testing::PostgresServer& server = testing::PostgresServer::shared();
    const Secret address(server.by_socket(server.create_database()));
    auto store = PostgresStore::open({.address = address,
                                      .shared_secret = secret_,
                                      .clock = clock_,
                                      .entropy = entropy,
                                      .log = log_});
    EXPECT_TRUE(store.has_value()) << store.error().message();
    return *std::move(store);
  }

 private:
  Secret secret_{std::string_view("0123456789abcdef0123456789abcdef")};
  testing::VirtualClock clock_;
  testing::CapturedLines lines_;
  telemetry::LogFilter filter_{telemetry::LogLevel::Info};
  telemetry::Log log_{lines_, clock_, filter_, "databroker"};
};

struct BackendKind {
  const char* name;
  std::unique_ptr<Backend> (*make)();
};

constexpr std::string_view kType = "type.example/Thing";

Write put(std::string id, std::string bytes, std::string_view type = kType) {
  return Write::put({.type = std::string(type), .id = std::move(id)},
                    {.type_url = "type.example/Thing", .bytes = std::move(bytes)});
}
Write remove(std::string id, std::string_view type = kType) {
  return Write::remove({.type = std::string(type), .id = std::move(id)});
}
RecordKey key(std::string id, std::string_view type = kType) {
  return {.type = std::string(type), .id = std::move(id)};
}

class StoreContractTest : public ::testing::TestWithParam<BackendKind> {
 protected:
  BatchOutcome commit(Batch batch) {
    std::vector<Batch> batches;
    batches.push_back(std::move(batch));
    auto outcomes = store_->commit(std::move(batches), clock_.wall());
    if (!outcomes) {
      return fail(outcomes.error());
    }
    return std::move(outcomes->front());
  }
  template <class... Writes>
  BatchOutcome commit_all(Writes... writes) {
    Batch batch;
    (batch.push_back(std::move(writes)), ...);
    return commit(std::move(batch));
  }
  ErrorKind kind_of_get(const RecordKey& which) {
    auto record = store_->get(which);
    EXPECT_FALSE(record.has_value());
    return record ? ErrorKind::Internal : record.error().kind();
  }
  static std::vector<std::string> ids(const Result<std::vector<Record>>& records) {
    std::vector<std::string> ids;
    EXPECT_TRUE(records.has_value());
    for (const Record& record : *records) {
      ids.push_back(record.id);
    }
    return ids;
  }

  testing::VirtualClock clock_;
  testing::SeededEntropy entropy_{7};
  std::unique_ptr<Backend> backend_ = GetParam().make();
  std::unique_ptr<Store> store_ = backend_->open(entropy_);
};

using Ids = std::vector<std::string>;

TEST_P(StoreContractTest, ReadsBackExactlyWhatWasWritten) {
  const std::string binary("\0\xff\x80 caf\xc3\xa9", 9);

  auto written = commit_all(put("id/\xc3\xa9", binary));
  auto read = store_->get(key("id/\xc3\xa9"));

  ASSERT_TRUE(written.has_value());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, written->front());
  EXPECT_EQ(read->value.bytes, binary);
  EXPECT_EQ(read->value.type_url, "type.example/Thing");
  EXPECT_EQ(read->modified_at, clock_.wall());
  EXPECT_FALSE(read->is_deleted());
}

TEST_P(StoreContractTest, DoesNotFindWhatWasNeverWrittenOrIsOfAnotherType) {
  ASSERT_TRUE(commit_all(put("a", "1")).has_value());

  EXPECT_EQ(kind_of_get(key("b")), ErrorKind::NotFound);
  EXPECT_EQ(kind_of_get(key("a", "type.example/Other")), ErrorKind::NotFound);
}

TEST_P(StoreContractTest, CountsVersionsOverAllTypesInCommitOrder) {
  auto first = commit_all(put("a", "1"), put("a", "2", "other"));
  auto second = commit_all(put("b", "3"));

  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ((*first)[0].version, 1U);
  EXPECT_EQ((*first)[1].version, 2U);
  EXPECT_EQ((*second)[0].version, 3U);
  EXPECT_EQ(store_->state().latest_version, 3U);
}

TEST_P(StoreContractTest, HasARandomServerVersionThatWritesDoNotChange) {
  const std::uint64_t before = store_->state().server_version;

  ASSERT_TRUE(commit_all(put("a", "1")).has_value());

  EXPECT_NE(before, 0U);
  EXPECT_EQ(store_->state().server_version, before);
}

TEST_P(StoreContractTest, ForgetsTheValueOfADeletedRecordAndKeepsATombstone) {
  ASSERT_TRUE(commit_all(put("a", "secret")).has_value());
  clock_.advance(5s);

  ASSERT_TRUE(commit_all(remove("a")).has_value());
  auto changes = store_->changes({});

  EXPECT_EQ(kind_of_get(key("a")), ErrorKind::NotFound);
  ASSERT_TRUE(changes.has_value());
  ASSERT_EQ(changes->size(), 1U);
  EXPECT_EQ((*changes)[0].deleted_at, clock_.wall());
  EXPECT_EQ((*changes)[0].version, 2U);
  EXPECT_EQ((*changes)[0].value, Value{});
}

TEST_P(StoreContractTest, WritesOnlyAtTheExpectedVersion) {
  ASSERT_TRUE(commit_all(put("a", "1")).has_value());
  ASSERT_TRUE(commit_all(put("a", "2")).has_value());

  auto stale = commit_all(put("a", "3").if_version(1));
  auto current = commit_all(put("a", "4").if_version(2));

  ASSERT_FALSE(stale.has_value());
  EXPECT_EQ(stale.error().kind(), ErrorKind::Conflict);
  EXPECT_TRUE(current.has_value());
  EXPECT_EQ(store_->get(key("a"))->value.bytes, "4");
}

// A refresh that ends after the sign-out must not bring the session back.
// Covers SES-30.
TEST_P(StoreContractTest, DoesNotBringBackADeletedRecordByAConditionalWrite) {
  ASSERT_TRUE(commit_all(put("a", "1")).has_value());
  ASSERT_TRUE(commit_all(remove("a")).has_value());

  auto at_old_version = commit_all(put("a", "2").if_version(1));
  auto at_tombstone_version = commit_all(put("a", "2").if_version(2));

  EXPECT_EQ(at_old_version.error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(at_tombstone_version.error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(kind_of_get(key("a")), ErrorKind::NotFound);
}

TEST_P(StoreContractTest, CreatesOnlyWhatDoesNotExist) {
  ASSERT_TRUE(commit_all(put("a", "1")).has_value());
  ASSERT_TRUE(commit_all(put("b", "1")).has_value());
  ASSERT_TRUE(commit_all(remove("b")).has_value());

  EXPECT_FALSE(commit_all(put("a", "2").if_absent()).has_value());
  EXPECT_TRUE(commit_all(put("b", "2").if_absent()).has_value());
  EXPECT_TRUE(commit_all(put("c", "2").if_absent()).has_value());
}

TEST_P(StoreContractTest, AppliesABatchWholeOrNotAtAll) {
  ASSERT_TRUE(commit_all(put("a", "1")).has_value());

  auto refused = commit_all(put("b", "1"), put("a", "2").if_version(9), remove("a"));

  EXPECT_FALSE(refused.has_value());
  EXPECT_EQ(kind_of_get(key("b")), ErrorKind::NotFound);
  EXPECT_EQ(store_->get(key("a"))->value.bytes, "1");
  EXPECT_EQ(store_->state().latest_version, 1U);
}

TEST_P(StoreContractTest, JudgesEachBatchOfOneCommitAfterTheOnesBeforeIt) {
  std::vector<Batch> batches(4);
  batches[0].push_back(put("a", "first").if_absent());
  batches[1].push_back(put("a", "second").if_absent());
  batches[2].push_back(put("a", "third").if_version(1));
  batches[3].push_back(put("b", "other"));

  auto outcomes = store_->commit(std::move(batches), clock_.wall());

  ASSERT_TRUE(outcomes.has_value());
  ASSERT_EQ(outcomes->size(), 4U);
  EXPECT_TRUE((*outcomes)[0].has_value());
  EXPECT_FALSE((*outcomes)[1].has_value());
  EXPECT_TRUE((*outcomes)[2].has_value());
  EXPECT_TRUE((*outcomes)[3].has_value());
  EXPECT_EQ(store_->get(key("a"))->value.bytes, "third");
}

TEST_P(StoreContractTest, ListsOneTypeByVersionInPages) {
  ASSERT_TRUE(commit_all(put("a", "1"), put("b", "1"), put("c", "1"), put("d", "1")).has_value());
  ASSERT_TRUE(commit_all(put("x", "1", "other"), put("a", "2"), remove("c")).has_value());

  auto first = store_->list(kType, {.after_version = 0, .records_max = 2});
  auto second = store_->list(kType, {.after_version = first->back().version, .records_max = 2});

  EXPECT_EQ(ids(first), (Ids{"b", "d"}));
  EXPECT_EQ(ids(second), (Ids{"a"}));
  EXPECT_EQ(ids(store_->list("unknown", {})), Ids{});
}

TEST_P(StoreContractTest, TellsTheLastChangeOfEachRecordInVersionOrder) {
  ASSERT_TRUE(commit_all(put("a", "1"), put("b", "1")).has_value());
  ASSERT_TRUE(commit_all(put("a", "2"), put("x", "1", "other")).has_value());
  ASSERT_TRUE(commit_all(remove("b")).has_value());

  EXPECT_EQ(ids(store_->changes({})), (Ids{"a", "x", "b"}));
  EXPECT_EQ(ids(store_->changes({.after_version = 3, .records_max = 1})), (Ids{"x"}));
  EXPECT_EQ(ids(store_->changes({.after_version = 5, .records_max = 9})), Ids{});
  EXPECT_EQ(ids(store_->changes({.after_version = 500, .records_max = 9})), Ids{});
}

// Covers DBR-14.
TEST_P(StoreContractTest, SaysSoWhenTombstonesAReaderNeedsAreGone) {
  ASSERT_TRUE(commit_all(put("a", "1"), put("b", "1")).has_value());
  ASSERT_TRUE(commit_all(remove("a")).has_value());
  clock_.advance(1h);
  ASSERT_TRUE(commit_all(remove("b")).has_value());

  auto pruned = store_->prune_tombstones(clock_.wall());

  EXPECT_EQ(pruned, 1U);
  auto too_old = store_->changes({.after_version = 2});
  ASSERT_FALSE(too_old.has_value());
  EXPECT_EQ(too_old.error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(ids(store_->changes({.after_version = 3})), (Ids{"b"}));
}

TEST_P(StoreContractTest, NeverUsesAVersionTwiceEvenWhenEverythingIsGone) {
  ASSERT_TRUE(commit_all(put("a", "1")).has_value());
  ASSERT_TRUE(commit_all(remove("a")).has_value());
  ASSERT_TRUE(store_->prune_tombstones(clock_.wall() + 1s).has_value());

  auto again = commit_all(put("a", "2"));

  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->front().version, 3U);
}

// A plain map is the model: after any history both must tell the same.
TEST_P(StoreContractTest, AgreesWithAModelOverRandomHistories) {
  struct Expected {
    std::uint64_t version = 0;
    std::string bytes;
  };
  std::map<std::string, Expected> model;
  testing::SeededEntropy dice(42);
  std::uint64_t version = 0;

  for (int step = 0; step < 400; ++step) {
    const std::string id = "id" + std::to_string(dice.next_u64() % 20);
    const auto live = model.find(id);
    const std::uint64_t live_version = live == model.end() ? 0 : live->second.version;
    const bool is_put = dice.next_u64() % 3 != 0;
    Write write = is_put ? put(id, std::to_string(step)) : remove(id);
    const std::uint64_t condition = dice.next_u64() % 3;
    if (condition != 0) {
      write.expected_version = condition == 1 ? live_version : live_version + 1;
    }
    const bool should_happen = condition != 2;

    const auto outcome = commit_all(std::move(write));

    ASSERT_EQ(outcome.has_value(), should_happen) << "step " << step;
    if (should_happen) {
      ++version;
      if (is_put) {
        model[id] = {.version = version, .bytes = std::to_string(step)};
      } else {
        model.erase(id);
      }
    }
  }

  auto listed = store_->list(kType, {.after_version = 0, .records_max = 100});
  ASSERT_TRUE(listed.has_value());
  ASSERT_EQ(listed->size(), model.size());
  for (const Record& record : *listed) {
    ASSERT_TRUE(model.contains(record.id));
    EXPECT_EQ(record.version, model[record.id].version);
    EXPECT_EQ(record.value.bytes, model[record.id].bytes);
  }
  EXPECT_EQ(store_->state().latest_version, version);
}

INSTANTIATE_TEST_SUITE_P(
    Backends,
    StoreContractTest,
    ::testing::Values(
        BackendKind{"memory", [] { return std::unique_ptr<Backend>(new MemoryBackend); }},
        BackendKind{"sqlite", [] { return std::unique_ptr<Backend>(new SqliteBackend); }},
        BackendKind{"postgres", [] { return std::unique_ptr<Backend>(new PostgresBackend); }}),
    [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace vallum::databroker
