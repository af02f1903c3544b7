// A primary and its standby, as an operator has them, and what nodes do when the standby takes
// over.
#include <array>
#include <csignal>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "databroker/store/postgres_store.h"
#include "support/postgres/follower.h"
#include "support/postgres/node.h"
#include "support/postgres/server.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;
using testing::Follower;
using testing::PostgresNode;
using testing::PostgresServer;

class PostgresStandbyTest : public ::testing::Test {
 protected:
  // Nodes name both; target_session_attrs=read-write picks the primary.
  std::string both() const { return primary_.by_tcp_with(*standby_, database_); }

  // Only a machine that loses its power would show the difference, and it saves seconds.
  PostgresServer primary_{"fsync = off"};
  std::string database_ = primary_.create_database();
  std::unique_ptr<PostgresServer> standby_ = primary_.make_standby("second");
};

enum class Said : std::uint32_t { Acknowledged, NotWritten, Unknown, SomethingElse };

struct Note {
  std::uint32_t write = 0;
  Said said = Said::SomethingElse;
};

Said said_of(const Result<std::vector<BatchOutcome>>& outcomes) {
  if (outcomes) {
    return outcomes->front() ? Said::Acknowledged : Said::SomethingElse;
  }
  if (outcomes.error().kind() == ErrorKind::DeadlineExceeded) {
    return Said::Unknown;
  }
  return outcomes.error().kind() == ErrorKind::Unavailable ? Said::NotWritten : Said::SomethingElse;
}

// Write i puts record i, and every third deletes the one before it. Says on the pipe what came of
// each, until it is killed.
[[noreturn]] void write_on(const std::string& address, int pipe) {
  PostgresNode node(address, 5);
  const auto opened = node.try_open();
  for (std::uint32_t i = 0; opened; ++i) {
    std::vector<Batch> batches(1);
    batches[0].push_back(PostgresNode::put("id" + std::to_string(i), "v"));
    if (i % 3 == 2) {
      batches[0].push_back(PostgresNode::remove("id" + std::to_string(i - 1)));
    }
    const Note note{.write = i,
                    .said = said_of((*opened)->commit(std::move(batches), node.clock.wall()))};
    if (::write(pipe, &note, sizeof note) != sizeof note) {
      break;
    }
    if (note.said != Said::Acknowledged) {
      node.clock.advance(1min);  // the pause before the next attempt
      ::poll(nullptr, 0, 10);
    }
  }
  ::_exit(1);
}

// Runs write_on() in a process of its own, and hears what it says.
class Writer {
 public:
  explicit Writer(const std::string& address) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    process_ = ::fork();
    if (process_ == 0) {
      ::close(ends[0]);
      write_on(address, ends[1]);
    }
    ::close(ends[1]);
    notes_ = ends[0];
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    ::close(notes_);
  }

  // Until so many more were acknowledged. False when the writer ended.
  bool hear(int acknowledged) {
    Note note;
    while (acknowledged > 0 && ::read(notes_, &note, sizeof note) == sizeof note) {
      heard.push_back(note.said);
      acknowledged -= note.said == Said::Acknowledged ? 1 : 0;
    }
    return acknowledged == 0;
  }

  // By the number of the write.
  std::vector<Said> heard;

 private:
  pid_t process_ = -1;
  int notes_ = -1;
};

// What must be read of record `i`, "" where nobody can say.
std::string expected_of(const std::vector<Said>& said, std::size_t i) {
  const bool is_to_be_deleted = i % 3 == 1;
  if (is_to_be_deleted && i + 1 == said.size()) {
    return "";  // by a write that was not heard of
  }
  if (is_to_be_deleted && said[i + 1] != Said::NotWritten) {
    return said[i + 1] == Said::Acknowledged ? "NotFound" : "";
  }
  switch (said[i]) {
    case Said::Acknowledged:
      return "v";
    case Said::NotWritten:
      return "NotFound";
    case Said::Unknown:
    case Said::SomethingElse:
      break;
  }
  return "";
}

// Covers DBR-29, DBR-17.
TEST_F(PostgresStandbyTest, ASynchronousOneLosesNothingThatWasAcknowledged) {
  primary_.wait_for_standby("second");
  PostgresNode one(both(), 1);
  PostgresNode two(both(), 2);
  one.open();
  two.open();
  one.must_commit(PostgresNode::put("session", "signed in"));
  one.must_commit(PostgresNode::remove("session"));
  const std::uint64_t server_version = one.store().state().server_version;
  {
    Writer writer(both());
    ASSERT_TRUE(writer.hear(30));

    primary_.kill();
    standby_->promote();

    ASSERT_TRUE(writer.hear(30));
    for (std::size_t i = 0; i < writer.heard.size(); ++i) {
      EXPECT_NE(writer.heard[i], Said::SomethingElse) << "write " << i;
      const std::string expected = expected_of(writer.heard, i);
      if (!expected.empty()) {
        EXPECT_EQ(one.read("id" + std::to_string(i)), expected) << "write " << i;
      }
    }
  }
  EXPECT_EQ(two.read("session"), "NotFound");
  const std::uint64_t version = one.must_commit(PostgresNode::put("after", "1"));
  EXPECT_EQ(two.must_commit(PostgresNode::put("after", "2").if_version(version)), version + 1);
  EXPECT_EQ(one.store().refresh(), two.store().state());
  EXPECT_EQ(one.store().state().server_version, server_version);
}

// Covers DBR-29. What the standby did not have is lost, a sign-out among it: docs/postgresql.md
// says so. No node goes on with what it read of the lost changes.
TEST_F(PostgresStandbyTest, AnAsynchronousOneThatWasBehindMakesEveryNodeReadAgain) {
  Follower one(both(), 1);
  Follower two(both(), 2);
  ASSERT_TRUE(two.is_told_of(one.put("signed-out", "1")));
  standby_->catch_up_with(primary_);
  standby_->stop_following();
  one.must_commit(PostgresNode::remove("signed-out"));
  const std::uint64_t last = one.put("signed-in", "1");
  ASSERT_TRUE(one.is_told_of(last));
  ASSERT_TRUE(two.is_told_of(last));
  const std::uint64_t server_version = one.server_version;

  primary_.kill();
  standby_->promote();

  ASSERT_TRUE(one.is_told_to_resync(2));
  ASSERT_TRUE(two.is_told_to_resync(2));
  EXPECT_NE(one.server_version, server_version);
  EXPECT_EQ(two.server_version, one.server_version);
  EXPECT_NE((one.log_text() + two.log_text()).find("went back to an earlier state"),
            std::string::npos);
  EXPECT_EQ(two.stored(), (std::map<std::string, std::string>{{"signed-out", "1"}}));
  // No version is used for two things.
  const std::uint64_t version = one.put("after", "1");
  EXPECT_GT(version, last);
  EXPECT_TRUE(two.is_told_of(version));
  EXPECT_EQ(one.stored(), two.stored());
}

}  // namespace
}  // namespace vallum::databroker
