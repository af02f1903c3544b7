// What is particular to a shared database, seen by one node: keys, damage, foreign schemas.
#include "databroker/store/postgres_store.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/strings.h"
#include "support/postgres/node.h"
#include "support/postgres/postgres_test.h"
#include "support/postgres/server.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using testing::PostgresNode;
using testing::PostgresServer;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class PostgresStoreTest : public testing::PostgresTest {
 protected:
  // The error of an open that must fail.
  Error refusal(std::string_view secret = PostgresNode::kSecret) {
    auto store = node_.try_open(secret);
    EXPECT_FALSE(store.has_value());
    return store ? Error(ErrorKind::Internal, "it opened") : store.error();
  }
  // Everything in every table of the schema, as text.
  std::vector<std::string> dump() {
    std::vector<std::string> rows;
    for (const std::string& table :
         raw_.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'vallum' ORDER BY 1")) {
      const std::string name = "vallum." + table;
      for (std::string& row : raw_.ask("SELECT t::text FROM " + name + " t ORDER BY 1")) {
        rows.push_back(std::move(row));
      }
    }
    return rows;
  }

  PostgresNode node_{address(), 3};
};

TEST_F(PostgresStoreTest, KeepsRecordsTombstonesAndVersionsOverARestart) {
  node_.open();
  node_.must_commit(PostgresNode::put("a", "1"));
  node_.must_commit(PostgresNode::put("b", "2"));
  node_.must_commit(PostgresNode::remove("a"));
  const StoreState before = node_.store().state();
  const std::vector<Record> changes_before = *node_.store().changes({});

  node_.open();

  EXPECT_EQ(node_.store().state(), before);
  EXPECT_EQ(*node_.store().changes({}), changes_before);
  EXPECT_EQ(node_.read("b"), "2");
  EXPECT_EQ(node_.read("a"), "NotFound");
}

// Values are sent while others are still sealed: what a later batch of the same commit says of a
// record that is on its way is what counts, and a batch that is refused leaves the others alone.
TEST_F(PostgresStoreTest, WritesARecordSeveralTimesInOneCommitOfManyParts) {
  const std::string big(40'000, 'b');  // a part each
  Write refused = PostgresNode::put("refused", big);
  refused.expected_version = 77;
  node_.open();
  node_.must_commit(PostgresNode::put("known", "before"));
  std::vector<Batch> batches;
  const auto add = [&batches](Write write) { batches.emplace_back().push_back(std::move(write)); };
  add(PostgresNode::put("known", big + "1"));
  add(PostgresNode::put("new", big + "1"));
  add(PostgresNode::put("gone", big));
  add(std::move(refused));
  add(PostgresNode::put("new", big + "2"));
  add(PostgresNode::put("small", "1"));
  add(PostgresNode::put("small", "2"));  // in one part with the one before
  add(PostgresNode::remove("gone"));
  add(PostgresNode::put("known", big + "2"));

  const auto outcomes = node_.store().commit(std::move(batches), node_.clock.wall());
  ASSERT_TRUE(outcomes.has_value()) << outcomes.error().message();
  EXPECT_FALSE((*outcomes)[3].has_value());
  EXPECT_EQ(std::ranges::count_if(*outcomes, [](const auto& one) { return one.has_value(); }), 8);
  const std::vector<Record> changes = *node_.store().changes({});

  node_.open();  // compares every row with the sealed sum

  EXPECT_EQ(*node_.store().changes({}), changes);
  EXPECT_EQ(changes.size(), 4U);
  EXPECT_EQ(node_.read("known"), big + "2");
  EXPECT_EQ(node_.read("new"), big + "2");
  EXPECT_EQ(node_.read("small"), "2");
  EXPECT_EQ(node_.read("gone"), "NotFound");
  EXPECT_EQ(node_.read("refused"), "NotFound");
}

// Covers DBR-25.
TEST_F(PostgresStoreTest, LeavesNothingReadableInTheDatabase) {
  node_.open();
  const std::string planted[] = {"planted-session-id",
                                 "alice@corp.example",
                                 "planted-refresh-token",
                                 std::string(PostgresNode::kSecret),
                                 "type.example",
                                 "planted-lease-holder",
                                 "planted-indexed-value"};
  ASSERT_TRUE(
      node_.store()
          .set_options(
              PostgresNode::kType,
              {.capacity = std::nullopt, .indexable_fields = {planted[2]}, .ttl = std::nullopt})
          .has_value());
  ASSERT_TRUE(
      node_.store().acquire_lease(planted[0], planted[5], 30s, node_.clock.wall()).has_value());
  node_.must_commit(
      PostgresNode::put_json("indexed", R"({"planted-refresh-token": "planted-indexed-value"})"));
  node_.must_commit(PostgresNode::put(planted[0], planted[1] + " " + planted[2]));
  node_.must_commit(PostgresNode::put(planted[0], planted[1] + " " + planted[2] + " again"));
  node_.must_commit(PostgresNode::remove(planted[0]));
  node_.must_commit(PostgresNode::put("other", planted[2] + std::string(9000, '.')));
  raw_.execute("CHECKPOINT");

  const std::vector<std::string> rows = dump();
  EXPECT_GE(rows.size(), 7U);  // two records, four notes, one writer
  for (const std::string& secret : planted) {
    // bytea is shown in hexadecimal
    const std::string hex = to_hex(as_bytes(secret));
    for (const std::string& row : rows) {
      EXPECT_FALSE(row.contains(secret) || row.contains(hex)) << secret << " in " << row;
    }
  }
  const std::string own =
      raw_.ask("SELECT pg_relation_filepath('vallum.records')").front();  // base/DATABASE/FILE
  std::size_t files = 0;
  for (const std::string& folder : {fs::path(own).parent_path().string(), std::string("pg_wal")}) {
    for (const auto& entry : fs::directory_iterator(fs::path(server_.data_directory()) / folder)) {
      const std::string content = entry.is_regular_file() ? read_file(entry.path()) : "";
      ++files;
      for (const std::string& secret : planted) {
        EXPECT_FALSE(content.contains(secret)) << entry.path() << " holds " << secret;
      }
    }
  }
  EXPECT_GT(files, 200U);
}

// Covers DBR-27.
TEST_F(PostgresStoreTest, RefusesAnotherDeploymentAndChangesNothing) {
  node_.open();
  node_.must_commit(PostgresNode::put("a", "1"));
  const std::vector<std::string> before = dump();

  const Error error = refusal("another secret, of 32 characters");

  EXPECT_EQ(error.kind(), ErrorKind::InvalidInput);
  EXPECT_TRUE(error.message().contains("/" + database_)) << error.message();
  EXPECT_TRUE(error.message().contains("shared_secret")) << error.message();
  EXPECT_EQ(dump(), before);
  node_.open();
  EXPECT_EQ(node_.read("a"), "1");
}

TEST_F(PostgresStoreTest, RefusesADataSetWithoutItsKeys) {
  node_.open();
  node_.must_commit(PostgresNode::put("a", "1"));
  raw_.execute("DELETE FROM vallum.notes WHERE name = 'keys'");
  const std::vector<std::string> before = dump();

  const Error error = refusal();

  EXPECT_EQ(error.kind(), ErrorKind::InvalidInput);
  EXPECT_TRUE(error.message().contains("keys are missing")) << error.message();
  EXPECT_EQ(dump(), before);
}

TEST_F(PostgresStoreTest, RefusesASchemaOfANewerVersionAlsoWhileItRuns) {
  node_.open();
  node_.must_commit(PostgresNode::put("a", "1"));
  raw_.execute("UPDATE vallum.notes SET value = '99' WHERE name = 'schema'");
  const std::vector<std::string> before = dump();

  const BatchOutcome write = node_.commit(PostgresNode::put("a", "2"));
  const Error error = refusal();

  ASSERT_FALSE(write.has_value());
  EXPECT_EQ(write.error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(error.kind(), ErrorKind::InvalidInput);
  EXPECT_TRUE(error.message().contains("newer version of Vallum")) << error.message();
  EXPECT_EQ(dump(), before);
}

TEST_F(PostgresStoreTest, LeavesAForeignSchemaAsItIs) {
  raw_.execute("CREATE SCHEMA vallum; CREATE TABLE vallum.wines (name text)");

  const Error another_program = refusal();
  raw_.execute("CREATE TABLE vallum.notes (name text, value bytea)");
  const Error also_has_notes = refusal();

  EXPECT_EQ(another_program.kind(), ErrorKind::InvalidInput);
  EXPECT_TRUE(another_program.message().contains("not Vallum's")) << another_program.message();
  EXPECT_EQ(also_has_notes.kind(), ErrorKind::InvalidInput);
  EXPECT_EQ(raw_.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'vallum'"),
            std::vector<std::string>{"2"});
}

TEST_F(PostgresStoreTest, UsesASchemaMadeForARoleThatMayNotMakeOne) {
  raw_.execute("REVOKE ALL ON DATABASE " + database_ + " FROM PUBLIC; ALTER DATABASE " + database_ +
               " OWNER TO postgres; GRANT CONNECT ON DATABASE " + database_ + " TO vallum");
  PostgresNode limited(server_.by_tcp(database_), 4);

  auto without = limited.try_open();
  raw_.execute("CREATE SCHEMA vallum AUTHORIZATION vallum");
  auto with = limited.try_open();

  ASSERT_FALSE(without.has_value());
  EXPECT_EQ(without.error().kind(), ErrorKind::InvalidInput);
  EXPECT_TRUE(without.error().message().contains("permission denied")) << without.error().message();
  EXPECT_TRUE(with.has_value()) << with.error().message();
}

TEST_F(PostgresStoreTest, UsesTlsAndTellsNoPasswordWhenItIsRefused) {
  PostgresNode good(server_.by_tcp(database_), 4);
  PostgresNode other_root(server_.by_tcp(database_, "&sslrootcert=/etc/hostname"), 5);
  std::string address = server_.by_tcp(database_);
  address.replace(address.find("vallum:"), 7, "nobody:");
  PostgresNode stranger(address, 6);

  good.open();
  good.must_commit(PostgresNode::put("a", "1"));
  const auto wrong_root = other_root.try_open();
  const auto wrong_name = stranger.try_open();

  EXPECT_EQ(raw_.ask("SELECT DISTINCT ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)"
                     " WHERE a.usename = 'vallum'"),
            std::vector<std::string>{"t"});
  for (const auto* refused : {&wrong_root, &wrong_name}) {
    ASSERT_FALSE(refused->has_value());
    EXPECT_FALSE(refused->error().message().contains(PostgresServer::kPassword));
    EXPECT_TRUE(refused->error().message().contains("localhost")) << refused->error().message();
  }
}

TEST_F(PostgresStoreTest, NoticesEveryFlippedByteOfAValue) {
  node_.open();
  node_.must_commit(PostgresNode::put("a", "the value"));
  const int size = static_cast<int>(
      parse_u64(raw_.ask("SELECT length(value) FROM vallum.records").front()).value_or(0));
  ASSERT_GT(size, 60);
  raw_.execute("CREATE TABLE kept AS SELECT * FROM vallum.records");

  for (int at = 0; at < size; ++at) {
    raw_.execute("UPDATE vallum.records SET value = set_byte(k.value, " + std::to_string(at) +
                 ", get_byte(k.value, " + std::to_string(at) + ") # 1) FROM kept k");

    const auto record = node_.store().get(PostgresNode::key("a"));

    ASSERT_FALSE(record.has_value()) << "byte " << at;
    EXPECT_EQ(record.error().kind(), ErrorKind::Internal);
    EXPECT_TRUE(record.error().message().contains("version 1")) << record.error().message();
  }
  raw_.execute("UPDATE vallum.records SET value = k.value FROM kept k");
  EXPECT_EQ(node_.read("a"), "the value");
}

// Covers DBR-26.
TEST_F(PostgresStoreTest, NoticesSwappedValues) {
  node_.open();
  node_.must_commit(PostgresNode::put("a", "alice"));
  node_.must_commit(PostgresNode::put("b", "bob"));

  raw_.execute(
      "UPDATE vallum.records r SET value = o.value FROM vallum.records o"
      " WHERE o.version <> r.version");

  EXPECT_EQ(node_.read("a"), "Internal");
  EXPECT_EQ(node_.read("b"), "Internal");
  EXPECT_EQ(node_.store().list(PostgresNode::kType, {}).error().kind(), ErrorKind::Internal);
  EXPECT_EQ(node_.store().changes({}).error().kind(), ErrorKind::Internal);
}

struct Tampering {
  const char* name;
  const char* sql;
};

class PostgresTamperingTest : public PostgresStoreTest,
                              public ::testing::WithParamInterface<Tampering> {
 protected:
  void SetUp() override {
    node_.open();
    node_.must_commit(PostgresNode::put("a", "1"));
    node_.must_commit(PostgresNode::put("b", "1"));
    node_.must_commit(PostgresNode::remove("b"));
    node_.must_commit(PostgresNode::put_json("$", R"({"$index": {"cidr": "10.0.0.0/8"}})"));
    ASSERT_TRUE(node_.store().acquire_lease("job", "me", 30s, node_.clock.wall()).has_value());
    ASSERT_TRUE(
        node_.store()
            .set_options("any", {.capacity = 7, .indexable_fields = {}, .ttl = std::nullopt})
            .has_value());
  }
};

TEST_P(PostgresTamperingTest, IsNoticedAtTheNextStart) {
  node_.close();
  raw_.execute(GetParam().sql);

  const Error error = refusal();

  EXPECT_EQ(error.kind(), ErrorKind::Internal);
  EXPECT_TRUE(error.message().contains("/" + database_)) << error.message();
}

constexpr const char* kNewRow =
    "INSERT INTO vallum.records SELECT 50, sha256('x'), type, NULL, value FROM vallum.records"
    " WHERE version = 1";

INSTANTIATE_TEST_SUITE_P(
    OfRows,
    PostgresTamperingTest,
    ::testing::Values(
        Tampering{"MissingRow", "DELETE FROM vallum.records WHERE version = 1"},
        Tampering{"RenumberedRow", "UPDATE vallum.records SET version = 2 WHERE version = 1"},
        Tampering{"RowOfTheFuture", "UPDATE vallum.records SET version = 77 WHERE version = 1"},
        Tampering{"NegativeVersion", "UPDATE vallum.records SET version = -1 WHERE version = 1"},
        Tampering{"TombstoneMadeLive",
                  "UPDATE vallum.records SET deleted_at = NULL WHERE version = 3"},
        Tampering{"LiveMadeTombstone",
                  "UPDATE vallum.records SET deleted_at = 5 WHERE version = 1"},
        Tampering{"OtherId", "UPDATE vallum.records SET id = sha256('x') WHERE version = 1"},
        Tampering{"ShortId", "UPDATE vallum.records SET id = '\\x00' WHERE version = 1"},
        Tampering{"OtherType",
                  "UPDATE vallum.records SET type = substr(sha256('x'), 1, 16) WHERE version = 1"},
        Tampering{"AddedRow", kNewRow},
        Tampering{"AddedIndexEntry",
                  "UPDATE vallum.records SET entries = ARRAY[sha256('x')] WHERE version = 1"},
        Tampering{"RemovedIndexEntry",
                  "UPDATE vallum.records SET entries = NULL WHERE entries IS NOT NULL"},
        Tampering{"AlteredLeases",
                  "UPDATE vallum.notes SET value = set_byte(value, 40, get_byte(value, 40) # 1)"
                  " WHERE name = 'leases'"},
        Tampering{"MissingLeases", "DELETE FROM vallum.notes WHERE name = 'leases'"},
        Tampering{"SwappedNotes",
                  "UPDATE vallum.notes n SET value = o.value FROM vallum.notes o WHERE"
                  " (n.name, o.name) IN (('leases', 'options'), ('options', 'leases'))"},
        Tampering{"AlteredHead",
                  "UPDATE vallum.notes SET value = set_byte(value, 40, get_byte(value, 40) # 1)"
                  " WHERE name = 'head'"},
        Tampering{"MissingHead", "DELETE FROM vallum.notes WHERE name = 'head'"}),
    [](const auto& tampering) { return std::string(tampering.param.name); });

// The database as a whole went back in the next test but one; here only what one row says did.
TEST_F(PostgresStoreTest, NoticesADeletedSessionPutBackUnderARunningNode) {
  node_.open();
  node_.must_commit(PostgresNode::put("session", "1"));
  raw_.execute("CREATE TABLE kept AS SELECT * FROM vallum.records");
  node_.must_commit(PostgresNode::remove("session"));
  raw_.execute("DELETE FROM vallum.records; INSERT INTO vallum.records SELECT * FROM kept");

  EXPECT_EQ(node_.read("session"), "Internal");
  EXPECT_EQ(node_.store().list(PostgresNode::kType, {}).error().kind(), ErrorKind::Internal);
  node_.close();
  EXPECT_TRUE(refusal().message().contains("earlier state"));
}

TEST_F(PostgresStoreTest, NoticesAnOlderStateOfARecordUnderARunningNode) {
  node_.open();
  node_.must_commit(PostgresNode::put("a", "1"));
  raw_.execute("CREATE TABLE kept AS SELECT * FROM vallum.records");
  node_.must_commit(PostgresNode::put("a", "2"));
  raw_.execute("DELETE FROM vallum.records; INSERT INTO vallum.records SELECT * FROM kept");

  EXPECT_EQ(node_.read("a"), "Internal");
}

TEST_F(PostgresStoreTest, NoticesARecordRemovedUnderARunningNode) {
  node_.open();
  node_.must_commit(PostgresNode::put("a", "1"));
  raw_.execute("DELETE FROM vallum.records");

  EXPECT_EQ(node_.read("a"), "Internal");
}

TEST_F(PostgresStoreTest, NoticesARecordThatSomebodyElseAdded) {
  node_.open();
  node_.must_commit(PostgresNode::put("a", "1"));
  raw_.execute("UPDATE vallum.records SET version = 2");

  const BatchOutcome refused = node_.commit(PostgresNode::put("b", "1"));

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind(), ErrorKind::Internal);
  EXPECT_TRUE(refused.error().message().contains("outside of Vallum")) << refused.error().message();
}

// An acquired lease put back to before it was lost would give two holders one epoch.
TEST_F(PostgresStoreTest, NoticesLeasesPutBackUnderARunningNode) {
  node_.open();
  ASSERT_TRUE(node_.store().acquire_lease("job", "ann", 30s, node_.clock.wall()).has_value());
  raw_.execute("CREATE TABLE kept AS SELECT * FROM vallum.notes WHERE name = 'leases'");
  ASSERT_TRUE(node_.store().release_lease("job", "ann").has_value());
  ASSERT_TRUE(node_.store().acquire_lease("job", "bob", 30s, node_.clock.wall()).has_value());
  raw_.execute("UPDATE vallum.notes n SET value = k.value FROM kept k WHERE n.name = k.name");

  const auto renewed = node_.store().renew_lease("job", "ann", 30s, node_.clock.wall());

  ASSERT_FALSE(renewed.has_value());
  EXPECT_EQ(renewed.error().kind(), ErrorKind::Internal);
}

TEST_F(PostgresStoreTest, KeepsIndexesOptionsAndLeasesOverARestart) {
  node_.open();
  const TypeOptions options{.capacity = 7, .indexable_fields = {"user"}, .ttl = 90s};
  node_.must_commit(PostgresNode::put_json("a", R"({"user": "ann"})"));
  ASSERT_TRUE(node_.store().set_options(PostgresNode::kType, options).has_value());
  const auto lease = node_.store().acquire_lease("job", "ann", 1h, node_.clock.wall());

  node_.open();

  EXPECT_EQ(node_.found("user", "ann"), std::vector<std::string>{"a"});
  EXPECT_EQ(*node_.store().options(), (OptionsByType{{PostgresNode::kType, options}}));
  EXPECT_EQ(node_.store().acquire_lease("job", "bob", 1h, node_.clock.wall()).error().kind(),
            ErrorKind::Conflict);
  EXPECT_EQ(node_.store().renew_lease("job", "ann", 1h, node_.clock.wall())->epoch, lease->epoch);
}

TEST_F(PostgresStoreTest, WritesGroupsThatTakeSeveralStatements) {
  node_.open();
  std::vector<Batch> batches(3);
  for (int i = 0; i < 2500; ++i) {
    batches[0].push_back(PostgresNode::put("id" + std::to_string(i), std::string(700, 'v')));
  }
  batches[1].push_back(PostgresNode::put("id7", "again"));
  batches[2].push_back(PostgresNode::put("big", std::string(1U << 20, 'b')));

  const auto outcomes = node_.store().commit(std::move(batches), node_.clock.wall());

  ASSERT_TRUE(outcomes.has_value()) << outcomes.error().message();
  EXPECT_EQ(node_.store().state().latest_version, 2502U);
  EXPECT_EQ(node_.read("id7"), "again");
  EXPECT_EQ(node_.read("id2499").size(), 700U);
  EXPECT_EQ(node_.read("big").size(), 1U << 20);
  node_.open();
  EXPECT_EQ(
      node_.store().list(PostgresNode::kType, {.after_version = 0, .records_max = 5000})->size(),
      2501U);
}

// A standby that waits for its primary, or a database that was made read-only.
TEST_F(PostgresStoreTest, SaysThatItIsUnavailableWhereWritesAreRefused) {
  node_.open(1);
  node_.must_commit(PostgresNode::put("a", "1"));
  raw_.execute("ALTER DATABASE " + database_ + " SET default_transaction_read_only = on");
  raw_.execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
      " WHERE datname = current_database() AND pid <> pg_backend_pid()");

  const BatchOutcome refused = node_.commit(PostgresNode::put("a", "2"));
  raw_.execute("SET default_transaction_read_only = off; ALTER DATABASE " + database_ +
               " RESET default_transaction_read_only");
  node_.clock.advance(1min);

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind(), ErrorKind::Unavailable);
  EXPECT_EQ(node_.must_commit(PostgresNode::put("a", "3")), 2U);
}

}  // namespace
}  // namespace vallum::databroker
