#include "policytools/stored_session.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include <system_error>

#include "async/block_on.h"
#include "async/core.h"
#include "async/epoll_reactor.h"
#include "databroker/databroker.h"
#include "databroker/store/sqlite_store.h"
#include "session/identity_read.h"

namespace vallum::policytools {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStoreFile = "vallum.db";
// A server that writes all the time lets one of a few copies be whole.
constexpr int kCopiesMax = 8;
constexpr std::size_t kGroupNamesMax = 1000;
constexpr std::chrono::seconds kReadTime{30};

// A directory for its owner alone, removed with what is in it.
class OwnDirectory {
 public:
  static Result<OwnDirectory> make() {
    std::error_code error;
    std::string path = fs::temp_directory_path(error).string() + "/vallum-session-XXXXXX";
    if (error || ::mkdtemp(path.data()) == nullptr) {
      return fail(ErrorKind::Unavailable,
                  "cannot make a directory for the copy of the store: " +
                      std::generic_category().message(errno));
    }
    return OwnDirectory(std::move(path));
  }
  OwnDirectory(OwnDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  OwnDirectory& operator=(OwnDirectory&&) = delete;
  OwnDirectory(const OwnDirectory&) = delete;
  OwnDirectory& operator=(const OwnDirectory&) = delete;
  ~OwnDirectory() {
    if (!path_.empty()) {
      std::error_code ignored;
      fs::remove_all(path_, ignored);
    }
  }
  const std::string& path() const { return path_; }

 private:
  explicit OwnDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// The file and what SQLite has not yet put into it.
Result<void> copy_store(const std::string& from, const std::string& to) {
  for (const std::string_view suffix : {"", "-wal"}) {
    const fs::path source = from + "/" + std::string(kStoreFile) + std::string(suffix);
    const fs::path target = to + "/" + std::string(kStoreFile) + std::string(suffix);
    std::error_code error;
    fs::remove(target, error);
    fs::copy_file(source, target, error);
    const bool may_be_absent = !suffix.empty();
    if (error && !(may_be_absent && error == std::errc::no_such_file_or_directory)) {
      return fail(ErrorKind::Unavailable, source.string() + ": " + error.message());
    }
  }
  return {};
}

// A copy that was made while the store was written does not add up, and is made again.
Result<std::unique_ptr<databroker::SqliteStore>> open_copy(const SessionStore& store,
                                                           const std::string& directory,
                                                           Entropy& entropy) {
  Result<std::unique_ptr<databroker::SqliteStore>> opened =
      fail(ErrorKind::Unavailable, "no copy was made");
  for (int i = 0; i < kCopiesMax; ++i) {
    TRY_OK(copy_store(store.directory, directory));
    opened = databroker::SqliteStore::open({.directory = directory}, store.keys, entropy);
    if (opened) {
      break;
    }
  }
  if (!opened) {
    return fail(opened.error().with_context("a copy of the store in " + store.directory));
  }
  return opened;
}

Async<session::IdentityRef> find(databroker::Databroker* broker,
                                 std::string id,
                                 session::IdentityWishes wishes,
                                 WallTime now) {
  for (const bool is_service_account : {false, true}) {
    session::IdentityReader reader(*broker, {.group_names_max = kGroupNamesMax, .wishes = wishes});
    session::SessionWanted wanted{.session_id = id, .is_service_account = is_service_account};
    async::Core* const core = async::Core::current();
    CO_TRY(session::IdentityRead read,
           co_await reader.read(std::move(wanted), now, core->deadline_in(kReadTime)));
    if (read.identity != nullptr) {
      co_return std::move(read.identity);
    }
  }
  co_return fail(ErrorKind::NotFound,
                 "there is no such session, or it has ended: take a session-id of a recent "
                 "decision record");
}

}  // namespace

Result<session::IdentityRef> read_stored_session(const SessionStore& store,
                                                 const std::string& session_id,
                                                 const Clock& clock,
                                                 Entropy& entropy) {
  TRY(const OwnDirectory copy, OwnDirectory::make());
  TRY(std::unique_ptr<databroker::SqliteStore> opened, open_copy(store, copy.path(), entropy));
  TRY(const std::unique_ptr<async::EpollReactor> reactor, async::EpollReactor::create());
  async::Core core({.reactor = *reactor, .clock = clock, .entropy = entropy});
  databroker::Databroker broker({.home = core,
                                 .store = std::move(opened),
                                 .storage = databroker::Databroker::Storage::OnCallingCore});
  return async::block_on(core, find(&broker, session_id, {.records = store.records}, clock.wall()));
}

}  // namespace vallum::policytools
