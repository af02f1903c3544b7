#include "databroker/store/sqlite_database.h"

#include <utility>

#include <sqlite3.h>

#include "base/check.h"

namespace vallum::databroker {
namespace {

ErrorKind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_NOMEM:
      return ErrorKind::Unavailable;
    default:
      return ErrorKind::Internal;
  }
}

// Statements hold no values (all are bound), so SQLite's own text names no secret.
Unexpected fail_as(sqlite3* database, int code) {
  return fail(kind_of(code), std::string("sqlite: ") + sqlite3_errmsg(database));
}

}  // namespace

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

SqliteStatement& SqliteStatement::bind(int parameter, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_.get(), parameter, value);
  DCHECK(code == SQLITE_OK);
  return *this;
}

SqliteStatement& SqliteStatement::bind(int parameter, ByteView blob) {
  // A null pointer would bind NULL.
  static constexpr char kEmpty = 0;
  const void* data = blob.empty() ? static_cast<const void*>(&kEmpty) : blob.data();
  const int code = sqlite3_bind_blob64(
      statement_.get(), parameter, data, blob.size(), nullptr /* SQLITE_STATIC */);
  DCHECK(code == SQLITE_OK);
  return *this;
}

SqliteStatement& SqliteStatement::bind_text(int parameter, std::string_view text) {
  sqlite3_bind_text(statement_.get(),
                    parameter,
                    text.data(),
                    static_cast<int>(text.size()),
                    nullptr /* SQLITE_STATIC */);
  return *this;
}

SqliteStatement& SqliteStatement::bind_null(int parameter) {
  sqlite3_bind_null(statement_.get(), parameter);
  return *this;
}

Result<bool> SqliteStatement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  Unexpected failure = fail_as(database_, sqlite3_extended_errcode(database_));
  sqlite3_reset(statement_.get());
  return failure;
}

Result<void> SqliteStatement::run() {
  for (;;) {
    TRY(const bool is_row, step());
    if (!is_row) {
      return {};
    }
  }
}

void SqliteStatement::reset() {
  sqlite3_reset(statement_.get());
}

std::int64_t SqliteStatement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

bool SqliteStatement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

ByteView SqliteStatement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (data == nullptr || size <= 0) {
    return {};
  }
  return {static_cast<const std::byte*>(data), static_cast<std::size_t>(size)};
}

std::string_view SqliteStatement::text(int column) const {
  return as_text(blob(column));
}

void SqliteDatabase::Close::operator()(sqlite3* database) const {
  sqlite3_close(database);
}

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  SqliteDatabase database(raw);
  if (code != SQLITE_OK) {
    return raw == nullptr ? fail(ErrorKind::Unavailable, "sqlite: out of memory")
                          : fail_as(raw, code);
  }
  sqlite3_extended_result_codes(raw, 1);
  return database;
}

Result<void> SqliteDatabase::execute(const char* sql) {
  const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) {
    return fail_as(database_.get(), code);
  }
  return {};
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(),
                                      sql.data(),
                                      static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT,
                                      &raw,
                                      nullptr);
  SqliteStatement statement(database_.get(), raw);
  if (code != SQLITE_OK) {
    return fail_as(database_.get(), code);
  }
  return statement;
}

Result<std::string> SqliteDatabase::ask(std::string_view sql) {
  TRY(auto statement, prepare(sql));
  TRY(const bool is_row, statement.step());
  return is_row ? std::string(statement.text(0)) : std::string();
}

Result<std::int64_t> SqliteDatabase::ask_integer(std::string_view sql) {
  TRY(auto statement, prepare(sql));
  TRY(const bool is_row, statement.step());
  return is_row ? statement.integer(0) : 0;
}

void SqliteDatabase::roll_back() {
  if (sqlite3_get_autocommit(database_.get()) == 0) {
    sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

}  // namespace vallum::databroker
