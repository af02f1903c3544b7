#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace vallum::databroker {

// One prepared statement, reused. Stepping to the end or failing resets it. Every failure is
// Unavailable (no space, no disk, locked) or Internal (damaged file, our mistake).
class SqliteStatement {
 public:
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;
  SqliteStatement(SqliteStatement&&) noexcept = default;
  SqliteStatement& operator=(SqliteStatement&&) = delete;
  ~SqliteStatement() = default;

  // Parameters count from 1. What is bound must live until the statement has run.
  SqliteStatement& bind(int parameter, std::int64_t value);
  SqliteStatement& bind(int parameter, ByteView blob);
  SqliteStatement& bind_text(int parameter, std::string_view text);
  SqliteStatement& bind_null(int parameter);

  // True: a row is there to be read. False: no more rows, and the statement is reset.
  Result<bool> step();
  // Steps to the end.
  Result<void> run();
  // Forgets rows that were not read.
  void reset();
  // Resets the statement when it goes, so that no early return leaves a read transaction open.
  class ResetOnExit {
   public:
    explicit ResetOnExit(SqliteStatement& statement) : statement_(statement) {}
    ResetOnExit(const ResetOnExit&) = delete;
    ResetOnExit& operator=(const ResetOnExit&) = delete;
    ~ResetOnExit() { statement_.reset(); }

   private:
    SqliteStatement& statement_;
  };

  // Columns count from 0. Views last until the next step or reset.
  std::int64_t integer(int column) const;
  bool is_null(int column) const;
  ByteView blob(int column) const;
  std::string_view text(int column) const;

 private:
  friend class SqliteDatabase;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  SqliteStatement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// One connection to one file, used by one thread at a time. Statements must die before it.
class SqliteDatabase {
 public:
  // Opens an existing file.
  static Result<SqliteDatabase> open(const std::string& path);

  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;
  SqliteDatabase(SqliteDatabase&&) noexcept = default;
  SqliteDatabase& operator=(SqliteDatabase&&) = delete;
  ~SqliteDatabase() = default;

  // One or more statements without results or parameters.
  Result<void> execute(const char* sql);
  Result<SqliteStatement> prepare(std::string_view sql);
  // The first column of the first row, as text.
  Result<std::string> ask(std::string_view sql);
  Result<std::int64_t> ask_integer(std::string_view sql);
  // Undoes an open transaction, if there is one.
  void roll_back();

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit SqliteDatabase(sqlite3* database) : database_(database) {}

  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace vallum::databroker
