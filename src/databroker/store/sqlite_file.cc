#include "databroker/store/sqlite_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "base/bytes.h"
#include "databroker/store/keys_at_rest.h"

namespace vallum::databroker {
namespace {

namespace fs = std::filesystem;

// "VLLM" where SQLite files say whose they are.
constexpr std::uint32_t kApplicationId = 0x564c4c4d;

// Step n brings a file from version n to n + 1. Steps are never edited, only added.
constexpr std::array kMigrations = {
    // The row number is the version: changes are appended, and read in order. `id` and `type` are
    // blind; `deleted_at` (Unix milliseconds, tombstones only) is there to find old tombstones.
    "CREATE TABLE notes (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE records (version INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
    "  type BLOB NOT NULL, deleted_at INTEGER, value BLOB NOT NULL);"
    "CREATE INDEX records_by_type ON records (type, version);"
    "CREATE INDEX tombstones ON records (deleted_at) WHERE deleted_at IS NOT NULL;",
    // By which values a record is found: `entry` is blind. Options and leases are notes.
    "CREATE TABLE index_entries (entry BLOB NOT NULL, version INTEGER NOT NULL,"
    "  PRIMARY KEY (entry, version)) WITHOUT ROWID;"
    "CREATE INDEX index_entries_by_version ON index_entries (version);",
    // Blind ids are looked up in memory, and as an index they cost a page of their own for each
    // write, since they are random.
    "ALTER TABLE records RENAME TO records_before;"
    "CREATE TABLE records (version INTEGER PRIMARY KEY, id BLOB NOT NULL,"
    "  type BLOB NOT NULL, deleted_at INTEGER, value BLOB NOT NULL);"
    "INSERT INTO records SELECT version, id, type, deleted_at, value FROM records_before"
    "  ORDER BY version;"
    "DROP TABLE records_before;"
    "CREATE INDEX records_by_type ON records (type, version);"
    "CREATE INDEX tombstones ON records (deleted_at) WHERE deleted_at IS NOT NULL;",
};
constexpr auto kSchemaVersion = static_cast<std::int64_t>(kMigrations.size());

Unexpected fail_os(const std::string& path, const char* doing, int code) {
  const std::string reason = std::error_code(code, std::generic_category()).message();
  return fail(ErrorKind::Unavailable, path + ": cannot " + doing + ": " + reason);
}

Unexpected fail_foreign(const std::string& path) {
  return fail(ErrorKind::InvalidInput,
              path +
                  ": not a Vallum store; it was left as it is. Move it away, or name another "
                  "directory in databroker_storage_connection_string");
}

Result<void> ensure_directory(const std::string& directory) {
  std::error_code error;
  if (fs::is_directory(directory, error)) {
    return {};
  }
  fs::create_directories(fs::path(directory).parent_path(), error);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail_os(directory, "create the directory", errno);
  }
  return {};
}

Result<void> sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return fail_os(directory, "open the directory", errno);
  }
  const int code = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return code == 0 ? Result<void>() : fail_os(directory, "sync the directory", code);
}

// Reads what makes a file ours without opening it as a database: opening one may write to it.
// Requires the directory's lock: closing the file drops SQLite's own locks of this process.
Result<void> check_is_ours(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    return fail_os(path, "open", errno);
  }
  std::array<std::byte, 100> header{};
  const ssize_t got = ::pread(fd, header.data(), header.size(), 0);
  const int code = got < 0 ? errno : 0;
  ::close(fd);
  if (code != 0) {
    return fail_os(path, "read", code);
  }
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  if (got != static_cast<ssize_t>(header.size()) || !as_text(header).starts_with(kMagic) ||
      load_be32(header.data() + 68) != kApplicationId) {
    return fail_foreign(path);
  }
  if (::chmod(path.c_str(), 0600) != 0) {
    return fail_os(path, "make private", errno);
  }
  return {};
}

std::string random_name(Entropy& entropy) {
  std::array<std::byte, 16> bytes{};
  entropy.fill(bytes);
  return to_hex(bytes);
}

Result<void> write_note(SqliteDatabase& database, std::string_view name, ByteView value) {
  TRY(auto insert, database.prepare("INSERT INTO notes (name, value) VALUES (?1, ?2)"));
  return insert.bind_text(1, name).bind(2, value).run();
}

Result<Bytes> read_note(SqliteDatabase& database, std::string_view name) {
  TRY(auto select, database.prepare("SELECT value FROM notes WHERE name = ?1"));
  TRY(const bool is_row, select.bind_text(1, name).step());
  if (!is_row) {
    return fail(ErrorKind::Internal, "a note of the store is missing");
  }
  const ByteView value = select.blob(0);
  return Bytes(value.begin(), value.end());
}

// Runs the steps that are missing, all or none.
Result<void> migrate(SqliteDatabase& database, std::int64_t from) {
  for (auto step = static_cast<std::size_t>(from); step < kMigrations.size(); ++step) {
    TRY_OK(database.execute(kMigrations[step]));
  }
  return database.execute(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
}

// What the keys of a file are opened and made with.
struct Keys {
  const crypto::KeyEncryptionKeys& wrapping;
  std::optional<WallTime> now;
  Entropy& entropy;
};

Result<void> fill_new_file(SqliteDatabase& database, const Keys& keys) {
  TRY_OK(database.execute("PRAGMA synchronous = FULL; BEGIN IMMEDIATE"));
  TRY_OK(database.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str()));
  TRY_OK(migrate(database, 0));

  Entropy& entropy = keys.entropy;
  const std::string deployment = random_name(entropy);
  crypto::KeyRing ring = crypto::KeyRing::create(deployment, keys.now, entropy);
  TRY_OK(write_note(database, "deployment", as_bytes(deployment)));
  TRY_OK(write_note(database, "keys", ring.wrap(keys.wrapping, entropy)));

  Head head;
  while (head.state.server_version == 0) {
    head.state.server_version = entropy.next_u64();
  }
  RowSeal seal(std::move(ring), entropy);
  TRY_OK(write_note(database, "head", seal_head(seal, head)));
  return database.execute("COMMIT");
}

// Under another name first, so that no crash leaves half a store behind.
Result<void> create_file(const std::string& directory, const Keys& keys) {
  const std::string path = directory + "/vallum.db";
  const std::string draft = path + ".new";
  for (const char* suffix : {"", "-journal", "-wal"}) {
    ::unlink((draft + suffix).c_str());
  }
  const int fd = ::open(draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return fail_os(draft, "create", errno);
  }
  ::close(fd);
  {
    TRY(auto database, SqliteDatabase::open(draft));
    auto filled = fill_new_file(database, keys);
    if (!filled) {
      return fail(filled.error().with_context(draft));
    }
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) {
    return fail_os(path, "create", errno);
  }
  return sync_directory(directory);
}

Result<void> check_soundness(SqliteDatabase& database) {
  TRY(const std::string verdict, database.ask("PRAGMA quick_check(1)"));
  if (verdict != "ok") {
    return fail(ErrorKind::Internal,
                "the file is damaged (" + verdict + "); restore a backup, or move the file away");
  }
  return {};
}

Result<std::int64_t> read_schema_version(SqliteDatabase& database) {
  TRY(const std::int64_t version, database.ask_integer("PRAGMA user_version"));
  if (version > kSchemaVersion) {
    return fail(ErrorKind::InvalidInput,
                "made by a newer version of Vallum (schema " + std::to_string(version) +
                    ", this one knows " + std::to_string(kSchemaVersion) +
                    "); start that version, or restore a backup");
  }
  if (version < 1) {
    return fail(ErrorKind::Internal, "the file has no schema version; restore a backup");
  }
  return version;
}

Result<void> bring_up_to_date(SqliteDatabase& database, std::int64_t version) {
  if (version == kSchemaVersion) {
    return {};
  }
  TRY_OK(database.execute("BEGIN IMMEDIATE"));
  TRY_OK(migrate(database, version));
  return database.execute("COMMIT");
}

Result<RowSeal> unwrap_keys(SqliteDatabase& database, const Keys& keys) {
  TRY(const Bytes deployment, read_note(database, "deployment"));
  TRY(const Bytes wrapped, read_note(database, "keys"));
  TRY(auto ring, unwrap_ring(keys.wrapping, as_text(deployment), wrapped));
  return RowSeal(std::move(ring), keys.entropy);
}

Result<Head> read_head(SqliteDatabase& database, RowSeal& seal) {
  TRY(const Bytes sealed, read_note(database, "head"));
  auto head = open_head(seal, sealed);
  if (!head) {
    return fail(ErrorKind::Internal, "the store's head was altered; restore a backup");
  }
  return head;
}

Result<SqliteFile> open_checked(DirectoryLock lock, const std::string& path, const Keys& keys) {
  TRY(auto database, SqliteDatabase::open(path));
  // One process owns the file, so the index of its write-ahead log stays in memory.
  TRY_OK(database.execute("PRAGMA locking_mode = EXCLUSIVE"));
  TRY_OK(check_soundness(database));
  TRY_OK(
      database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                       "PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -16384;"
                       "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON"));
  TRY(const std::int64_t version, read_schema_version(database));
  // Only who can read the file may change its tables.
  TRY(auto seal, unwrap_keys(database, keys));
  TRY_OK(bring_up_to_date(database, version));
  TRY(const Head head, read_head(database, seal));
  return SqliteFile{.lock = std::move(lock),
                    .database = std::move(database),
                    .seal = std::move(seal),
                    .head = head};
}

}  // namespace

Result<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  const std::string path = directory + "/vallum.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return fail_os(path, "open", errno);
  }
  DirectoryLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorKind::Unavailable, directory + ": another Vallum process uses this store");
  }
  return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Result<std::string> read_sealed_note(SqliteFile& file, std::string_view name) {
  TRY(auto select, file.database.prepare("SELECT value FROM notes WHERE name = ?1"));
  TRY(const bool is_row, select.bind_text(1, name).step());
  if (!is_row) {
    return std::string();
  }
  const auto plain = file.seal.open_note(name, select.blob(0));
  if (!plain) {
    return fail(ErrorKind::Internal,
                "vallum.db: a note of the store was altered; restore a backup");
  }
  return std::string(as_text(*plain));
}

Result<SqliteFile> open_sqlite_file(const std::string& directory,
                                    const crypto::KeyEncryptionKeys& keys,
                                    std::optional<WallTime> now,
                                    Entropy& entropy) {
  const Keys how{.wrapping = keys, .now = now, .entropy = entropy};
  TRY_OK(ensure_directory(directory));
  TRY(auto lock, DirectoryLock::take(directory));
  const std::string path = directory + "/vallum.db";
  std::error_code error;
  if (fs::symlink_status(path, error).type() == fs::file_type::not_found) {
    TRY_OK(create_file(directory, how));
  }
  TRY_OK(check_is_ours(path));
  auto file = open_checked(std::move(lock), path, how);
  if (!file) {
    return fail(file.error().with_context(path));
  }
  return file;
}

}  // namespace vallum::databroker
