#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "databroker/store/postgres_address.h"

struct pg_result;

namespace vallum::databroker {

// The parameters of one statement, copied, in PostgreSQL's binary form.
class PostgresParameters {
 public:
  PostgresParameters& add(std::int64_t value);
  PostgresParameters& add(ByteView bytes);
  PostgresParameters& add_text(std::string_view text) { return add(as_bytes(text)); }
  // bigint[] and bytea[].
  PostgresParameters& add_array(std::span<const std::optional<std::int64_t>> values);
  PostgresParameters& add_array(std::span<const ByteView> values);

  std::span<const Bytes> values() const { return values_; }

 private:
  std::vector<Bytes> values_;
};

// What one statement answered. Rows and columns count from 0; views last as long as this.
class PostgresRows {
 public:
  explicit PostgresRows(pg_result* result) : result_(result) {}

  std::size_t count() const;
  bool is_null(std::size_t row, int column) const;
  ByteView bytes(std::size_t row, int column) const;
  // Nothing when the column is not a bigint there.
  std::optional<std::int64_t> integer(std::size_t row, int column) const;
  // Rows that an INSERT, UPDATE or DELETE touched.
  std::uint64_t touched() const;
  bool is_tagged(std::string_view command) const;

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

// One session with a server, used by one thread at a time, always in pipeline mode: statements are
// sent without waiting, and finish() fetches all their answers in one round trip.
//
//   connection.run("begin");
//   connection.run("insert", PostgresParameters().add(7).add(bytes));
//   TRY(auto rows, connection.finish());      // rows[0] of "begin", rows[1] of "insert"
//
// Failures are Unavailable (no server, no room, a standby, a lock not granted in time), Conflict,
// InvalidInput (not allowed, no such database) or Internal, and name the SQLSTATE; they never hold
// a parameter or a part of the address.
class PostgresConnection {
 public:
  // Blocks for connect_timeout per host at most. From then on, without any byte from the server for
  // `silence_max` while an answer is due, the connection counts as lost.
  static Result<PostgresConnection> open(const PostgresAddress& address, Duration silence_max);
  PostgresConnection(PostgresConnection&&) noexcept;
  PostgresConnection& operator=(PostgresConnection&&) noexcept;
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;
  ~PostgresConnection();

  // Queues a statement: one that was prepared under that name, or SQL.
  void prepare(const char* name, const char* sql);
  void run(const char* name, const PostgresParameters& parameters = {});
  void execute(const char* sql, const PostgresParameters& parameters = {});
  // Sends what is queued as far as the network takes it, without waiting for anything.
  void send();
  // The answers to everything queued since the last finish(), in order. On failure, that of the
  // first statement that failed; the ones after it were not run.
  Result<std::vector<PostgresRows>> finish();

  // False once the connection is lost: whether what was queued last was carried out is then
  // unknown.
  bool is_usable() const;
  // Whether the server warned since the last finish() began. A COMMIT with a warning is not what it
  // seems: a standby may not have it.
  bool was_warned() const;

  // Until data came (true), `other` became readable or time passed (false). Unavailable when the
  // connection is lost.
  Result<bool> wait(Duration at_most, int other);
  // The payload of the next notification that has come.
  std::optional<std::string> next_notification();

 private:
  struct Native;
  explicit PostgresConnection(std::unique_ptr<Native> native);

  std::unique_ptr<Native> native_;
};

}  // namespace vallum::databroker
