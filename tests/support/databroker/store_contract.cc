#include "support/databroker/store_contract.h"

#include <map>

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

namespace vallum::databroker::contract {

constexpr std::string_view kStruct = "type.googleapis.com/google.protobuf.Struct";

Write put_json(std::string id, std::string_view json, std::string_view type) {
  google::protobuf::Struct message;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(std::string(json), &message).ok());
  return Write::put({.type = std::string(type), .id = std::move(id)},
                    {.type_url = std::string(kStruct), .bytes = message.SerializeAsString()});
}

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
  advance(5s);

  ASSERT_TRUE(commit_all(remove("a")).has_value());
  auto changes = store_->changes({});

  EXPECT_EQ(kind_of_get(key("a")), ErrorKind::NotFound);
  ASSERT_TRUE(changes.has_value());
  ASSERT_EQ(changes->size(), 1U);
  EXPECT_EQ((*changes)[0].deleted_at, clock_.wall());
  EXPECT_TRUE((*changes)[0].is_deleted());
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
  advance(1h);
  ASSERT_TRUE(commit_all(remove("b")).has_value());

  auto pruned = backend_->prune_tombstones(*store_, clock_.wall());

  EXPECT_EQ(pruned, 1U);
  Store& newcomer = backend_->newcomer(*store_);
  auto too_old = newcomer.changes({.after_version = 2});
  ASSERT_FALSE(too_old.has_value());
  EXPECT_EQ(too_old.error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(ids(newcomer.changes({.after_version = 3})), (Ids{"b"}));
  EXPECT_EQ(ids(store_->changes({.after_version = 3})), (Ids{"b"}));
}

TEST_P(StoreContractTest, NeverUsesAVersionTwiceEvenWhenEverythingIsGone) {
  ASSERT_TRUE(commit_all(put("a", "1")).has_value());
  ASSERT_TRUE(commit_all(remove("a")).has_value());
  ASSERT_EQ(backend_->prune_tombstones(*store_, clock_.wall() + 1s), 1U);

  auto again = commit_all(put("a", "2"));

  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->front().version, 3U);
}

TEST_P(StoreContractTest, FindsRecordsByTheValueOfAnIndexedField) {
  ASSERT_TRUE(store_->set_options(kType, indexed_by({"user", "team.name"})).has_value());
  ASSERT_TRUE(commit_all(put_json("a", R"({"user": "ann", "team": {"name": "red"}})"),
                         put_json("b", R"({"user": "bob", "team": {"name": "red"}})"),
                         put_json("c", R"({"user": ["ann", "bob"]})"),
                         put_json("d", R"({"user": "ann"})", "other"))
                  .has_value());

  EXPECT_EQ(found("user", "ann"), (Ids{"a", "c"}));
  EXPECT_EQ(found("user", "bob"), (Ids{"b", "c"}));
  EXPECT_EQ(found("team.name", "red"), (Ids{"a", "b"}));
  EXPECT_EQ(found("user", "red"), Ids{});
  EXPECT_EQ(found("user", "ann", "other"), Ids{});
}

// Removing by what comes in instead of what was stored would leave "ann" behind.
TEST_P(StoreContractTest, FindsNothingByAValueThatWasReplacedOrDeleted) {
  ASSERT_TRUE(store_->set_options(kType, indexed_by({"user"})).has_value());
  ASSERT_TRUE(commit_all(put_json("a", R"({"user": "ann"})"), put_json("b", R"({"user": "ann"})"))
                  .has_value());

  ASSERT_TRUE(commit_all(put_json("a", R"({"user": "eve"})"), remove("b")).has_value());

  EXPECT_EQ(found("user", "ann"), Ids{});
  EXPECT_EQ(found("user", "eve"), (Ids{"a"}));
}

TEST_P(StoreContractTest, MakesTheIndexAnewWhenTheFieldsChange) {
  ASSERT_TRUE(commit_all(put_json("a", R"({"user": "ann", "team": "red"})")).has_value());
  EXPECT_EQ(found("user", "ann"), Ids{});

  ASSERT_TRUE(store_->set_options(kType, indexed_by({"user"})).has_value());
  EXPECT_EQ(found("user", "ann"), (Ids{"a"}));

  ASSERT_TRUE(store_->set_options(kType, indexed_by({"team"})).has_value());
  EXPECT_EQ(found("user", "ann"), Ids{});
  EXPECT_EQ(found("team", "red"), (Ids{"a"}));

  ASSERT_TRUE(commit_all(put_json("a", R"({"user": "ann", "team": "blue"})")).has_value());
  EXPECT_EQ(found("team", "red"), Ids{});
  EXPECT_EQ(found("team", "blue"), (Ids{"a"}));
}

TEST_P(StoreContractTest, FindsEveryNetworkThatHoldsAnAddress) {
  ASSERT_TRUE(commit_all(put_json("all", R"({"$index": {"cidr": "0.0.0.0/0"}})"),
                         put_json("ten", R"({"$index": {"cidr": "10.0.0.0/8"}})"),
                         put_json("one", R"({"$index": {"cidr": "10.1.2.3"}})"),
                         put_json("six", R"({"$index": {"cidr": "2001:db8::/32"}})"))
                  .has_value());

  EXPECT_EQ(found_in("10.1.2.3"), (Ids{"all", "ten", "one"}));
  EXPECT_EQ(found_in("10.0.0.0/8"), (Ids{"all", "ten"}));
  EXPECT_EQ(found_in("11.0.0.1"), (Ids{"all"}));
  EXPECT_EQ(found_in("2001:db8::7"), (Ids{"six"}));
}

// Who looks checks what it finds; what is left out would never be seen.
TEST_P(StoreContractTest, FindsARecordItCannotLookIntoUnderEveryValue) {
  ASSERT_TRUE(store_->set_options(kType, indexed_by({"user"})).has_value());

  ASSERT_TRUE(commit_all(put("opaque", "bytes")).has_value());

  EXPECT_EQ(found("user", "ann"), (Ids{"opaque"}));
}

TEST_P(StoreContractTest, PagesThroughWhatItFinds) {
  ASSERT_TRUE(store_->set_options(kType, indexed_by({"u"})).has_value());
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_TRUE(commit_all(put_json(id, R"({"u": "x"})")).has_value());
  }

  auto first = store_->find(kType, probes_for("u", "x"), {.after_version = 0, .records_max = 2});
  auto second = store_->find(kType, probes_for("u", "x"), {.after_version = 2, .records_max = 2});

  EXPECT_EQ(ids(first), (Ids{"a", "b"}));
  EXPECT_EQ(ids(second), (Ids{"c"}));
}

TEST_P(StoreContractTest, CountsTheLiveRecordsOfEachType) {
  ASSERT_TRUE(commit_all(put("a", "1", "y"), put("b", "1", "y"), put("c", "1", "x")).has_value());
  ASSERT_TRUE(commit_all(put("a", "2", "y"), remove("c", "x"), put("d", "1", "w")).has_value());

  EXPECT_EQ(store_->types(), (Ids{"w", "y"}));
  EXPECT_EQ(store_->count("y"), 2U);
  EXPECT_EQ(store_->count("x"), 0U);
}

TEST_P(StoreContractTest, KeepsOptionsAndForgetsEmptyOnes) {
  const TypeOptions options{.capacity = 7, .indexable_fields = {"f"}, .ttl = 90s + 5ns};
  ASSERT_TRUE(store_->set_options("x", options).has_value());
  ASSERT_TRUE(store_->set_options("y", options).has_value());
  ASSERT_TRUE(store_->set_options("y", {}).has_value());

  auto kept = store_->options();

  OptionsByType expected = first_options_;
  expected["x"] = options;
  EXPECT_EQ(kept, expected);
}

TEST_P(StoreContractTest, HasNoRoomForTheOptionsOfEndlessTypes) {
  for (std::size_t i = 0; i < kTypesWithOptionsMax - first_options_.size(); ++i) {
    ASSERT_TRUE(store_->set_options(std::to_string(i), capacity(1)).has_value());
  }

  auto refused = store_->set_options("one more", capacity(1));

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind(), ErrorKind::ResourceExhausted);
  EXPECT_TRUE(store_->set_options("0", capacity(2)).has_value());
}

TEST_P(StoreContractTest, LeasesANameToOneHolderAtATime) {
  auto first = store_->acquire_lease("job", "ann", 30s, clock_.wall());
  auto second = store_->acquire_lease("job", "bob", 30s, clock_.wall());
  auto other = store_->acquire_lease("other job", "bob", 30s, clock_.wall());

  ASSERT_TRUE(first.has_value());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind(), ErrorKind::Conflict);
  EXPECT_TRUE(other.has_value());
}

TEST_P(StoreContractTest, ARenewedLeaseLivesOnWithItsEpochAndALostOneIsNotRenewed) {
  auto lease = store_->acquire_lease("job", "ann", 30s, clock_.wall());
  advance(20s);
  auto renewed = store_->renew_lease("job", "ann", 30s, clock_.wall());
  advance(20s);

  EXPECT_FALSE(store_->acquire_lease("job", "bob", 30s, clock_.wall()).has_value());
  ASSERT_TRUE(renewed.has_value());
  EXPECT_EQ(renewed->epoch, lease->epoch);

  advance(10s);
  auto too_late = store_->renew_lease("job", "ann", 30s, clock_.wall());
  EXPECT_EQ(too_late.error().kind(), ErrorKind::Conflict);
  EXPECT_TRUE(store_->acquire_lease("job", "bob", 30s, clock_.wall()).has_value());
}

// Covers DBR-23.
TEST_P(StoreContractTest, OnlyTheHolderRenewsAndReleases) {
  ASSERT_TRUE(store_->acquire_lease("job", "ann", 30s, clock_.wall()).has_value());

  EXPECT_EQ(store_->renew_lease("job", "bob", 30s, clock_.wall()).error().kind(),
            ErrorKind::Conflict);
  EXPECT_TRUE(store_->release_lease("job", "bob").has_value());
  EXPECT_FALSE(store_->acquire_lease("job", "bob", 30s, clock_.wall()).has_value());

  EXPECT_TRUE(store_->release_lease("job", "ann").has_value());
  EXPECT_TRUE(store_->release_lease("job", "ann").has_value());
  EXPECT_TRUE(store_->acquire_lease("job", "bob", 30s, clock_.wall()).has_value());
}

// Covers DBR-22. Whose clock runs late believes to hold the lease; what it writes is refused.
TEST_P(StoreContractTest, RefusesWhatTheHolderOfALostLeaseWrites) {
  auto old = store_->acquire_lease("job", "ann", 30s, clock_.wall());
  const Fence stale{.lease = "job", .epoch = old->epoch};
  ASSERT_TRUE(commit_all(put("a", "1").fenced_by(stale)).has_value());
  advance(60s);

  auto after_expiry = commit_all(put("a", "2").fenced_by(stale));
  auto fresh = store_->acquire_lease("job", "bob", 30s, clock_.wall());
  auto after_loss = commit_all(put("b", "1"), put("a", "3").fenced_by(stale));
  auto of_holder = commit_all(put("a", "4").fenced_by({.lease = "job", .epoch = fresh->epoch}));

  EXPECT_EQ(after_expiry.error().kind(), ErrorKind::Conflict);
  EXPECT_GT(fresh->epoch, old->epoch);
  EXPECT_EQ(after_loss.error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(kind_of_get(key("b")), ErrorKind::NotFound);
  EXPECT_TRUE(of_holder.has_value());
  EXPECT_EQ(store_->get(key("a"))->value.bytes, "4");
}

TEST_P(StoreContractTest, NeverHandsOutAnEpochTwice) {
  auto first = store_->acquire_lease("job", "ann", 30s, clock_.wall());
  ASSERT_TRUE(store_->release_lease("job", "ann").has_value());
  ASSERT_TRUE(store_->clear().has_value());

  auto second = store_->acquire_lease("job", "ann", 30s, clock_.wall());

  ASSERT_TRUE(second.has_value());
  EXPECT_GT(second->epoch, first->epoch);
}

TEST_P(StoreContractTest, HasNoRoomForEndlessLeasesButForExpiredOnes) {
  for (std::size_t i = 0; i < LeaseTable::kLeasesMax; ++i) {
    ASSERT_TRUE(store_->acquire_lease(std::to_string(i), "ann", i == 5 ? 1s : 60s, clock_.wall())
                    .has_value());
  }

  auto refused = store_->acquire_lease("one more", "ann", 60s, clock_.wall());
  advance(1s);
  auto taken = store_->acquire_lease("one more", "ann", 60s, clock_.wall());

  EXPECT_EQ(refused.error().kind(), ErrorKind::ResourceExhausted);
  EXPECT_TRUE(taken.has_value());
}

TEST_P(StoreContractTest, BeginsAnewWhenCleared) {
  ASSERT_TRUE(store_->set_options(kType, indexed_by({"user"})).has_value());
  ASSERT_TRUE(commit_all(put_json("a", R"({"user": "ann"})"), put("b", "1", "other")).has_value());
  ASSERT_TRUE(commit_all(remove("b", "other")).has_value());
  auto lease = store_->acquire_lease("job", "ann", 30s, clock_.wall());
  const StoreState before = store_->state();

  ASSERT_TRUE(store_->clear().has_value());

  const StoreState after = store_->state();
  EXPECT_NE(after.server_version, before.server_version);
  EXPECT_NE(after.server_version, 0U);
  EXPECT_EQ(after.latest_version, before.latest_version);
  EXPECT_EQ(after.pruned_version, after.latest_version);
  EXPECT_EQ(kind_of_get(key("a")), ErrorKind::NotFound);
  EXPECT_EQ(found("user", "ann"), Ids{});
  EXPECT_EQ(store_->types(), Ids{});
  EXPECT_EQ(store_->options(), first_options_);
  EXPECT_EQ(store_->changes({.after_version = 1}).error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(ids(store_->changes({.after_version = after.latest_version})), Ids{});
  EXPECT_TRUE(
      commit_all(put("a", "2").fenced_by({.lease = "job", .epoch = lease->epoch})).has_value());
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

}  // namespace vallum::databroker::contract
