// What is particular to the file: keys, damage, foreign files.
#include "databroker/store/sqlite_store.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <google/protobuf/struct.pb.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "support/seeded_entropy.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kType = "type.example/Thing";

RecordKey key(std::string id) {
  return {.type = kType, .id = std::move(id)};
}
Write put(std::string id, std::string bytes) {
  return Write::put(key(std::move(id)), {.type_url = kType, .bytes = std::move(bytes)});
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
}

// The file as anybody with access to the disk may change it.
class RawFile {
 public:
  explicit RawFile(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &database_), SQLITE_OK);
  }
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;
  ~RawFile() { sqlite3_close(database_); }

  void execute(const std::string& sql) {
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
  }
  std::string ask(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK);
    std::string answer;
    if (sqlite3_step(statement) == SQLITE_ROW) {
      const auto* data = static_cast<const char*>(sqlite3_column_blob(statement, 0));
      answer.assign(data, static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
    }
    sqlite3_finalize(statement);
    return answer;
  }

 private:
  sqlite3* database_ = nullptr;
};

std::string hex_literal(std::string_view bytes) {
  return "x'" + to_hex(as_bytes(bytes)) + "'";
}

TypeOptions indexed_by(std::string field) {
  return {.capacity = std::nullopt, .indexable_fields = {std::move(field)}, .ttl = std::nullopt};
}

class SqliteStoreTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<SqliteStore>> try_open(std::string_view secret = kSecret) {
    return SqliteStore::open({.directory = directory_.path()},
                             crypto::KeyEncryptionKeys::derive(Secret(secret)),
                             entropy_);
  }
  std::unique_ptr<SqliteStore> open() {
    auto store = try_open();
    EXPECT_TRUE(store.has_value()) << store.error().message();
    return store ? *std::move(store) : nullptr;
  }
  Result<std::vector<BatchOutcome>> commit(SqliteStore& store, Write write) {
    std::vector<Batch> batches(1);
    batches[0].push_back(std::move(write));
    return store.commit(std::move(batches), clock_.wall());
  }
  void must_commit(SqliteStore& store, Write write) {
    auto outcomes = commit(store, std::move(write));
    ASSERT_TRUE(outcomes.has_value()) << outcomes.error().message();
    ASSERT_TRUE(outcomes->front().has_value());
  }
  // The error of an open that must fail.
  Error refusal(std::string_view secret = kSecret) {
    auto store = try_open(secret);
    EXPECT_FALSE(store.has_value());
    return store ? Error(ErrorKind::Internal, "it opened") : store.error();
  }
  std::string db() const { return directory_.file("vallum.db"); }

  static constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";

  testing::TempDirectory directory_;
  testing::SeededEntropy entropy_{3};
  testing::VirtualClock clock_;
};

TEST_F(SqliteStoreTest, KeepsRecordsTombstonesAndVersionsOverARestart) {
  auto store = open();
  must_commit(*store, put("a", "1"));
  must_commit(*store, put("b", "2"));
  must_commit(*store, Write::remove(key("a")));
  const StoreState before = store->state();
  const std::vector<Record> changes_before = *store->changes({});

  store.reset();
  store = open();

  EXPECT_EQ(store->state(), before);
  EXPECT_EQ(*store->changes({}), changes_before);
  EXPECT_EQ(store->get(key("b"))->value.bytes, "2");
  EXPECT_EQ(store->get(key("a")).error().kind(), ErrorKind::NotFound);
}

// Covers DBR-25.
TEST_F(SqliteStoreTest, LeavesNothingReadableInItsFiles) {
  auto store = open();
  const std::string planted[] = {
      "planted-session-id", "alice@corp.example", "planted-refresh-token"};
  must_commit(*store, put(planted[0], planted[1] + " " + planted[2]));
  must_commit(*store, put(planted[0], planted[1] + " " + planted[2] + " again"));
  must_commit(*store, Write::remove(key(planted[0])));
  must_commit(*store, put("other", planted[2]));
  google::protobuf::Struct indexed;
  (*indexed.mutable_fields())["mail"].set_string_value(planted[1]);
  ASSERT_TRUE(store->set_options(kType, indexed_by("mail")).has_value());
  must_commit(*store,
              Write::put(key("indexed"),
                         {.type_url = "type.googleapis.com/google.protobuf.Struct",
                          .bytes = indexed.SerializeAsString()}));
  ASSERT_TRUE(store->acquire_lease(planted[0], planted[2], std::chrono::hours(1), clock_.wall())
                  .has_value());

  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) {
    const std::string content = read_file(entry.path());
    ++files;
    for (const std::string& secret : planted) {
      EXPECT_FALSE(content.contains(secret)) << entry.path() << " holds " << secret;
    }
    EXPECT_FALSE(content.contains("type.example")) << entry.path();
    EXPECT_FALSE(content.contains("mail")) << entry.path();
    EXPECT_FALSE(content.contains(kSecret)) << entry.path();
  }
  EXPECT_GE(files, 3U);  // the file, its write-ahead log, the lock
}

TEST_F(SqliteStoreTest, KeepsItsFilesToItsOwner) {
  auto store = open();
  must_commit(*store, put("a", "1"));
  store.reset();
  ASSERT_EQ(::chmod(db().c_str(), 0644), 0);

  store = open();
  must_commit(*store, put("a", "2"));

  for (const auto& entry : fs::directory_iterator(directory_.path())) {
    EXPECT_EQ(entry.status().permissions() & fs::perms::all,
              fs::perms::owner_read | fs::perms::owner_write)
        << entry.path();
  }
}

// Covers DBR-27.
TEST_F(SqliteStoreTest, RefusesAnotherSecretAndChangesNothing) {
  must_commit(*open(), put("a", "1"));
  const std::string before = read_file(db());

  const Error error = refusal("another secret, of 32 characters");

  EXPECT_EQ(error.kind(), ErrorKind::InvalidInput);
  EXPECT_TRUE(error.message().contains("vallum.db")) << error.message();
  EXPECT_TRUE(error.message().contains("shared_secret")) << error.message();
  EXPECT_EQ(read_file(db()), before);
  EXPECT_EQ(open()->get(key("a"))->value.bytes, "1");
}

TEST_F(SqliteStoreTest, RefusesAFileOfANewerVersion) {
  must_commit(*open(), put("a", "1"));
  RawFile(db()).execute("PRAGMA user_version = 99");

  const Error error = refusal();

  EXPECT_EQ(error.kind(), ErrorKind::InvalidInput);
  EXPECT_TRUE(error.message().contains("newer version of Vallum")) << error.message();
}

TEST_F(SqliteStoreTest, LeavesForeignFilesAsTheyAre) {
  write_file(directory_.file("notes.txt"), "mine");
  write_file(db(),
             "not a database at all, but longer than the header of one: " + std::string(100, '.'));
  const std::string text = read_file(db());

  const Error not_a_database = refusal();
  EXPECT_EQ(read_file(db()), text);

  fs::remove(db());
  RawFile(db()).execute("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  const std::string other = read_file(db());

  const Error another_program = refusal();
  EXPECT_EQ(read_file(db()), other);

  EXPECT_EQ(not_a_database.kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(another_program.kind(), ErrorKind::InvalidInput);
  EXPECT_TRUE(another_program.message().contains("not a Vallum store"));
  EXPECT_EQ(read_file(directory_.file("notes.txt")), "mine");
}

TEST_F(SqliteStoreTest, RefusesASecondOwner) {
  auto store = open();

  const Error error = refusal();

  EXPECT_EQ(error.kind(), ErrorKind::Unavailable);
  EXPECT_TRUE(error.message().contains("another Vallum process")) << error.message();
  must_commit(*store, put("a", "1"));
}

TEST_F(SqliteStoreTest, MakesItsDirectoryAndNamesOneItCannotMake) {
  auto made = SqliteStore::open({.directory = directory_.file("new/state")},
                                crypto::KeyEncryptionKeys::derive(Secret(kSecret)),
                                entropy_);
  write_file(directory_.file("file"), "");
  auto blocked = SqliteStore::open({.directory = directory_.file("file/state")},
                                   crypto::KeyEncryptionKeys::derive(Secret(kSecret)),
                                   entropy_);

  EXPECT_TRUE(made.has_value());
  ASSERT_FALSE(blocked.has_value());
  EXPECT_TRUE(blocked.error().message().contains("file/state")) << blocked.error().message();
}

TEST_F(SqliteStoreTest, BeginsAgainWhenACrashCutItsMakingShort) {
  write_file(directory_.file("vallum.db.new"), "half a file");

  must_commit(*open(), put("a", "1"));

  EXPECT_FALSE(fs::exists(directory_.file("vallum.db.new")));
}

TEST_F(SqliteStoreTest, NoticesEveryFlippedByteOfAValue) {
  must_commit(*open(), put("a", "the value"));
  const std::string value = RawFile(db()).ask("SELECT value FROM records");
  ASSERT_GT(value.size(), 60U);

  for (std::size_t at = 0; at < value.size(); ++at) {
    std::string flipped = value;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x01);
    RawFile(db()).execute("UPDATE records SET value = " + hex_literal(flipped));

    const auto record = open()->get(key("a"));

    ASSERT_FALSE(record.has_value()) << "byte " << at;
    EXPECT_EQ(record.error().kind(), ErrorKind::Internal);
    EXPECT_TRUE(record.error().message().contains("record 1")) << record.error().message();
  }
  RawFile(db()).execute("UPDATE records SET value = " + hex_literal(value));
  EXPECT_EQ(open()->get(key("a"))->value.bytes, "the value");
}

// Covers DBR-26.
TEST_F(SqliteStoreTest, NoticesSwappedValues) {
  {
    auto store = open();
    must_commit(*store, put("a", "alice"));
    must_commit(*store, put("b", "bob"));
  }
  {
    RawFile raw(db());
    const std::string first = raw.ask("SELECT value FROM records WHERE version = 1");
    const std::string second = raw.ask("SELECT value FROM records WHERE version = 2");
    raw.execute("UPDATE records SET value = " + hex_literal(second) + " WHERE version = 1");
    raw.execute("UPDATE records SET value = " + hex_literal(first) + " WHERE version = 2");
  }

  auto store = open();

  EXPECT_EQ(store->get(key("a")).error().kind(), ErrorKind::Internal);
  EXPECT_EQ(store->get(key("b")).error().kind(), ErrorKind::Internal);
  EXPECT_EQ(store->list(kType, {}).error().kind(), ErrorKind::Internal);
  EXPECT_EQ(store->changes({}).error().kind(), ErrorKind::Internal);
}

struct Tampering {
  const char* name;
  const char* sql;
};

class SqliteTamperingTest : public SqliteStoreTest,
                            public ::testing::WithParamInterface<Tampering> {};

TEST_P(SqliteTamperingTest, IsNoticedAtTheNextStart) {
  {
    auto store = open();
    must_commit(*store, put("a", "1"));
    must_commit(*store, put("b", "1"));
    must_commit(*store, Write::remove(key("b")));
    // A value nobody can look into is indexed all the same.
    ASSERT_TRUE(store->set_options(kType, indexed_by("f")).has_value());
    ASSERT_TRUE(
        store->acquire_lease("job", "me", std::chrono::hours(1), clock_.wall()).has_value());
  }
  RawFile(db()).execute(GetParam().sql);

  const Error error = refusal();

  EXPECT_EQ(error.kind(), ErrorKind::Internal);
  EXPECT_TRUE(error.message().contains("vallum.db")) << error.message();
}

INSTANTIATE_TEST_SUITE_P(
    OfRows,
    SqliteTamperingTest,
    ::testing::Values(
        Tampering{"MissingRow", "DELETE FROM records WHERE version = 1"},
        Tampering{"RenumberedRow", "UPDATE records SET version = 77 WHERE version = 1"},
        Tampering{"TombstoneMadeLive", "UPDATE records SET deleted_at = NULL WHERE version = 3"},
        Tampering{"LiveMadeTombstone", "UPDATE records SET deleted_at = 5 WHERE version = 1"},
        Tampering{"OtherId", "UPDATE records SET id = randomblob(32) WHERE version = 1"},
        Tampering{"ShortId", "UPDATE records SET id = x'00' WHERE version = 1"},
        Tampering{"OtherType", "UPDATE records SET type = randomblob(16) WHERE version = 1"},
        Tampering{"AddedRow",
                  "INSERT INTO records SELECT 50, randomblob(32), type, NULL, value FROM records"
                  " WHERE version = 1"},
        Tampering{"AlteredHead", "UPDATE notes SET value = randomblob(88) WHERE name = 'head'"},
        Tampering{"MissingIndexRow", "DELETE FROM index_entries"},
        Tampering{"AddedIndexRow", "INSERT INTO index_entries VALUES (randomblob(32), 1)"},
        Tampering{"MovedIndexRow", "UPDATE index_entries SET version = 3"},
        Tampering{"ShortIndexRow", "UPDATE index_entries SET entry = x'00'"},
        Tampering{"MissingOptions", "DELETE FROM notes WHERE name = 'options'"},
        Tampering{"AlteredLeases", "UPDATE notes SET value = randomblob(99) WHERE name = 'leases'"},
        Tampering{"MissingHead", "DELETE FROM notes WHERE name = 'head'"}),
    [](const auto& tampering) { return std::string(tampering.param.name); });

TEST_F(SqliteStoreTest, KeepsOptionsIndexAndLeasesOverARestart) {
  auto store = open();
  must_commit(*store, put("a", "1"));
  const TypeOptions options{.capacity = 5, .indexable_fields = {"f"}, .ttl = std::nullopt};
  ASSERT_TRUE(store->set_options(kType, options).has_value());
  const auto lease = store->acquire_lease("job", "me", std::chrono::minutes(1), clock_.wall());
  ASSERT_TRUE(lease.has_value());

  store.reset();
  store = open();

  EXPECT_EQ(store->options(), (OptionsByType{{std::string(kType), options}}));
  EXPECT_EQ(store->find(kType, probes_for("f", "x"), {})->size(), 1U);
  EXPECT_EQ(store->count(kType), 1U);
  EXPECT_EQ(store->renew_lease("job", "me", std::chrono::minutes(1), clock_.wall()), *lease);
  must_commit(*store, Write::remove(key("a")));
  EXPECT_EQ(store->find(kType, probes_for("f", "x"), {})->size(), 0U);

  store.reset();
  EXPECT_EQ(open()->count(kType), 0U);
}

// A lease that was given away must not come back to its old holder by an old note.
TEST_F(SqliteStoreTest, NoticesALeasePutBack) {
  ASSERT_TRUE(
      open()->acquire_lease("job", "old", std::chrono::hours(9), clock_.wall()).has_value());
  RawFile(db()).execute("CREATE TABLE kept AS SELECT * FROM notes WHERE name = 'leases'");
  {
    auto store = open();
    ASSERT_TRUE(store->release_lease("job", "old").has_value());
    ASSERT_TRUE(
        store->acquire_lease("job", "new", std::chrono::hours(9), clock_.wall()).has_value());
  }
  RawFile(db()).execute("UPDATE notes SET value = (SELECT value FROM kept) WHERE name = 'leases'");

  EXPECT_EQ(refusal().kind(), ErrorKind::Internal);
}

TEST_F(SqliteStoreTest, BringsAFileOfTheFirstSchemaUpToDate) {
  must_commit(*open(), put("a", "1"));
  RawFile(db()).execute(
      "DROP TABLE index_entries; DELETE FROM notes WHERE name IN ('options', 'leases');"
      "PRAGMA user_version = 1");

  auto store = open();

  EXPECT_EQ(store->get(key("a"))->value.bytes, "1");
  EXPECT_TRUE(store->set_options(kType, indexed_by("f")).has_value());
  EXPECT_EQ(store->find(kType, probes_for("f", "x"), {})->size(), 1U);
}

TEST_F(SqliteStoreTest, NoticesADeletedSessionPutBack) {
  must_commit(*open(), put("session", "1"));
  RawFile(db()).execute("CREATE TABLE kept AS SELECT * FROM records");
  must_commit(*open(), Write::remove(key("session")));
  RawFile(db()).execute("DELETE FROM records; INSERT INTO records SELECT * FROM kept");

  const Error error = refusal();

  EXPECT_TRUE(error.message().contains("earlier state")) << error.message();
}

TEST_F(SqliteStoreTest, NamesADamagedFile) {
  {
    auto store = open();
    for (int i = 0; i < 50; ++i) {
      must_commit(*store, put("id" + std::to_string(i), std::string(500, 'x')));
    }
  }
  std::string content = read_file(db());
  for (std::size_t at = 4096; at < content.size(); at += 7) {
    content[at] = 'Z';
  }
  write_file(db(), content);

  EXPECT_EQ(refusal().kind(), ErrorKind::Internal);
}

}  // namespace
}  // namespace vallum::databroker
