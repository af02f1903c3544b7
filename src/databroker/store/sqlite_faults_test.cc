// A disk that fails at the n-th operation, for every n.
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "databroker/store/sqlite_store.h"
#include "support/seeded_entropy.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace vallum::databroker {
namespace {

// What the disk does to writes and syncs: all pass until `left` is used up, then one fails.
struct Faults {
  static constexpr int kNever = -1;
  int left = kNever;
  int code = SQLITE_FULL;
  bool has_failed = false;

  bool strikes() {
    if (left == kNever) {
      return false;
    }
    if (left > 0) {
      --left;
      return false;
    }
    left = kNever;
    has_failed = true;
    return true;
  }
};

// SQLite's default file system with Faults in front, the default while it lives.
class FaultyFileSystem {
 public:
  FaultyFileSystem() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
    vfs_.zName = "faulty";
    vfs_.pAppData = this;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = open;
    EXPECT_EQ(sqlite3_vfs_register(&vfs_, 1), SQLITE_OK);
  }
  FaultyFileSystem(const FaultyFileSystem&) = delete;
  FaultyFileSystem& operator=(const FaultyFileSystem&) = delete;
  ~FaultyFileSystem() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
  }

  Faults faults;

 private:
  struct File {
    sqlite3_file base;
    FaultyFileSystem* system;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static File* of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  static const sqlite3_io_methods& real_methods(sqlite3_file* file) {
    return *of(file)->real()->pMethods;
  }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* out, int flags, int* got) {
    auto* system = static_cast<FaultyFileSystem*>(vfs->pAppData);
    File* file = new (out) File{.base = {.pMethods = nullptr}, .system = system};
    const int code = system->real_->xOpen(system->real_, name, file->real(), flags, got);
    if (file->real()->pMethods != nullptr) {
      file->base.pMethods = &kMethods;
    }
    return code;
  }
  static int close(sqlite3_file* file) { return real_methods(file).xClose(of(file)->real()); }
  static int read(sqlite3_file* file, void* to, int bytes, sqlite3_int64 at) {
    return real_methods(file).xRead(of(file)->real(), to, bytes, at);
  }
  static int write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 at) {
    Faults& faults = of(file)->system->faults;
    return faults.strikes() ? faults.code
                            : real_methods(file).xWrite(of(file)->real(), from, bytes, at);
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    return real_methods(file).xTruncate(of(file)->real(), size);
  }
  static int sync(sqlite3_file* file, int flags) {
    return of(file)->system->faults.strikes() ? SQLITE_IOERR_FSYNC
                                              : real_methods(file).xSync(of(file)->real(), flags);
  }
  static int size(sqlite3_file* file, sqlite3_int64* out) {
    return real_methods(file).xFileSize(of(file)->real(), out);
  }
  static int lock(sqlite3_file* file, int level) {
    return real_methods(file).xLock(of(file)->real(), level);
  }
  static int unlock(sqlite3_file* file, int level) {
    return real_methods(file).xUnlock(of(file)->real(), level);
  }
  static int check_lock(sqlite3_file* file, int* out) {
    return real_methods(file).xCheckReservedLock(of(file)->real(), out);
  }
  static int control(sqlite3_file* file, int what, void* argument) {
    return real_methods(file).xFileControl(of(file)->real(), what, argument);
  }
  static int sector_size(sqlite3_file* file) {
    return real_methods(file).xSectorSize(of(file)->real());
  }
  static int device(sqlite3_file* file) {
    return real_methods(file).xDeviceCharacteristics(of(file)->real());
  }

  // Version 1: no shared memory, which a write-ahead log in exclusive mode does not need.
  static constexpr sqlite3_io_methods kMethods = {
      .iVersion = 1,
      .xClose = close,
      .xRead = read,
      .xWrite = write,
      .xTruncate = truncate,
      .xSync = sync,
      .xFileSize = size,
      .xLock = lock,
      .xUnlock = unlock,
      .xCheckReservedLock = check_lock,
      .xFileControl = control,
      .xSectorSize = sector_size,
      .xDeviceCharacteristics = device,
      .xShmMap = nullptr,
      .xShmLock = nullptr,
      .xShmBarrier = nullptr,
      .xShmUnmap = nullptr,
      .xFetch = nullptr,
      .xUnfetch = nullptr,
  };

  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
};

constexpr const char* kType = "type.example/Thing";

RecordKey key(std::string id) {
  return {.type = kType, .id = std::move(id)};
}

class SqliteFaultsTest : public ::testing::TestWithParam<int> {
 protected:
  Result<std::unique_ptr<SqliteStore>> open(const std::string& directory) {
    return SqliteStore::open({.directory = directory},
                             crypto::KeyEncryptionKeys::derive(Secret(std::string_view("secret"))),
                             entropy_);
  }
  Result<std::vector<BatchOutcome>> commit(SqliteStore& store, std::string bytes) {
    std::vector<Batch> batches(2);
    batches[0].push_back(Write::put(key("a"), {.type_url = kType, .bytes = bytes}));
    batches[1].push_back(
        Write::put(key("big"), {.type_url = kType, .bytes = std::string(9000, bytes.front())}));
    return store.commit(std::move(batches), clock_.wall());
  }

  testing::TempDirectory directory_;
  testing::SeededEntropy entropy_{3};
  testing::VirtualClock clock_;
  FaultyFileSystem disk_;
};

// Covers DBR-18.
TEST_P(SqliteFaultsTest, KeepsTheStoreWholeAndUsableWhereverTheDiskFails) {
  auto store = open(directory_.path());
  ASSERT_TRUE(store.has_value());
  ASSERT_TRUE(commit(**store, "1").has_value());
  disk_.faults.code = GetParam();

  int failures = 0;
  for (int n = 0;; ++n) {
    const StoreState before = (*store)->state();
    const std::string value = (*store)->get(key("a"))->value.bytes;
    disk_.faults.left = n;
    disk_.faults.has_failed = false;

    const auto outcome = commit(**store, std::to_string(n % 10));

    if (!disk_.faults.has_failed) {
      ASSERT_TRUE(outcome.has_value());
      break;
    }
    if (!outcome) {
      ++failures;
      EXPECT_EQ(outcome.error().kind(), ErrorKind::Unavailable) << outcome.error().message();
      EXPECT_EQ((*store)->state(), before);
      EXPECT_EQ((*store)->get(key("a"))->value.bytes, value);
    }
    disk_.faults.left = Faults::kNever;
    ASSERT_TRUE(commit(**store, "x").has_value()) << "after failure " << n;
    ASSERT_EQ((*store)->get(key("a"))->value.bytes, "x");
  }
  EXPECT_GE(failures, 3);

  disk_.faults.left = Faults::kNever;
  const StoreState last = (*store)->state();
  store->reset();
  store = open(directory_.path());
  ASSERT_TRUE(store.has_value()) << store.error().message();
  EXPECT_EQ((*store)->state(), last);
}

// What is held in memory beside the file must go back with it.
TEST_P(SqliteFaultsTest, KeepsOptionsIndexLeasesAndCountsWhereverTheDiskFails) {
  auto opened = open(directory_.path());
  ASSERT_TRUE(opened.has_value());
  SqliteStore& store = **opened;
  ASSERT_TRUE(commit(store, "1").has_value());
  const TypeOptions one{.capacity = 1, .indexable_fields = {"one"}, .ttl = std::nullopt};
  const TypeOptions two{.capacity = 2, .indexable_fields = {"two"}, .ttl = std::nullopt};
  ASSERT_TRUE(store.set_options(kType, one).has_value());
  const auto change = [&](int which) -> Result<void> {
    if (which == 0) {
      return store.set_options(kType, two);
    }
    if (which == 1) {
      return store.clear();
    }
    auto lease = store.acquire_lease("job", "me", std::chrono::minutes(1), clock_.wall());
    return lease ? Result<void>() : fail(lease.error());
  };
  disk_.faults.code = GetParam();

  for (int which = 0; which < 3; ++which) {
    int failures = 0;
    for (int n = 0;; ++n) {
      const StoreState before = store.state();
      disk_.faults.left = n;
      disk_.faults.has_failed = false;

      const Result<void> outcome = change(which);

      disk_.faults.left = Faults::kNever;
      if (outcome) {
        break;
      }
      ++failures;
      EXPECT_EQ(outcome.error().kind(), ErrorKind::Unavailable) << outcome.error().message();
      EXPECT_EQ(store.state(), before);
      EXPECT_EQ(store.options()->at(kType), which == 0 ? one : two);
      EXPECT_EQ(store.count(kType), 2U);
      EXPECT_EQ(store.find(kType, probes_for(which == 0 ? "one" : "two", "x"), {})->size(), 2U);
      EXPECT_FALSE(store.renew_lease("job", "me", std::chrono::minutes(1), clock_.wall()));
    }
    EXPECT_GE(failures, 1) << "change " << which;
    if (which == 1) {
      ASSERT_TRUE(commit(store, "2").has_value());
      ASSERT_TRUE(store.set_options(kType, two).has_value());
    }
  }
  opened->reset();
  EXPECT_TRUE(open(directory_.path()).has_value());
}

// Covers DBR-18, DBR-27.
TEST_P(SqliteFaultsTest, ARotationOfKeysLosesNothingWhereverTheDiskFails) {
  disk_.faults.code = GetParam();
  for (int n = 0;; ++n) {
    const std::string directory = directory_.file(std::to_string(n));
    auto store = open(directory);
    ASSERT_TRUE(store.has_value());
    ASSERT_TRUE(commit(**store, "1").has_value());
    ASSERT_TRUE(
        (*store)
            ->set_options(kType, {.capacity = 9, .indexable_fields = {}, .ttl = std::nullopt})
            .has_value());
    const std::vector<Record> before = *(*store)->changes({});
    KeysAtRest* keys = (*store)->keys_at_rest();
    const auto rotate = [&keys, this]() -> Result<void> {
      TRY_OK(keys->begin_rotation(clock_.wall()));
      for (bool is_done = false; !is_done;) {
        TRY(const auto step, keys->reseal());
        is_done = step.is_done;
      }
      return {};
    };
    disk_.faults.left = n;
    disk_.faults.has_failed = false;

    const Result<void> outcome = rotate();

    const bool has_failed = disk_.faults.has_failed;
    disk_.faults.left = Faults::kNever;
    EXPECT_EQ(*(*store)->changes({}), before) << n;
    if (!has_failed) {
      EXPECT_TRUE(outcome.has_value());
      EXPECT_GT(n, 5);
      break;
    }
    if (n % 2 == 0) {  // some go on in the same process, some in the next one
      store->reset();
      store = open(directory);
      ASSERT_TRUE(store.has_value()) << n << ": " << store.error().message();
      keys = (*store)->keys_at_rest();
    }
    ASSERT_TRUE(rotate().has_value()) << n;
    EXPECT_EQ(keys->facts()->data_keys.size(), 1U) << n;
    EXPECT_EQ(*(*store)->changes({}), before) << n;
    store->reset();
    store = open(directory);
    ASSERT_TRUE(store.has_value()) << n << ": " << store.error().message();
    EXPECT_EQ((*store)->options()->size(), 1U);
  }
}

TEST_P(SqliteFaultsTest, LeavesNoHalfMadeStoreWhereverTheDiskFails) {
  disk_.faults.code = GetParam();

  for (int n = 0;; ++n) {
    const std::string directory = directory_.file(std::to_string(n));
    disk_.faults.left = n;
    disk_.faults.has_failed = false;
    auto first = open(directory);
    if (!disk_.faults.has_failed) {
      EXPECT_GT(n, 5);
      EXPECT_TRUE(first.has_value());
      break;
    }
    if (first) {
      first->reset();
    }
    disk_.faults.left = Faults::kNever;

    auto second = open(directory);

    ASSERT_TRUE(second.has_value()) << "failure " << n << ": " << second.error().message();
    ASSERT_TRUE(commit(**second, "1").has_value());
  }
}

INSTANTIATE_TEST_SUITE_P(Codes,
                         SqliteFaultsTest,
                         ::testing::Values(SQLITE_FULL, SQLITE_IOERR_WRITE),
                         [](const auto& code) {
                           return code.param == SQLITE_FULL ? "DiskFull" : "IoError";
                         });

}  // namespace
}  // namespace vallum::databroker
