#include "databroker/store/postgres_link.h"

#include <algorithm>
#include <array>
#include <utility>

#include "databroker/store/postgres_schema.h"

namespace vallum::databroker {
namespace {

// A node that stops in the middle of a transaction must not keep the others waiting for its lock.
// Who turned synchronous_commit off did not think of a program that acknowledges sign-outs.
constexpr const char* kSettings =
    "SELECT set_config('search_path', 'pg_catalog', false),"
    " set_config('client_encoding', 'UTF8', false),"
    " set_config('statement_timeout', '8s', false),"
    " set_config('lock_timeout', '5s', false),"
    " set_config('idle_in_transaction_session_timeout', '10s', false),"
    " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
    "  WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)";

#define VALLUM_INSERT_ROWS                                                          \
  "INSERT INTO vallum.records (version, id, type, deleted_at, value, entries)"      \
  " SELECT v, i, t, d, x, CASE WHEN length(e) > 0 THEN"                             \
  "  (SELECT array_agg(substr(e, 1 + 32 * n, 32))"                                  \
  "   FROM generate_series(0, length(e) / 32 - 1) n) END"                           \
  " FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bytea[]," \
  "  $6::bytea[]) AS u (v, i, t, d, x, e)"

struct Statement {
  const char* name;
  const char* sql;
};
constexpr std::array kStatements = {
    Statement{"begin", "BEGIN"},
    Statement{"look", "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"},
    Statement{"lock", kPostgresLock},
    // The server must not give up waiting for a standby and call that committed: see PostgresStore.
    Statement{"patience", "SET LOCAL statement_timeout = 0"},
    Statement{"commit", "COMMIT"},
    Statement{"head",
              "SELECT (SELECT value FROM vallum.notes WHERE name = 'head'),"
              " (SELECT value FROM vallum.notes WHERE name = 'schema'),"
              " (SELECT value FROM vallum.notes WHERE name = 'options'),"
              " (SELECT value FROM vallum.notes WHERE name = 'leases'),"
              " (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,"
              " (SELECT value FROM vallum.notes WHERE name = 'keys')"},
    Statement{"places",
              "SELECT version, id, type, deleted_at,"
              " (SELECT string_agg(e, ''::bytea) FROM unnest(entries) e) FROM vallum.records"
              " WHERE version > $1::bigint ORDER BY version LIMIT $2::bigint"},
    Statement{"get",
              "SELECT version, id, type, deleted_at, value FROM vallum.records"
              " WHERE id = ANY($1::bytea[])"},
    Statement{"list",
              "SELECT version, id, type, deleted_at, value FROM vallum.records"
              " WHERE type = $1::bytea AND version > $2::bigint AND deleted_at IS NULL"
              " ORDER BY version LIMIT $3::bigint"},
    Statement{"changes",
              "SELECT version, id, type, deleted_at, value FROM vallum.records"
              " WHERE version > $1::bigint ORDER BY version LIMIT $2::bigint"},
    // Index entries come as one string of 32 bytes for each. Looking for what is there already
    // costs a third of the whole, so rows that are new are added without.
    Statement{"add", VALLUM_INSERT_ROWS},
    Statement{"put",
              VALLUM_INSERT_ROWS
              " ON CONFLICT (id) DO UPDATE SET version = excluded.version, type = excluded.type,"
              "  deleted_at = excluded.deleted_at, value = excluded.value,"
              "  entries = excluded.entries"},
    Statement{"index",
              "UPDATE vallum.records r SET entries = CASE WHEN length(e) > 0 THEN"
              "  (SELECT array_agg(substr(e, 1 + 32 * n, 32))"
              "   FROM generate_series(0, length(e) / 32 - 1) n) END"
              " FROM unnest($1::bigint[], $2::bytea[]) AS u (v, e) WHERE r.version = u.v"},
    Statement{"find",
              "SELECT version, id, type, deleted_at, value FROM vallum.records"
              " WHERE entries && $1::bytea[] AND version > $2::bigint AND deleted_at IS NULL"
              " ORDER BY version LIMIT $3::bigint"},
    Statement{"set_note",
              "INSERT INTO vallum.notes (name, value) VALUES ($1::text, $2::bytea)"
              " ON CONFLICT (name) DO UPDATE SET value = excluded.value"},
    Statement{"clear", "DELETE FROM vallum.records"},
    Statement{"set_head", "UPDATE vallum.notes SET value = $1::bytea WHERE name = 'head'"},
    Statement{"set_token",
              "INSERT INTO vallum.writers (node, token) VALUES ($1::bytea, $2::bytea)"
              " ON CONFLICT (node) DO UPDATE SET token = excluded.token, written_at = now()"},
    Statement{"token", "SELECT token FROM vallum.writers WHERE node = $1::bytea"},
    Statement{"forget_writers",
              "DELETE FROM vallum.writers WHERE written_at < now() - interval '7 days'"
              " AND node <> $1::bytea"},
    Statement{"tell", "SELECT pg_notify('vallum', $1::text)"},
    Statement{"tombstones",
              "SELECT version, deleted_at FROM vallum.records WHERE deleted_at IS NOT NULL"
              " ORDER BY version LIMIT $1::bigint"},
    Statement{"to_reseal",
              "SELECT version, id, type, deleted_at, value FROM vallum.records"
              " WHERE version > $1::bigint AND substr(value, 1, 8) <> $2::bytea"
              " ORDER BY version LIMIT $3::bigint"},
    Statement{"reseal",
              "UPDATE vallum.records r SET value = x FROM unnest($1::bigint[], $2::bytea[])"
              " AS u (v, x) WHERE r.version = u.v"},
    Statement{"under_keys",
              "SELECT substr(value, 1, 8), count(*)::bigint FROM vallum.records GROUP BY 1"},
    Statement{"prune",
              "DELETE FROM vallum.records WHERE deleted_at IS NOT NULL AND version <= $1::bigint"},
};

}  // namespace

PostgresLink::PostgresLink(PostgresAddress address,
                           Duration silence_max,
                           const Clock& clock,
                           Entropy& entropy)
    : address_(std::move(address)),
      silence_max_(silence_max),
      clock_(clock),
      backoff_(entropy.next_u64()) {}

void PostgresLink::expect(std::string deployment, Use use) {
  deployment_ = std::move(deployment);
  use_ = use;
}

Duration PostgresLink::pause_left() const {
  return std::max(Duration(0), next_attempt_ - clock_.now());
}

bool PostgresLink::drop_if_lost() {
  if (connection_ && !connection_->is_usable()) {
    connection_.reset();
    return true;
  }
  return false;
}

Result<PostgresConnection*> PostgresLink::get() {
  if (!connection_ && pause_left() > Duration(0)) {
    return fail(ErrorKind::Unavailable, "postgres: the database does not answer");
  }
  return get_now();
}

Result<PostgresConnection*> PostgresLink::get_now() {
  if (connection_) {
    return &*connection_;
  }
  const auto connect = [this]() -> Result<PostgresConnection> {
    TRY(auto connection, PostgresConnection::open(address_, silence_max_));
    TRY_OK(make_ready(connection));
    return connection;
  };
  auto made = connect();
  if (!made) {
    next_attempt_ = clock_.now() + backoff_.next();
    return fail(made.error().with_context(place()));
  }
  backoff_.reset();
  connection_.emplace(*std::move(made));
  return &*connection_;
}

Result<void> PostgresLink::make_ready(PostgresConnection& connection) {
  connection.execute(kSettings);
  TRY_OK(connection.finish());
  if (deployment_.empty()) {
    return {};
  }
  connection.execute("SELECT value FROM vallum.notes WHERE name = 'deployment'");
  TRY(const auto answers, connection.finish());
  if (answers[0].count() != 1 || as_text(answers[0].bytes(0, 0)) != deployment_) {
    return fail(ErrorKind::Internal,
                "another data set is there than at the start; restart to use it");
  }
  if (use_ == Use::Listening) {
    connection.execute("LISTEN vallum");
  } else {
    for (const Statement& statement : kStatements) {
      connection.prepare(statement.name, statement.sql);
    }
  }
  TRY_OK(connection.finish());
  return {};
}

}  // namespace vallum::databroker
