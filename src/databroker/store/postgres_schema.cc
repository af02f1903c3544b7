#include "databroker/store/postgres_schema.h"

#include <array>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "databroker/store/head.h"
#include "databroker/store/keys_at_rest.h"

namespace vallum::databroker {
namespace {

// The statements that lead to each version of the tables. Never edited, only added.
//
// `id` and `type` are blind; `deleted_at` (Unix milliseconds, tombstones only) is there to find old
// tombstones; `entries` are keyed hashes of the values a record is found by. Ciphertext does not
// compress, so nothing tries. `writers` says for each node what its last transaction was, so that a
// node that lost the answer to a COMMIT can ask.
struct Step {
  std::uint64_t leads_to;
  const char* statement;
};
constexpr std::array kMigrations = {
    Step{1, "CREATE TABLE vallum.notes (name text PRIMARY KEY, value bytea NOT NULL)"},
    Step{1,
         "CREATE TABLE vallum.records (version bigint NOT NULL UNIQUE, id bytea PRIMARY KEY,"
         " type bytea NOT NULL, deleted_at bigint, value bytea NOT NULL, entries bytea[])"},
    Step{1, "ALTER TABLE vallum.records ALTER COLUMN value SET STORAGE EXTERNAL"},
    Step{1, "CREATE INDEX records_by_type ON vallum.records (type, version)"},
    Step{1,
         "CREATE INDEX records_by_entry ON vallum.records USING gin (entries)"
         " WHERE entries IS NOT NULL"},
    Step{1,
         "CREATE INDEX tombstones ON vallum.records (version, deleted_at)"
         " WHERE deleted_at IS NOT NULL"},
    Step{1,
         "CREATE TABLE vallum.writers (node bytea PRIMARY KEY, token bytea NOT NULL,"
         " written_at timestamptz NOT NULL DEFAULT now())"},
};
constexpr std::uint64_t kSchemaVersion = kMigrations.back().leads_to;

constexpr const char* kPutNote =
    "INSERT INTO vallum.notes (name, value) VALUES ($1::text, $2::bytea)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value";

// What is in the schema: the number of its tables, and whether ours is among them.
struct Contents {
  bool has_schema = false;
  std::int64_t tables = 0;
  bool has_notes = false;
};

Result<Contents> look(PostgresConnection& connection) {
  connection.execute(
      "SELECT count(*)::bigint, count(*) FILTER (WHERE c.relname = 'notes')::bigint"
      " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
      " WHERE n.nspname = 'vallum' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')");
  connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'vallum'");
  TRY(const auto answers, connection.finish());
  return Contents{.has_schema = answers[1].count() > 0,
                  .tables = answers[0].integer(0, 0).value_or(0),
                  .has_notes = answers[0].integer(0, 1).value_or(0) > 0};
}

Result<std::optional<Bytes>> read_note(PostgresConnection& connection, std::string_view name) {
  connection.execute("SELECT value FROM vallum.notes WHERE name = $1::text",
                     PostgresParameters().add_text(name));
  TRY(const auto answers, connection.finish());
  if (answers[0].count() == 0) {
    return std::optional<Bytes>();
  }
  const ByteView value = answers[0].bytes(0, 0);
  return std::optional(Bytes(value.begin(), value.end()));
}

void put_note(PostgresConnection& connection, std::string_view name, ByteView value) {
  connection.execute(kPutNote, PostgresParameters().add_text(name).add(value));
}

// Queues the steps that are missing, and the version they lead to.
void queue_migration(PostgresConnection& connection, std::uint64_t from) {
  for (const Step& step : kMigrations) {
    if (step.leads_to > from) {
      connection.execute(step.statement);
    }
  }
  put_note(connection, "schema", as_bytes(postgres_schema_version()));
}

Result<PostgresTables> create(PostgresConnection& connection,
                              const crypto::KeyEncryptionKeys& keys,
                              WallTime now,
                              Entropy& entropy) {
  queue_migration(connection, 0);
  std::array<std::byte, 16> name{};
  entropy.fill(name);
  const std::string deployment = to_hex(name);
  crypto::KeyRing ring = crypto::KeyRing::create(deployment, now, entropy);
  put_note(connection, "deployment", as_bytes(deployment));
  Bytes wrapped = ring.wrap(keys, entropy);
  put_note(connection, "keys", wrapped);
  Head head;
  while (head.state.server_version == 0) {
    head.state.server_version = entropy.next_u64();
  }
  RowSeal seal(std::move(ring), entropy);
  put_note(connection, "head", seal_head(seal, head));
  connection.execute("COMMIT");
  TRY_OK(connection.finish());
  return PostgresTables{
      .deployment = deployment, .seal = std::move(seal), .wrapped_keys = std::move(wrapped)};
}

Result<std::uint64_t> read_schema_version(PostgresConnection& connection) {
  TRY(const auto note, read_note(connection, "schema"));
  const auto version = note ? parse_u64(as_text(*note)) : std::nullopt;
  if (!version || *version == 0) {
    return fail(ErrorKind::InvalidInput,
                "schema vallum has tables but no version of Vallum in them; it was left as it is. "
                "Name another database, or drop the schema");
  }
  if (*version > kSchemaVersion) {
    return fail(ErrorKind::InvalidInput,
                "made by a newer version of Vallum (schema " + std::to_string(*version) +
                    ", this one knows " + postgres_schema_version() +
                    "); start that version, or restore a backup");
  }
  return *version;
}

Result<PostgresTables> open_existing(PostgresConnection& connection,
                                     const crypto::KeyEncryptionKeys& keys,
                                     Entropy& entropy) {
  TRY(const std::uint64_t version, read_schema_version(connection));
  TRY(const auto deployment, read_note(connection, "deployment"));
  TRY(auto wrapped, read_note(connection, "keys"));
  if (!deployment || !wrapped) {
    return fail(ErrorKind::InvalidInput,
                "its keys are missing (vallum.notes), so no record can be read; restore a backup, "
                "or drop schema vallum to begin without sessions. Nothing was changed");
  }
  TRY(auto ring, unwrap_ring(keys, as_text(*deployment), *wrapped));
  // Only who can read the data set may change its tables.
  if (version < kSchemaVersion) {
    queue_migration(connection, version);
  }
  connection.execute("COMMIT");
  TRY_OK(connection.finish());
  return PostgresTables{.deployment = std::string(as_text(*deployment)),
                        .seal = RowSeal(std::move(ring), entropy),
                        .wrapped_keys = *std::move(wrapped)};
}

}  // namespace

std::string postgres_schema_version() {
  return std::to_string(kSchemaVersion);
}

Result<PostgresTables> open_postgres_tables(PostgresConnection& connection,
                                            const crypto::KeyEncryptionKeys& keys,
                                            WallTime now,
                                            Entropy& entropy) {
  connection.execute("BEGIN");
  connection.execute(kPostgresLock);
  const auto open_locked = [&]() -> Result<PostgresTables> {
    TRY_OK(connection.finish());
    TRY(const Contents contents, look(connection));
    if (contents.tables == 0) {
      // An operator may have made the schema for a role that may not make any.
      if (!contents.has_schema) {
        connection.execute("CREATE SCHEMA vallum");
      }
      return create(connection, keys, now, entropy);
    }
    if (!contents.has_notes) {
      return fail(ErrorKind::InvalidInput,
                  "schema vallum holds tables that are not Vallum's; they were left as they are. "
                  "Name another database");
    }
    return open_existing(connection, keys, entropy);
  };
  auto opened = open_locked();
  if (!opened) {
    roll_back(connection);
  }
  return opened;
}

void roll_back(PostgresConnection& connection) {
  if (!connection.is_usable()) {
    return;
  }
  connection.execute("ROLLBACK");
  static_cast<void>(connection.finish());  // a failure has made the connection unusable
}

}  // namespace vallum::databroker
