#include "databroker/store/postgres_connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <libpq-fe.h>
#include <poll.h>

#include "base/check.h"
#include "base/strings.h"

namespace vallum::databroker {
namespace {

// Type numbers of PostgreSQL's catalogue, which never change.
constexpr std::uint32_t kBigint = 20;
constexpr std::uint32_t kBytea = 17;

constexpr int kBinary = 1;

void append_be32(Bytes& out, std::uint32_t value) {
  std::array<std::byte, 4> bytes{};
  store_be32(value, bytes.data());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_array_head(Bytes& out, std::uint32_t element_type, std::size_t count, bool has_null) {
  append_be32(out, 1);  // dimensions
  append_be32(out, has_null ? 1 : 0);
  append_be32(out, element_type);
  append_be32(out, static_cast<std::uint32_t>(count));
  append_be32(out, 1);  // index of the first
}

Bytes integer_bytes(std::int64_t value) {
  Bytes bytes(8);
  store_be64(static_cast<std::uint64_t>(value), bytes.data());
  return bytes;
}

// One line, without the hints and details that follow: those may quote values.
std::string first_line(const char* text) {
  const std::string_view all = text == nullptr ? "" : text;
  return std::string(trim_space(all.substr(0, all.find('\n'))));
}

// What was said of each host that was tried, on one line.
std::string all_lines(const char* text) {
  std::string all;
  for (const std::string_view line : split(text, '\n')) {
    if (!trim_space(line).empty()) {
      all.append(all.empty() ? "" : "; ").append(trim_space(line));
    }
  }
  return all;
}

// By class of SQLSTATE (PostgreSQL's appendix A).
ErrorKind kind_of(std::string_view state) {
  static constexpr std::array<std::string_view, 6> kUnavailable = {
      "08", "53", "57", "58", "40", "55"};
  const std::string_view family = state.substr(0, 2);
  // 25006: the server became a standby.
  if (state.empty() || state == "25006" ||
      std::ranges::find(kUnavailable, family) != kUnavailable.end()) {
    return ErrorKind::Unavailable;
  }
  if (family == "23") {
    return ErrorKind::Conflict;
  }
  if (family == "28" || family == "3D" || state == "42501") {
    return ErrorKind::InvalidInput;
  }
  return ErrorKind::Internal;
}

Error error_of(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string_view known = state == nullptr ? "" : state;
  const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  std::string text = "postgres: ";
  text += first_line(message == nullptr ? PQresultErrorMessage(result) : message);
  if (!known.empty()) {
    text.append(" (SQLSTATE ").append(known).append(")");
  }
  return {kind_of(known), std::move(text)};
}

// Whether the session is of no more use: it ended, or its server became a standby (25006).
bool ends_the_session(const PGresult* result) {
  const char* severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return (severity != nullptr && std::string_view(severity) != "ERROR") ||
         (state != nullptr && std::string_view(state) == "25006");
}

int poll_millis(Duration at_most) {
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(at_most).count();
  return static_cast<int>(std::clamp<std::int64_t>(millis, 0, 1 << 30));
}

}  // namespace

PostgresParameters& PostgresParameters::add(std::int64_t value) {
  values_.push_back(integer_bytes(value));
  return *this;
}

PostgresParameters& PostgresParameters::add(ByteView bytes) {
  values_.emplace_back(bytes.begin(), bytes.end());
  return *this;
}

PostgresParameters& PostgresParameters::add_array(
    std::span<const std::optional<std::int64_t>> values) {
  Bytes out;
  const bool has_null = std::ranges::any_of(values, [](const auto& value) { return !value; });
  append_array_head(out, kBigint, values.size(), has_null);
  for (const auto& value : values) {
    if (!value) {
      append_be32(out, 0xffffffff);
      continue;
    }
    append_be32(out, 8);
    const Bytes bytes = integer_bytes(*value);
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  values_.push_back(std::move(out));
  return *this;
}

PostgresParameters& PostgresParameters::add_array(std::span<const ByteView> values) {
  Bytes out;
  append_array_head(out, kBytea, values.size(), false);
  for (const ByteView value : values) {
    append_be32(out, static_cast<std::uint32_t>(value.size()));
    out.insert(out.end(), value.begin(), value.end());
  }
  values_.push_back(std::move(out));
  return *this;
}

void PostgresRows::Clear::operator()(pg_result* result) const {
  PQclear(result);
}

std::size_t PostgresRows::count() const {
  return static_cast<std::size_t>(PQntuples(result_.get()));
}

bool PostgresRows::is_null(std::size_t row, int column) const {
  return PQgetisnull(result_.get(), static_cast<int>(row), column) != 0;
}

ByteView PostgresRows::bytes(std::size_t row, int column) const {
  const int at = static_cast<int>(row);
  const int size = PQgetlength(result_.get(), at, column);
  return {reinterpret_cast<const std::byte*>(PQgetvalue(result_.get(), at, column)),
          static_cast<std::size_t>(size)};
}

std::optional<std::int64_t> PostgresRows::integer(std::size_t row, int column) const {
  const ByteView value = bytes(row, column);
  if (is_null(row, column) || value.size() != 8) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(load_be64(value.data()));
}

std::uint64_t PostgresRows::touched() const {
  return parse_u64(PQcmdTuples(result_.get())).value_or(0);
}

bool PostgresRows::is_tagged(std::string_view command) const {
  return std::string_view(PQcmdStatus(result_.get())) == command;
}

struct PostgresConnection::Native {
  struct Finish {
    void operator()(PGconn* session) const { PQfinish(session); }
  };

  void queue(const char* name, const char* sql, const PostgresParameters& parameters);
  Result<void> wait_for_result();
  Unexpected lose(std::string why);

  std::unique_ptr<PGconn, Finish> connection;
  Duration silence_max{};
  std::size_t queued = 0;
  bool is_lost = false;
  bool warned = false;
};

// With `sql` it is run as it is, else the statement of that name.
void PostgresConnection::Native::queue(const char* name,
                                       const char* sql,
                                       const PostgresParameters& parameters) {
  const auto values = parameters.values();
  std::vector<const char*> data;
  std::vector<int> sizes;
  std::vector<int> formats(values.size(), kBinary);
  for (const Bytes& value : values) {
    // A null pointer would send NULL.
    data.push_back(value.empty() ? "" : reinterpret_cast<const char*>(value.data()));
    sizes.push_back(static_cast<int>(value.size()));
  }
  const auto count = static_cast<int>(values.size());
  PGconn* const to = connection.get();
  const int sent =
      sql == nullptr
          ? PQsendQueryPrepared(to, name, count, data.data(), sizes.data(), formats.data(), kBinary)
          : PQsendQueryParams(
                to, sql, count, nullptr, data.data(), sizes.data(), formats.data(), kBinary);
  is_lost = is_lost || sent == 0;
  ++queued;
}

Unexpected PostgresConnection::Native::lose(std::string why) {
  is_lost = true;
  return fail(ErrorKind::Unavailable, "postgres: " + std::move(why));
}

// Sends what is still unsent while it waits, so that neither side waits for the other for ever.
Result<void> PostgresConnection::Native::wait_for_result() {
  while (PQisBusy(connection.get()) != 0) {
    const int unsent = PQflush(connection.get());
    if (unsent < 0) {
      return lose("the connection was lost");
    }
    pollfd waiting{.fd = PQsocket(connection.get()), .events = POLLIN, .revents = 0};
    if (unsent > 0) {
      waiting.events = POLLIN | POLLOUT;
    }
    const int ready = ::poll(&waiting, 1, poll_millis(silence_max));
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready <= 0) {
      return lose("the server did not answer in time");
    }
    if ((waiting.revents & ~POLLOUT) != 0 && PQconsumeInput(connection.get()) == 0) {
      return lose("the connection was lost");
    }
  }
  return {};
}

PostgresConnection::PostgresConnection(std::unique_ptr<Native> native)
    : native_(std::move(native)) {}
PostgresConnection::PostgresConnection(PostgresConnection&&) noexcept = default;
PostgresConnection& PostgresConnection::operator=(PostgresConnection&&) noexcept = default;
PostgresConnection::~PostgresConnection() = default;

Result<PostgresConnection> PostgresConnection::open(const PostgresAddress& address,
                                                    Duration silence_max) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : address.parameters()) {
    keywords.push_back(keyword.c_str());
    values.push_back(reinterpret_cast<const char*>(value.expose().data()));
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  auto native = std::make_unique<Native>();
  native->silence_max = silence_max;
  native->connection.reset(PQconnectdbParams(keywords.data(), values.data(), 0));
  PGconn* const connection = native->connection.get();
  if (connection == nullptr) {
    return fail(ErrorKind::Unavailable, "postgres: out of memory");
  }
  if (PQstatus(connection) != CONNECTION_OK) {
    return fail(ErrorKind::Unavailable, "postgres: " + all_lines(PQerrorMessage(connection)));
  }
  const auto note = [](void* self, const PGresult* notice) {
    const char* severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity != nullptr && std::string_view(severity) == "WARNING") {
      static_cast<Native*>(self)->warned = true;
    }
  };
  PQsetNoticeReceiver(connection, note, native.get());
  if (PQsetnonblocking(connection, 1) != 0 || PQenterPipelineMode(connection) != 1) {
    return fail(ErrorKind::Unavailable, "postgres: the connection was lost");
  }
  return PostgresConnection(std::move(native));
}

void PostgresConnection::prepare(const char* name, const char* sql) {
  const int sent = PQsendPrepare(native_->connection.get(), name, sql, 0, nullptr);
  native_->is_lost = native_->is_lost || sent == 0;
  ++native_->queued;
}

void PostgresConnection::run(const char* name, const PostgresParameters& parameters) {
  native_->queue(name, nullptr, parameters);
}

void PostgresConnection::execute(const char* sql, const PostgresParameters& parameters) {
  native_->queue(nullptr, sql, parameters);
}

void PostgresConnection::send() {
  native_->is_lost = native_->is_lost || PQflush(native_->connection.get()) < 0;
}

Result<std::vector<PostgresRows>> PostgresConnection::finish() {
  const std::size_t expected = std::exchange(native_->queued, 0);
  native_->warned = false;
  if (native_->is_lost || PQpipelineSync(native_->connection.get()) != 1) {
    return native_->lose("the connection was lost");
  }
  std::vector<PostgresRows> answers;
  std::optional<Error> failure;
  for (;;) {
    TRY_OK(native_->wait_for_result());
    PGresult* const result = PQgetResult(native_->connection.get());
    if (result == nullptr) {
      if (PQstatus(native_->connection.get()) != CONNECTION_OK) {
        native_->is_lost = true;
        break;
      }
      continue;  // ends the answer to one statement
    }
    PostgresRows rows(result);
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_SYNC) {
      break;
    }
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
      answers.push_back(std::move(rows));
      continue;
    }
    if (!failure && status != PGRES_PIPELINE_ABORTED) {
      failure = error_of(result);
    }
    native_->is_lost = native_->is_lost || ends_the_session(result) ||
                       PQstatus(native_->connection.get()) != CONNECTION_OK;
  }
  if (failure) {
    return fail(*std::move(failure));
  }
  if (native_->is_lost || answers.size() != expected) {
    return native_->lose("the connection was lost");
  }
  return answers;
}

bool PostgresConnection::is_usable() const {
  return !native_->is_lost;
}

bool PostgresConnection::was_warned() const {
  return native_->warned;
}

Result<bool> PostgresConnection::wait(Duration at_most, int other) {
  std::array<pollfd, 2> waiting = {
      pollfd{.fd = PQsocket(native_->connection.get()), .events = POLLIN, .revents = 0},
      pollfd{.fd = other, .events = POLLIN, .revents = 0}};
  const int ready = ::poll(waiting.data(), waiting.size(), poll_millis(at_most));
  if (ready <= 0 || waiting[0].revents == 0) {
    return false;
  }
  if (PQconsumeInput(native_->connection.get()) == 0) {
    return native_->lose("the connection was lost");
  }
  return true;
}

std::optional<std::string> PostgresConnection::next_notification() {
  PGnotify* const notification = PQnotifies(native_->connection.get());
  if (notification == nullptr) {
    return std::nullopt;
  }
  std::string payload = notification->extra;
  PQfreemem(notification);
  return payload;
}

}  // namespace vallum::databroker
