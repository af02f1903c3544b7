#include "policytools/stored_session.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "databroker/store/sqlite_store.h"
#include "session/records.h"
#include "support/seeded_entropy.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace vallum::policytools {
namespace {

class StoredSessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = databroker::SqliteStore::open({.directory = directory_.path()}, keys_, entropy_);
    ASSERT_TRUE(store.has_value()) << store.error().message();
    store_ = *std::move(store);
  }

  void put(databroker::RecordKey key, Result<databroker::Value> value) {
    ASSERT_TRUE(value.has_value());
    databroker::Batch batch;
    batch.push_back(databroker::Write::put(std::move(key), *std::move(value)));
    std::vector<databroker::Batch> batches;
    batches.push_back(std::move(batch));
    const auto outcomes = store_->commit(std::move(batches), clock_.wall());
    ASSERT_TRUE(outcomes.has_value() && outcomes->front().has_value());
  }
  void put_session(const std::string& id, std::optional<WallTime> expires_at) {
    session::SessionRecord record;
    record.id = id;
    record.user_id = "u1";
    record.idp_id = "idp";
    record.expires_at = expires_at;
    put(session::session_key(id), session::encode_session(record));
  }
  Result<session::IdentityRef> read(const std::string& id) {
    return read_stored_session(
        {.directory = directory_.path(), .keys = keys_}, id, clock_, entropy_);
  }
  const std::string& directory() const { return directory_.path(); }
  WallTime now() const { return clock_.wall(); }
  void close_store() { store_.reset(); }

 private:
  testing::TempDirectory directory_;
  testing::VirtualClock clock_;
  testing::SeededEntropy entropy_{5};
  crypto::KeyEncryptionKeys keys_ =
      crypto::KeyEncryptionKeys::derive(Secret(Bytes(32, std::byte{7})));
  std::unique_ptr<databroker::SqliteStore> store_;
};

TEST_F(StoredSessionTest, IsReadWhileAServerHasTheStoreOpen) {
  put_session("s1", std::nullopt);
  session::UserRecord user;
  user.id = "u1";
  user.email = "alice@example.com";
  put(session::user_key("u1"), session::encode_user(user));

  const auto identity = read("s1");

  ASSERT_TRUE(identity.has_value()) << identity.error().message();
  EXPECT_EQ((*identity)->facts().user_id, "u1");
  EXPECT_EQ((*identity)->facts().email(), "alice@example.com");
  // The store goes on, and shows nothing of it.
  put_session("s2", std::nullopt);
  EXPECT_TRUE(read("s2").has_value());
}

TEST_F(StoredSessionTest, IsReadAfterTheServerHasEnded) {
  put_session("s1", std::nullopt);
  close_store();

  EXPECT_TRUE(read("s1").has_value());
}

TEST_F(StoredSessionTest, OneThatIsUnknownOrHasEndedIsNobody) {
  put_session("old", now() - std::chrono::hours(1));

  EXPECT_EQ(read("old").error().kind(), ErrorKind::NotFound);
  EXPECT_EQ(read("never").error().kind(), ErrorKind::NotFound);
}

TEST_F(StoredSessionTest, NothingIsLeftBehindAndNothingIsWritten) {
  put_session("s1", std::nullopt);
  close_store();
  const auto before = std::filesystem::last_write_time(directory() + "/vallum.db");
  const auto copies = [] {
    std::size_t count = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::temp_directory_path())) {
      count += entry.path().filename().string().starts_with("vallum-session-") ? 1U : 0U;
    }
    return count;
  };
  const std::size_t copies_before = copies();

  ASSERT_TRUE(read("s1").has_value());

  EXPECT_EQ(std::filesystem::last_write_time(directory() + "/vallum.db"), before);
  EXPECT_EQ(copies(), copies_before);
}

TEST_F(StoredSessionTest, AStoreThatIsNotThereOrOfAnotherSecretSaysWhy) {
  testing::VirtualClock clock;
  testing::SeededEntropy entropy(6);
  const auto other = crypto::KeyEncryptionKeys::derive(Secret(Bytes(32, std::byte{9})));
  put_session("s1", std::nullopt);

  const auto missing =
      read_stored_session({.directory = "/nowhere", .keys = other}, "s1", clock, entropy);
  const auto foreign =
      read_stored_session({.directory = directory(), .keys = other}, "s1", clock, entropy);

  EXPECT_TRUE(missing.error().message().contains("/nowhere/vallum.db"));
  EXPECT_EQ(foreign.error().kind(), ErrorKind::InvalidInput) << foreign.error().message();
}

}  // namespace
}  // namespace vallum::policytools
