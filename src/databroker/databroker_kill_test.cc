// Ten thousand acknowledged writes while the broker, one of several nodes, or the database is
// killed again and again: none of them is lost, and nothing that was deleted comes back.
#include <array>
#include <csignal>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "async/event.h"
#include "async/scope.h"
#include "base/strings.h"
#include "base/unique_function.h"
#include "databroker/databroker.h"
#include "databroker/store/postgres_store.h"
#include "databroker/store/sqlite_store.h"
#include "support/captured_lines.h"
#include "support/databroker/write_ledger.h"
#include "support/postgres/node.h"
#include "support/postgres/server.h"
#include "support/sim/kernel_core.h"
#include "support/temp_directory.h"

namespace vallum::databroker {
namespace {

using namespace std::chrono_literals;
using testing::KernelCore;
using testing::PostgresNode;
using testing::PostgresServer;
using testing::RawSession;
using testing::Said;
using testing::WriteLedger;
using testing::WriteNote;

// When something is killed, in writes that were acknowledged; the last time ends the test.
constexpr auto kKills = std::to_array<std::size_t>({10, 3'000, 6'000, 10'000});
// Of one process; their writes become durable together.
constexpr std::uint32_t kWriters = 64;

struct OpenParts {
  const Clock& clock;
  Entropy& entropy;
  telemetry::Log& log;
};
using OpenStore = UniqueFunction<Result<std::unique_ptr<Store>>(OpenParts)>;

Said said_of(const Result<Committed>& committed) {
  if (committed) {
    return Said::Acknowledged;
  }
  if (committed.error().kind() == ErrorKind::DeadlineExceeded) {
    return Said::Unknown;
  }
  return committed.error().kind() == ErrorKind::Unavailable ? Said::NotWritten
                                                            : Said::SomethingElse;
}

// What the coroutines of one process share.
struct Pen {
  async::Core& core;
  Databroker& broker;
  int pipe;
  async::Event never;
};

// Says of each step what came of it, for as long as the process lives.
Task<void> write_on(Pen* pen, std::uint32_t writer, std::uint32_t step) {
  for (;; ++step) {
    const auto committed =
        co_await pen->broker.put(WriteLedger::batch_of(writer, step), Deadline::never());
    const WriteNote note{.writer = writer,
                         .step = step,
                         .said = said_of(committed),
                         .version = committed ? committed->versions.back() : 0};
    if (::write(pen->pipe, &note, sizeof note) != sizeof note) {
      ::_exit(1);
    }
    if (!committed) {
      // As a caller that was told to come back later.
      const Deadline later = pen->core.deadline_in(20ms);
      co_await pen->never.wait(later);
    }
  }
}

// Runs a databroker in a process of its own, with writers that tell what they were told.
class NodeProcess {
 public:
  NodeProcess(OpenStore& open, std::uint32_t first_writer, const WriteLedger& ledger)
      : first_writer_(first_writer) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    process_ = ::fork();
    if (process_ == 0) {
      ::close(ends[0]);
      run(open, first_writer, ledger, ends[1]);
    }
    ::close(ends[1]);
    notes_ = ends[0];
  }
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;
  ~NodeProcess() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
    }
    ::close(notes_);
  }

  int notes() const { return notes_; }
  // False at the end of what it says.
  bool hear(WriteLedger& ledger) {
    WriteNote note;
    if (::read(notes_, &note, sizeof note) != sizeof note) {
      return false;
    }
    ledger.note(note);
    return true;
  }
  // What it was told before stands in the pipe still.
  void kill(WriteLedger& ledger) {
    ::kill(process_, SIGKILL);
    while (hear(ledger)) {
    }
    int status = 0;
    EXPECT_EQ(::waitpid(process_, &status, 0), process_);
    EXPECT_TRUE(WIFSIGNALED(status));
    process_ = -1;
    for (std::uint32_t i = 0; i < kWriters; ++i) {
      ledger.cut_off(first_writer_ + i);
    }
  }

 private:
  [[noreturn]] static void run(OpenStore& open,
                               std::uint32_t first_writer,
                               const WriteLedger& ledger,
                               int pipe) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves no writer behind
    KernelCore kernel;
    SystemEntropy entropy;
    testing::CapturedLines lines;
    const telemetry::LogFilter filter{telemetry::LogLevel::Info};
    telemetry::Log log{lines, kernel.clock, filter, "databroker"};
    auto store = open({.clock = kernel.clock, .entropy = entropy, .log = log});
    if (!store) {
      ::_exit(1);
    }
    Databroker broker({.home = kernel.core, .store = *std::move(store)});
    Pen pen{
        .core = kernel.core, .broker = broker, .pipe = pipe, .never = async::Event(kernel.core)};
    async::Scope scope(kernel.core);
    for (std::uint32_t i = 0; i < kWriters; ++i) {
      scope.spawn(write_on(&pen, first_writer + i, ledger.next_step(first_writer + i)));
    }
    for (;;) {
      kernel.core.turn();
    }
  }

  std::uint32_t first_writer_;
  pid_t process_ = -1;
  int notes_ = -1;
};

using Nodes = std::vector<std::unique_ptr<NodeProcess>>;

// Until so many writes were acknowledged. False when a process ended by itself, or for two minutes
// nobody was told anything.
bool hear_until(const Nodes& nodes, WriteLedger& ledger, std::size_t acknowledged) {
  std::vector<pollfd> ready;
  for (const auto& node : nodes) {
    ready.push_back({.fd = node->notes(), .events = POLLIN, .revents = 0});
  }
  while (ledger.acknowledged() < acknowledged) {
    if (::poll(ready.data(), ready.size(), 120'000) <= 0) {
      return false;
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (ready[i].revents != 0 && !nodes[i]->hear(ledger)) {
        return false;
      }
    }
  }
  return true;
}

Secret secret() {
  return Secret(PostgresNode::kSecret);
}

// Covers DBR-17.
TEST(DatabrokerKillTest, ABrokerThatIsKilledLosesNothingAcknowledged) {
  const testing::TempDirectory directory;
  OpenStore open = [&directory](OpenParts parts) -> Result<std::unique_ptr<Store>> {
    TRY(auto store,
        SqliteStore::open({.directory = directory.path()},
                          crypto::KeyEncryptionKeys::derive(secret()),
                          parts.entropy));
    return std::unique_ptr<Store>(std::move(store));
  };
  WriteLedger ledger(kWriters);
  for (const std::size_t kill_at : kKills) {
    Nodes nodes;
    nodes.push_back(std::make_unique<NodeProcess>(open, 0, ledger));
    ASSERT_TRUE(hear_until(nodes, ledger, kill_at));

    nodes.front()->kill(ledger);

    testing::SeededEntropy entropy(5);
    auto store = SqliteStore::open(
        {.directory = directory.path()}, crypto::KeyEncryptionKeys::derive(secret()), entropy);
    ASSERT_TRUE(store.has_value()) << store.error().message();
    ledger.compare_with(**store);
  }
}

// Processes that write to one PostgreSQL.
class PostgresKillTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kNodes = 3;

  void begin(std::size_t node) {
    const std::string address =
        server_.by_socket(database_) + " application_name=node" + std::to_string(node);
    OpenStore open = [&address](OpenParts parts) -> Result<std::unique_ptr<Store>> {
      const Secret where(address);
      const auto keys = crypto::KeyEncryptionKeys::derive(secret());
      TRY(auto store,
          PostgresStore::open({.address = where,
                               .keys = keys,
                               .clock = parts.clock,
                               .entropy = parts.entropy,
                               .log = parts.log}));
      return std::unique_ptr<Store>(std::move(store));
    };
    auto process =
        std::make_unique<NodeProcess>(open, static_cast<std::uint32_t>(node) * kWriters, ledger_);
    if (node < nodes_.size()) {
      nodes_[node] = std::move(process);
    } else {
      nodes_.push_back(std::move(process));
    }
  }
  void begin_all() {
    for (std::size_t node = 0; node < kNodes; ++node) {
      begin(node);
    }
  }
  // The server may not have heard yet that it is gone, and be at its last commit.
  void kill(std::size_t node) {
    nodes_[node]->kill(ledger_);
    RawSession(server_.by_socket("postgres"))
        .wait_until("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'node" +
                        std::to_string(node) + "'",
                    "0");
  }
  void kill_all_and_compare() {
    for (std::size_t node = 0; node < kNodes; ++node) {
      kill(node);
    }
    PostgresNode reader(server_.by_socket(database_), 9);
    ledger_.compare_with(reader.open());
  }

  // Of fsync only a machine that loses its power would show the difference, and it saves seconds.
  // Sessions do not go along with the other.
  PostgresServer server_{"fsync = off\nsynchronous_commit = off"};
  std::string database_ = server_.create_database();
  WriteLedger ledger_{kNodes * kWriters};
  Nodes nodes_;
};

// Covers DBR-17.
TEST_F(PostgresKillTest, ANodeThatIsKilledLosesNothingAcknowledgedAndHindersNoOther) {
  begin_all();
  for (std::size_t i = 0; i < kKills.size(); ++i) {
    ASSERT_TRUE(hear_until(nodes_, ledger_, kKills.at(i)));
    const std::size_t node = i % kNodes;

    kill(node);

    begin(node);
  }
  kill_all_and_compare();
}

// Covers DBR-17.
TEST_F(PostgresKillTest, ADatabaseThatIsKilledLosesNothingAcknowledged) {
  begin_all();
  bool is_backend = true;
  for (const std::size_t kill_at : kKills) {
    ASSERT_TRUE(hear_until(nodes_, ledger_, kill_at));

    if (std::exchange(is_backend, !is_backend)) {
      // The others are ended by the server, which then recovers.
      const auto backends =
          RawSession(server_.by_socket("postgres"))
              .ask(
                  "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'node%' AND "
                  "query <> 'LISTEN vallum'");
      ASSERT_FALSE(backends.empty());
      ASSERT_EQ(::kill(static_cast<pid_t>(parse_u64(backends.front()).value_or(0)), SIGKILL), 0);
    } else {
      server_.kill();
    }
    server_.start();
  }
  ASSERT_TRUE(hear_until(nodes_, ledger_, ledger_.acknowledged() + 100));
  kill_all_and_compare();
}

}  // namespace
}  // namespace vallum::databroker
