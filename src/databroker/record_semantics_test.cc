// What the databroker does above a store: options, patches, leases, beginning anew.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "async/block_on.h"
#include "base/unique_function.h"
#include "databroker/databroker.h"
#include "databroker/store/memory_store.h"
#include "proto/session.pb.h"
#include "support/sim/fake_core.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;
using testing::FakeCore;

constexpr const char* kType = "type.googleapis.com/session.Session";
constexpr const char* kErrors = "type.googleapis.com/pomerium.events.LastError";
constexpr const char* kRequests = "type.googleapis.com/session.SessionBindingRequest";

// A store between whose reads and writes somebody else can write.
class BusyStore final : public MemoryStore {
 public:
  struct Hooks {
    UniqueFunction<void(MemoryStore&)> before_commit;
    int commits_until_quiet = 0;
  };
  BusyStore(Entropy& entropy, Hooks& hooks) : MemoryStore(entropy), hooks_(hooks) {}

  Result<std::vector<BatchOutcome>> commit(std::vector<Batch> batches, WallTime now) override {
    if (hooks_.commits_until_quiet > 0) {
      --hooks_.commits_until_quiet;
      hooks_.before_commit(*this);
    }
    return MemoryStore::commit(std::move(batches), now);
  }

 private:
  Hooks& hooks_;
};

std::string session_bytes(std::string user, std::int64_t accessed) {
  ::session::Session session;
  session.set_user_id(std::move(user));
  session.mutable_accessed_at()->set_seconds(accessed);
  return session.SerializeAsString();
}

class RecordSemanticsTest : public ::testing::Test {
 protected:
  Deadline soon() { return Deadline::after(home_.clock, 5s); }
  template <class T>
  Result<T> run(Async<T> task) {
    return async::block_on(home_.core, std::move(task));
  }
  Result<Committed> put(std::string type, std::string id, std::string bytes = "") {
    Batch batch;
    batch.push_back(Write::put({.type = type, .id = std::move(id)},
                               {.type_url = type, .bytes = std::move(bytes)}));
    return run(broker_.put(std::move(batch), soon()));
  }
  Result<Committed> put_session(std::string id, std::string user, std::int64_t accessed = 1) {
    return put(kType, std::move(id), session_bytes(std::move(user), accessed));
  }
  ::session::Session session(std::string id) {
    auto record = run(broker_.get({.type = kType, .id = std::move(id)}, soon()));
    ::session::Session session;
    EXPECT_TRUE(record.has_value());
    EXPECT_TRUE(session.ParseFromString(record->value.bytes));
    return session;
  }
  Patch access_patch(std::vector<std::string> ids, std::int64_t accessed) {
    Patch patch{.items = {}, .mask = {"accessed_at"}, .fence = std::nullopt};
    for (std::string& id : ids) {
      patch.items.push_back({.key = {.type = kType, .id = std::move(id)},
                             .value = {.type_url = kType, .bytes = session_bytes("x", accessed)}});
    }
    return patch;
  }
  // "id" for a live record and "id-" for a tombstone, by version.
  std::string log() {
    auto changes = run(broker_.changes({}, soon()));
    EXPECT_TRUE(changes.has_value());
    std::string text;
    for (const Record& record : changes->records) {
      text += record.id + (record.is_deleted() ? "- " : " ");
    }
    return text;
  }
  Result<void> set_options(std::string type, TypeOptions options) {
    return run(broker_.set_options(std::move(type), std::move(options), soon()));
  }
  static TypeOptions capacity(std::uint64_t records) {
    return {.capacity = records, .indexable_fields = {}, .ttl = std::nullopt};
  }

  FakeCore home_;
  BusyStore::Hooks hooks_;
  Databroker broker_{{.home = home_.core,
                      .store = std::make_unique<BusyStore>(home_.entropy, hooks_),
                      .cores = 1,
                      .storage = Databroker::Storage::OnCallingCore,
                      .limits = {}}};
};

TEST_F(RecordSemanticsTest, BeginsWithTheBuiltInOptions) {
  auto options = run(broker_.options(soon()));

  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(*options, built_in_options());
  EXPECT_EQ(options->at(kRequests).capacity, 50'000U);
  EXPECT_EQ(options->at(kErrors).capacity, 50U);
}

// Covers DBR-19.
TEST_F(RecordSemanticsTest, KeepsTheNewestOfATypeAndTombstonesOfTheRest) {
  ASSERT_TRUE(set_options("t", capacity(2)).has_value());
  std::vector<std::string> told;
  auto subscription = broker_.subscribe(home_.core, [&told](const FeedEvent& event) {
    if (event.batch != nullptr) {
      for (const Record& record : event.batch->records) {
        told.push_back(record.id + (record.is_deleted() ? "-" : ""));
      }
    }
  });

  for (const char* id : {"a", "b", "a", "c"}) {
    ASSERT_TRUE(put("t", id).has_value());
  }

  EXPECT_EQ(log(), "a c b- ");
  EXPECT_EQ(told, (std::vector<std::string>{"a", "b", "a", "c", "b-"}));
}

TEST_F(RecordSemanticsTest, MakesRoomWhenTheCapacityShrinks) {
  for (int i = 0; i < 1500; ++i) {
    ASSERT_TRUE(put("t", std::to_string(i)).has_value());
  }

  ASSERT_TRUE(set_options("t", capacity(1)).has_value());

  auto left = run(broker_.list("t", {}, soon()));
  ASSERT_EQ(left->records.size(), 1U);
  EXPECT_EQ(left->records[0].id, "1499");
}

// Covers DBR-19.
TEST_F(RecordSemanticsTest, DeletesWhatIsOlderThanItsTypeAllows) {
  ASSERT_TRUE(set_options("t", {.capacity = std::nullopt, .indexable_fields = {}, .ttl = 10min})
                  .has_value());
  ASSERT_TRUE(put("t", "old").has_value());
  ASSERT_TRUE(put("t", "renewed").has_value());
  ASSERT_TRUE(put("other", "kept").has_value());
  home_.advance(6min);
  ASSERT_TRUE(put("t", "renewed").has_value());

  home_.advance(6min);

  EXPECT_EQ(log(), "kept renewed old- ");
}

TEST_F(RecordSemanticsTest, RefusesOptionsThatMakeNoSense) {
  const auto kind = [&](std::string type, TypeOptions options) {
    return set_options(std::move(type), std::move(options)).error().kind();
  };

  EXPECT_EQ(kind("", capacity(1)), ErrorKind::InvalidInput);
  EXPECT_EQ(kind(std::string("a\0b", 3), capacity(1)), ErrorKind::InvalidInput);
  EXPECT_EQ(kind("t", {.capacity = std::nullopt, .indexable_fields = {}, .ttl = 0s}),
            ErrorKind::InvalidInput);
  EXPECT_EQ(kind("t", {.capacity = std::nullopt, .indexable_fields = {""}, .ttl = std::nullopt}),
            ErrorKind::InvalidInput);
  EXPECT_EQ(
      kind("t", {.capacity = std::nullopt, .indexable_fields = {"$index"}, .ttl = std::nullopt}),
      ErrorKind::InvalidInput);
  EXPECT_EQ(kind("t",
                 {.capacity = std::nullopt,
                  .indexable_fields = std::vector<std::string>(17, "f"),
                  .ttl = std::nullopt}),
            ErrorKind::InvalidInput);
}

TEST_F(RecordSemanticsTest, PatchesWhatExistsAndLeavesOutTheRest) {
  ASSERT_TRUE(put_session("a", "ann").has_value());
  ASSERT_TRUE(put_session("b", "bob").has_value());

  auto patched = run(broker_.patch(access_patch({"a", "missing", "b"}, 77), soon()));

  ASSERT_TRUE(patched.has_value());
  ASSERT_EQ(patched->records.size(), 2U);
  EXPECT_EQ(patched->records[0].id, "a");
  EXPECT_EQ(patched->records[0].version, 3U);
  EXPECT_EQ(patched->records[1].version, 4U);
  EXPECT_EQ(session("a").user_id(), "ann");
  EXPECT_EQ(session("a").accessed_at().seconds(), 77);
  EXPECT_EQ(patched->records[0], *run(broker_.get({.type = kType, .id = "a"}, soon())));
}

TEST_F(RecordSemanticsTest, PatchesNothingWhenNothingExists) {
  auto patched = run(broker_.patch(access_patch({"missing"}, 77), soon()));

  ASSERT_TRUE(patched.has_value());
  EXPECT_TRUE(patched->records.empty());
  EXPECT_NE(patched->server_version, 0U);
}

TEST_F(RecordSemanticsTest, APatchDoesNotUndoWhatAnotherWriterChangedMeanwhile) {
  ASSERT_TRUE(put_session("a", "ann").has_value());
  hooks_.commits_until_quiet = 3;
  hooks_.before_commit = [&](MemoryStore& store) {
    std::vector<Batch> batches(1);
    batches[0].push_back(
        Write::put({.type = kType, .id = "a"},
                   {.type_url = kType, .bytes = session_bytes("changed meanwhile", 5)}));
    ASSERT_TRUE(store.MemoryStore::commit(std::move(batches), home_.clock.wall()).has_value());
  };

  auto patched = run(broker_.patch(access_patch({"a"}, 77), soon()));

  ASSERT_TRUE(patched.has_value());
  EXPECT_EQ(session("a").user_id(), "changed meanwhile");
  EXPECT_EQ(session("a").accessed_at().seconds(), 77);
}

TEST_F(RecordSemanticsTest, APatchDoesNotBringBackARecordThatIsDeletedMeanwhile) {
  ASSERT_TRUE(put_session("a", "ann").has_value());
  hooks_.commits_until_quiet = 1;
  hooks_.before_commit = [&](MemoryStore& store) {
    std::vector<Batch> batches(1);
    batches[0].push_back(Write::remove({.type = kType, .id = "a"}));
    ASSERT_TRUE(store.MemoryStore::commit(std::move(batches), home_.clock.wall()).has_value());
  };

  auto patched = run(broker_.patch(access_patch({"a"}, 77), soon()));

  ASSERT_TRUE(patched.has_value());
  EXPECT_TRUE(patched->records.empty());
  EXPECT_EQ(log(), "a- ");
}

TEST_F(RecordSemanticsTest, APatchGivesUpOnARecordThatNeverRests) {
  ASSERT_TRUE(put_session("a", "ann").has_value());
  hooks_.commits_until_quiet = 1000;
  hooks_.before_commit = [&](MemoryStore& store) {
    std::vector<Batch> batches(1);
    batches[0].push_back(Write::put({.type = kType, .id = "a"},
                                    {.type_url = kType, .bytes = session_bytes("ann", 5)}));
    ASSERT_TRUE(store.MemoryStore::commit(std::move(batches), home_.clock.wall()).has_value());
  };

  auto patched = run(broker_.patch(access_patch({"a"}, 77), soon()));

  ASSERT_FALSE(patched.has_value());
  EXPECT_EQ(patched.error().kind(), ErrorKind::Conflict);
}

TEST_F(RecordSemanticsTest, LeasesHaveABound) {
  const auto acquire = [&](std::string name, Duration duration) {
    return run(broker_.acquire_lease(std::move(name), "me", duration, soon())).error().kind();
  };

  EXPECT_EQ(acquire("", 1s), ErrorKind::InvalidInput);
  EXPECT_EQ(acquire("job", 0s), ErrorKind::InvalidInput);
  EXPECT_EQ(acquire("job", -1s), ErrorKind::InvalidInput);
  EXPECT_EQ(acquire("job", 25h), ErrorKind::InvalidInput);
}

TEST_F(RecordSemanticsTest, ALeaseFencesPatchesToo) {
  ASSERT_TRUE(put_session("a", "ann").has_value());
  auto first = run(broker_.acquire_lease("job", "me", 10s, soon()));
  ASSERT_TRUE(run(broker_.release_lease("job", "me", soon())).has_value());
  ASSERT_TRUE(run(broker_.acquire_lease("job", "you", 10s, soon())).has_value());
  Patch patch = access_patch({"a"}, 77);
  patch.fence = Fence{.lease = "job", .epoch = first->epoch};

  auto patched = run(broker_.patch(std::move(patch), soon()));

  EXPECT_EQ(patched.error().kind(), ErrorKind::Conflict);
  EXPECT_EQ(session("a").accessed_at().seconds(), 1);
}

TEST_F(RecordSemanticsTest, BeginsAnewWithBuiltInOptionsAndTellsSubscribers) {
  ASSERT_TRUE(put_session("a", "ann").has_value());
  ASSERT_TRUE(set_options("mine", capacity(1)).has_value());
  std::vector<std::uint64_t> resyncs;
  auto subscription = broker_.subscribe(home_.core, [&resyncs](const FeedEvent& event) {
    if (event.kind == FeedEvent::Kind::Resync) {
      resyncs.push_back(event.state.server_version);
    }
  });
  home_.run_ready();

  auto cleared = run(broker_.clear(soon()));
  home_.run_ready();

  ASSERT_TRUE(cleared.has_value());
  EXPECT_NE(cleared->old_server_version, cleared->new_server_version);
  EXPECT_EQ(resyncs,
            (std::vector<std::uint64_t>{cleared->old_server_version, cleared->new_server_version}));
  EXPECT_EQ(*run(broker_.options(soon())), built_in_options());
  EXPECT_TRUE(run(broker_.types(soon()))->empty());
  EXPECT_EQ(put_session("a", "ann")->server_version, cleared->new_server_version);
}

TEST_F(RecordSemanticsTest, AnswersQueriesByTheOptionsOfTheMoment) {
  ASSERT_TRUE(put_session("a", "ann").has_value());
  ASSERT_TRUE(put_session("b", "bob").has_value());
  Query query{.type = kType, .text = "bob", .filter = {}, .offset = 0, .limit = 10};

  auto answer = run(broker_.query(std::move(query), soon()));

  ASSERT_TRUE(answer.has_value());
  ASSERT_EQ(answer->records.size(), 1U);
  EXPECT_EQ(answer->records[0].id, "b");
  EXPECT_EQ(answer->state.latest_version, 2U);
}

}  // namespace
}  // namespace vallum::databroker
