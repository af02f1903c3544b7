#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/entropy.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/key_encryption_keys.h"
#include "databroker/seal/row_seal.h"
#include "databroker/store/head.h"
#include "databroker/store/sqlite_database.h"

namespace vallum::databroker {

// One process at a time in a directory: an exclusive flock on DIR/vallum.lock, kept until death.
class DirectoryLock {
 public:
  static Result<DirectoryLock> take(const std::string& directory);

  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}

  int fd_;
};

// An open store file whose keys are unwrapped and whose head is read.
struct SqliteFile {
  DirectoryLock lock;
  SqliteDatabase database;
  RowSeal seal;
  Head head;
};

// One of the store's own notes beside the head; empty when there is none. Internal when it was
// altered.
Result<std::string> read_sealed_note(SqliteFile& file, std::string_view name);

// Makes DIR/vallum.db when there is none (whole or not at all), brings its tables to this
// version, and checks that it is ours, sound and under these keys. See SqliteStore::open for
// errors. `now` is when a new store was made.
Result<SqliteFile> open_sqlite_file(const std::string& directory,
                                    const crypto::KeyEncryptionKeys& keys,
                                    std::optional<WallTime> now,
                                    Entropy& entropy);

}  // namespace vallum::databroker
