// What every persistent backend must do about its keys.
#include "databroker/store/keys_at_rest.h"

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "databroker/store/postgres_store.h"
#include "databroker/store/sqlite_database.h"
#include "databroker/store/sqlite_store.h"
#include "support/captured_lines.h"
#include "support/postgres/node.h"
#include "support/postgres/server.h"
#include "support/seeded_entropy.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace vallum::databroker {
namespace {

constexpr std::string_view kType = "type.example/Thing";
const WallTime kNow = from_unix_seconds(1'800'000'000);

// Keys that begin with these bytes, the first active, over one shared secret.
crypto::KeyEncryptionKeys keys_of(const std::vector<unsigned char>& firsts) {
  std::vector<Secret> secrets;
  for (const unsigned char first : firsts) {
    secrets.emplace_back(Bytes(32, std::byte{first}));
  }
  return crypto::KeyEncryptionKeys::of(secrets, SecretList(Secret(Bytes(32, std::byte{99}))));
}

Write put(const std::string& id, std::string bytes) {
  return Write::put({.type = std::string(kType), .id = id},
                    {.type_url = std::string(kType), .bytes = std::move(bytes)});
}

// One place where a store is kept, and what an attacker or a backup can do to it.
class Place {
 public:
  Place() = default;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  virtual ~Place() = default;

  virtual Result<std::unique_ptr<Store>> open(const crypto::KeyEncryptionKeys& keys,
                                              Entropy& entropy) = 0;
  // The wrapped keys in hexadecimal, while the store is not open.
  virtual std::string keys_note() = 0;
  virtual void set_keys_note(const std::string& hex) = 0;
};

class SqlitePlace final : public Place {
 public:
  Result<std::unique_ptr<Store>> open(const crypto::KeyEncryptionKeys& keys,
                                      Entropy& entropy) override {
    return SqliteStore::open({.directory = directory_.path()}, keys, entropy);
  }
  std::string keys_note() override {
    return *database().ask("SELECT hex(value) FROM notes WHERE name = 'keys'");
  }
  void set_keys_note(const std::string& hex) override {
    const std::string sql = "UPDATE notes SET value = x'" + hex + "' WHERE name = 'keys'";
    EXPECT_TRUE(database().execute(sql.c_str()).has_value());
  }

 private:
  SqliteDatabase database() { return *SqliteDatabase::open(directory_.file("vallum.db")); }

  testing::TempDirectory directory_;
};

class PostgresPlace final : public Place {
 public:
  Result<std::unique_ptr<Store>> open(const crypto::KeyEncryptionKeys& keys,
                                      Entropy& entropy) override {
    const Secret address(server_.by_socket(database_));
    return PostgresStore::open(
        {.address = address, .keys = keys, .clock = clock_, .entropy = entropy, .log = log_});
  }
  std::string keys_note() override {
    return testing::RawSession(server_.by_socket(database_))
        .ask("SELECT encode(value, 'hex') FROM vallum.notes WHERE name = 'keys'")
        .front();
  }
  void set_keys_note(const std::string& hex) override {
    testing::RawSession(server_.by_socket(database_))
        .execute("UPDATE vallum.notes SET value = decode('" + hex +
                 "', 'hex') WHERE name = 'keys'");
  }

 private:
  testing::PostgresServer& server_ = testing::PostgresServer::shared();
  std::string database_ = server_.create_database();
  testing::VirtualClock clock_;
  testing::CapturedLines lines_;
  telemetry::LogFilter filter_{telemetry::LogLevel::Info};
  telemetry::Log log_{lines_, clock_, filter_, "databroker"};
};

struct PlaceKind {
  const char* name;
  std::unique_ptr<Place> (*make)();
};

class KeysAtRestTest : public ::testing::TestWithParam<PlaceKind> {
 protected:
  static constexpr int kRecords = 1200;  // more than two steps of a rotation

  std::unique_ptr<Store> open(const std::vector<unsigned char>& firsts = {1}) {
    auto store = place_->open(keys_of(firsts), entropy_);
    EXPECT_TRUE(store.has_value()) << store.error().message();
    return store ? *std::move(store) : nullptr;
  }
  Error refusal(const std::vector<unsigned char>& firsts) {
    auto store = place_->open(keys_of(firsts), entropy_);
    EXPECT_FALSE(store.has_value());
    return store ? Error(ErrorKind::Internal, "it opened") : store.error();
  }
  // A step beyond those that are enough is a mistake.
  static void finish(KeysAtRest& keys) {
    for (int step = 0; step < 20; ++step) {
      const auto done = keys.reseal();
      ASSERT_TRUE(done.has_value()) << done.error().message();
      if (done->is_done) {
        return;
      }
    }
    FAIL() << "the rotation does not end";
  }
  static void fill(Store& store) {
    std::vector<Batch> batches(1);
    for (int i = 0; i < kRecords; ++i) {
      batches[0].push_back(put("r" + std::to_string(i), "value " + std::to_string(i)));
    }
    batches[0].push_back(Write::remove({.type = std::string(kType), .id = "r0"}));
    ASSERT_TRUE(store.commit(std::move(batches), kNow).has_value());
    ASSERT_TRUE(
        store.set_options(kType, {.capacity = 5000, .indexable_fields = {}, .ttl = std::nullopt})
            .has_value());
    ASSERT_TRUE(store.acquire_lease("l", "holder", std::chrono::hours(1), kNow).has_value());
  }
  static std::vector<Record> all(Store& store) {
    auto records = store.changes({.after_version = 0, .records_max = 10000});
    EXPECT_TRUE(records.has_value()) << records.error().message();
    return records ? *std::move(records) : std::vector<Record>();
  }
  static KeyFacts facts(Store& store) {
    auto facts = store.keys_at_rest()->facts();
    EXPECT_TRUE(facts.has_value()) << facts.error().message();
    return facts ? *std::move(facts) : KeyFacts();
  }

  testing::SeededEntropy entropy_{5};
  std::unique_ptr<Place> place_ = GetParam().make();
};

TEST_P(KeysAtRestTest, ARotationSealsEveryRowAnewAndChangesNothingElse) {
  auto store = open();
  fill(*store);
  const StoreState state = store->state();
  const std::vector<Record> before = all(*store);
  const std::uint64_t old_key = facts(*store).data_keys.front().id;

  EXPECT_TRUE(*store->keys_at_rest()->begin_rotation(kNow));
  const KeyFacts during = facts(*store);
  finish(*store->keys_at_rest());

  ASSERT_EQ(during.data_keys.size(), 2U);
  EXPECT_TRUE(during.data_keys[0].seals);
  EXPECT_EQ(during.data_keys[0].made_at, kNow);
  EXPECT_EQ(during.data_keys[0].rows, 0U);
  EXPECT_EQ(during.data_keys[1].id, old_key);
  EXPECT_EQ(during.data_keys[1].rows, static_cast<std::uint64_t>(kRecords));
  const KeyFacts after = facts(*store);
  ASSERT_EQ(after.data_keys.size(), 1U);
  EXPECT_NE(after.data_keys[0].id, old_key);
  EXPECT_EQ(after.data_keys[0].rows, static_cast<std::uint64_t>(kRecords));
  EXPECT_EQ(after.rows_without_key, 0U);
  EXPECT_EQ(store->state(), state);
  EXPECT_EQ(all(*store), before);

  store.reset();
  store = open();
  EXPECT_EQ(all(*store), before);
  EXPECT_EQ(store->options()->size(), 1U);
  EXPECT_EQ(store->acquire_lease("l", "other", std::chrono::hours(1), kNow).error().kind(),
            ErrorKind::Conflict);
}

TEST_P(KeysAtRestTest, AStoreInUseGoesOnWhileItsKeysAreRotated) {
  auto store = open();
  fill(*store);
  ASSERT_TRUE(*store->keys_at_rest()->begin_rotation(kNow));
  int writes = 0;
  for (bool is_done = false; !is_done; ++writes) {
    const auto step = store->keys_at_rest()->reseal();
    ASSERT_TRUE(step.has_value()) << step.error().message();
    is_done = step->is_done;
    std::vector<Batch> batches(1);
    batches[0].push_back(put("r5", "written " + std::to_string(writes)));
    ASSERT_TRUE(store->commit(std::move(batches), kNow).has_value());
    EXPECT_EQ(store->get({.type = std::string(kType), .id = "r7"})->value.bytes, "value 7");
  }

  EXPECT_GE(writes, 4);
  EXPECT_EQ(store->get({.type = std::string(kType), .id = "r5"})->value.bytes,
            "written " + std::to_string(writes - 1));
  EXPECT_EQ(facts(*store).data_keys.size(), 1U);
}

// Covers DBR-27. A rotation that ends after any of its steps loses nothing.
TEST_P(KeysAtRestTest, ARotationThatWasKilledIsGoneOnWith) {
  auto store = open();
  fill(*store);
  const std::vector<Record> before = all(*store);
  store.reset();
  for (int steps = 0; steps < 3; ++steps) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto own = place_->open(keys_of({1}), entropy_);
      if (own && (*own)->keys_at_rest()->begin_rotation(kNow)) {
        for (int i = 0; i < steps; ++i) {
          static_cast<void>((*own)->keys_at_rest()->reseal());
        }
      }
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    testing::SeededEntropy other(static_cast<std::uint64_t>(steps) + 100);
    auto again = place_->open(keys_of({1}), other);
    ASSERT_TRUE(again.has_value()) << again.error().message();
    EXPECT_EQ(all(**again), before) << steps;
    EXPECT_TRUE(facts(**again).is_rotating()) << steps;
    EXPECT_FALSE(*(*again)->keys_at_rest()->begin_rotation(kNow));
  }
  store = open();
  finish(*store->keys_at_rest());
  EXPECT_FALSE(facts(*store).is_rotating());
  EXPECT_EQ(all(*store), before);
}

// Covers DBR-27.
TEST_P(KeysAtRestTest, RefusesToStartWithoutTheKeyAndNamesItAndWritesNothing) {
  open({1});
  const std::string note = place_->keys_note();

  const Error error = refusal({2, 3});

  EXPECT_EQ(error.kind(), ErrorKind::InvalidInput);
  EXPECT_TRUE(error.message().contains(crypto::key_id_text(keys_of({1}).active_id())))
      << error.message();
  EXPECT_TRUE(error.message().contains("databroker_encryption_keys")) << error.message();
  EXPECT_TRUE(error.message().contains("vallum keys rewrap")) << error.message();
  EXPECT_EQ(place_->keys_note(), note);
  EXPECT_NE(open({2, 1}), nullptr);
}

TEST_P(KeysAtRestTest, ANewKeyEncryptionKeyTakesOverByRewrapping) {
  auto store = open({1});
  fill(*store);
  const std::vector<Record> before = all(*store);
  store.reset();
  store = open({2, 1});
  EXPECT_EQ(facts(*store).wrapped_by, keys_of({1}).active_id());
  EXPECT_EQ(facts(*store).active, keys_of({2}).active_id());

  EXPECT_TRUE(*store->keys_at_rest()->rewrap());

  EXPECT_EQ(facts(*store).wrapped_by, keys_of({2}).active_id());
  EXPECT_FALSE(*store->keys_at_rest()->rewrap());
  store.reset();
  EXPECT_EQ(all(*open({2})), before);
  EXPECT_TRUE(refusal({1}).message().contains(crypto::key_id_text(keys_of({2}).active_id())));
}

TEST_P(KeysAtRestTest, ChangesFromTheSharedSecretToConfiguredKeys) {
  open({});
  EXPECT_TRUE(*open({1})->keys_at_rest()->rewrap());
  EXPECT_NE(open({1}), nullptr);
  EXPECT_EQ(refusal({}).kind(), ErrorKind::InvalidInput);
}

// Covers DBR-26.
TEST_P(KeysAtRestTest, AFlippedByteOfTheWrappedKeysIsNoticedAndNamed) {
  open();
  const std::string note = place_->keys_note();
  for (std::size_t at = 8; at < note.size(); at += 14) {
    std::string altered = note;
    altered[at] = altered[at] == '0' ? '1' : '0';
    place_->set_keys_note(altered);
    const Error error = refusal({1});
    EXPECT_EQ(error.kind(), ErrorKind::InvalidInput) << at;
    EXPECT_TRUE(error.message().contains("wrapped data keys (note 'keys') were altered"))
        << at << error.message();
  }
  place_->set_keys_note(note);
  EXPECT_NE(open(), nullptr);
}

// Covers DBR-26.
TEST_P(KeysAtRestTest, TheKeysOfAnotherStoreAndThoseBeforeARotationAreRefused) {
  auto store = open();
  fill(*store);
  store.reset();
  const std::string first = place_->keys_note();
  const auto other = GetParam().make();
  ASSERT_TRUE(other->open(keys_of({1}), entropy_).has_value());

  place_->set_keys_note(other->keys_note());
  EXPECT_TRUE(refusal({1}).message().contains("another store"));

  place_->set_keys_note(first);
  store = open();
  ASSERT_TRUE(*store->keys_at_rest()->begin_rotation(kNow));
  store.reset();
  const std::string during = place_->keys_note();
  place_->set_keys_note(first);
  EXPECT_EQ(refusal({1}).kind(), ErrorKind::Internal);
  place_->set_keys_note(during);
  store = open();
  finish(*store->keys_at_rest());
  store.reset();
  place_->set_keys_note(during);  // the retired key once more
  EXPECT_EQ(refusal({1}).kind(), ErrorKind::Internal);
}

TEST_P(KeysAtRestTest, NoErrorOrFactShowsAKey) {
  auto store = open({7});
  const std::string key_hex = to_hex(Bytes(8, std::byte{7}));
  store.reset();
  const Error error = refusal({8});
  EXPECT_FALSE(error.message().contains(key_hex));
  EXPECT_FALSE(error.message().contains(to_hex(Bytes(8, std::byte{8}))));
  EXPECT_FALSE(place_->keys_note().contains(key_hex));
}

INSTANTIATE_TEST_SUITE_P(Backends,
                         KeysAtRestTest,
                         ::testing::Values(PlaceKind{"Sqlite",
                                                     []() -> std::unique_ptr<Place> {
                                                       return std::make_unique<SqlitePlace>();
                                                     }},
                                           PlaceKind{"Postgres",
                                                     []() -> std::unique_ptr<Place> {
                                                       return std::make_unique<PostgresPlace>();
                                                     }}),
                         [](const auto& param) { return std::string(param.param.name); });

// Other nodes of a database go on while one rotates, and learn the keys as they need them.
TEST(KeysAtRestNodesTest, OtherNodesFollowARotation) {
  testing::PostgresServer& server = testing::PostgresServer::shared();
  const std::string address = server.by_socket(server.create_database());
  testing::PostgresNode one(address, 1);
  testing::PostgresNode two(address, 2);
  one.open();
  two.open();
  one.must_commit(testing::PostgresNode::put("a", "1"));
  two.must_commit(testing::PostgresNode::put("b", "2"));
  KeysAtRest& keys = *one.store().keys_at_rest();

  ASSERT_TRUE(*keys.begin_rotation(kNow));
  one.must_commit(testing::PostgresNode::put("c", "3"));
  EXPECT_EQ(two.store().get(testing::PostgresNode::key("c"))->value.bytes, "3");
  two.must_commit(testing::PostgresNode::put("d", "4"));
  while (!keys.reseal()->is_done) {
  }

  for (const char* id : {"a", "b", "c", "d"}) {
    EXPECT_TRUE(two.store().get(testing::PostgresNode::key(id)).has_value()) << id;
  }
  two.must_commit(testing::PostgresNode::put("a", "5"));
  EXPECT_EQ(one.store().get(testing::PostgresNode::key("a"))->value.bytes, "5");
  EXPECT_EQ(two.store().keys_at_rest()->facts()->data_keys.size(), 1U);
}

}  // namespace
}  // namespace vallum::databroker
