// The service on a real socket, asked by a program that another toolchain made.
#include "databroker/rpc/record_calls.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "databroker/store/memory_store.h"
#include "databroker/store/sqlite_store.h"
#include "support/certificates/test_authority.h"
#include "support/record_service.h"
#include "support/seeded_entropy.h"
#include "support/sim/kernel_core.h"
#include "support/temp_directory.h"

namespace vallum::databroker {
namespace {

struct Outcome {
  int status = -1;
  std::string output;
};

Outcome run(const std::string& command) {
  Outcome outcome;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  CHECK(pipe != nullptr);
  char buffer[4096];
  while (const std::size_t got = std::fread(buffer, 1, sizeof(buffer), pipe)) {
    outcome.output.append(buffer, got);
  }
  const int status = ::pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

// Reads one line of a program that goes on.
std::string read_line(FILE* pipe) {
  std::string line;
  for (int c = std::fgetc(pipe); c != EOF && c != '\n'; c = std::fgetc(pipe)) {
    line.push_back(static_cast<char>(c));
  }
  return line;
}

std::string read_lines(FILE* pipe) {
  std::string lines;
  for (std::string line = read_line(pipe); !line.empty(); line = read_line(pipe)) {
    lines += line + "\n";
  }
  return lines;
}

using testing::RecordService;

class RecordCallsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    generated() = std::make_unique<testing::TempDirectory>();
    const Outcome made = run("protoc --proto_path=. --python_out=" + generated()->path() +
                             " proto/databroker.proto proto/session.proto proto/registry.proto "
                             "proto/rpc_status.proto proto/rpc_error_info.proto "
                             "proto/device.proto proto/identity.proto");
    ASSERT_EQ(made.status, 0) << made.output;
  }
  static void TearDownTestSuite() { generated().reset(); }

  static std::unique_ptr<testing::TempDirectory>& generated() {
    static std::unique_ptr<testing::TempDirectory> directory;
    return directory;
  }
  static std::string command(const RecordService& service, const std::string& what) {
    return "/usr/bin/python3 tests/support/record_client.py " + generated()->path() + " " +
           service.address() + " " + what + " ";
  }
  // Has the other program try that case.
  static void expect(const RecordService& service,
                     const std::string& what,
                     const std::string& files = "") {
    const Outcome outcome = run(command(service, what) + files);
    EXPECT_EQ(outcome.status, 0) << outcome.output;
  }
  std::unique_ptr<Store> memory() { return std::make_unique<MemoryStore>(entropy_); }

  testing::SeededEntropy entropy_{5};
};

struct Behaviour {
  const char* name;
  const char* what;
};

class RecordCallsCaseTest : public RecordCallsTest,
                            public ::testing::WithParamInterface<Behaviour> {
 protected:
  std::unique_ptr<Store> sqlite() {
    auto store =
        SqliteStore::open({.directory = directory_.path()},
                          crypto::KeyEncryptionKeys::derive(testing::record_service_secret()),
                          entropy_);
    CHECK(store.has_value());
    return *std::move(store);
  }

  testing::TempDirectory directory_;
};

// Covers DBR-01, DBR-02, DBR-03, DBR-04, DBR-05, DBR-06, DBR-07, DBR-10, DBR-11, DBR-12, DBR-13,
// DBR-14, DBR-15, DBR-16, DBR-20, DBR-23, DBR-24.
TEST_P(RecordCallsCaseTest, HoldsForAnotherToolchainWithEachStore) {
  {
    const RecordService service(memory());
    expect(service, GetParam().what);
  }
  const RecordService service(sqlite());
  expect(service, GetParam().what);
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    RecordCallsCaseTest,
    ::testing::Values(Behaviour{"EveryMethod", "every_method_answers"},
                      Behaviour{"Strangers", "strangers_get_no_answer"},
                      Behaviour{"BadTokens", "bad_tokens_are_refused"},
                      Behaviour{"Metadata", "metadata_has_a_limit"},
                      Behaviour{"Roles", "roles_bound_what_a_caller_does"},
                      Behaviour{"Paths", "only_exact_paths_are_served"},
                      Behaviour{"OtherProtocols", "other_protocols_get_no_answer"},
                      Behaviour{"Sync", "sync_tells_changes_from_a_version"},
                      Behaviour{"SyncFollows", "sync_goes_on_with_what_follows"},
                      Behaviour{"SyncLatest", "sync_latest_names_where_sync_goes_on"},
                      Behaviour{"SlowReader", "a_slow_reader_misses_nothing"},
                      Behaviour{"BadInput", "bad_input_changes_nothing"},
                      Behaviour{"UnknownTypes", "unknown_types_pass_through"},
                      Behaviour{"Leases", "leases_have_one_holder"},
                      Behaviour{"Checkpoints", "checkpoints_are_those_of_the_store"},
                      Behaviour{"Registry", "services_are_registered_listed_and_watched"},
                      Behaviour{"OtherRecords", "records_of_other_packages_are_looked_into"},
                      Behaviour{"Queries", "queries_filter_and_count"},
                      Behaviour{"EndlessRequests", "endless_requests_get_an_answer"},
                      Behaviour{"Concurrency", "readers_end_where_the_store_does"}),
    [](const auto& behaviour) { return std::string(behaviour.param.name); });

TEST_F(RecordCallsTest, BoundsHowManyFollow) {
  const RecordService service(memory(), {.most = {.followers = 2}});

  expect(service, "followers_are_bounded");
}

// Its reads wait until they are let go.
class StuckStore final : public MemoryStore {
 public:
  StuckStore(Entropy& entropy, int gate) : MemoryStore(entropy), gate_(gate) {}

  Result<Record> get(const RecordKey& key) override {
    char byte = 0;
    static_cast<void>(!::read(gate_, &byte, 1));  // the other end is closed to open it
    return MemoryStore::get(key);
  }

 private:
  int gate_;
};

TEST_F(RecordCallsTest, LetsInAThousandCallsAtATime) {
  std::array<int, 2> gate{};
  ASSERT_EQ(::pipe2(gate.data(), O_CLOEXEC), 0);
  const RecordService service(std::make_unique<StuckStore>(entropy_, gate[0]));
  FILE* const client =
      ::popen((command(service, "a_thousand_calls_are_let_in") + "2>&1").c_str(), "r");

  EXPECT_EQ(read_line(client), "full");
  ::close(gate[1]);

  const std::string more = read_lines(client);
  EXPECT_EQ(::pclose(client), 0) << more;
  ::close(gate[0]);
}

TEST_F(RecordCallsTest, LetsAsManyFollowAsItSays) {
  const RecordService service(memory());

  expect(service, "two_hundred_and_fifty_six_follow");
}

TEST_F(RecordCallsTest, HoldsLittleOfWhatStrangersSendAtOnce) {
  const RecordService service(memory());
  const auto most_so_far = [] {
    rusage use{};
    ::getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss >> 10;  // MiB
  };
  const long before = most_so_far();

  expect(service, "strangers_do_not_fill_the_memory");
#if __has_feature(address_sanitizer)
  constexpr long kMost = 2400;  // it keeps what was freed
#else
  constexpr long kMost = 800;
#endif
  EXPECT_LT(most_so_far() - before, kMost);
}

TEST_F(RecordCallsTest, CutsOffAReaderThatTakesNothing) {
  const RecordService service(
      memory(), {.most = {.followers = 1}, .follower_stall_max = std::chrono::milliseconds(500)});

  expect(service, "a_stalled_reader_is_cut_off");
}

TEST_F(RecordCallsTest, EndsStreamsWhenItStops) {
  std::optional<RecordService> service(std::in_place, memory());
  FILE* const follower =
      ::popen((command(*service, "a_stream_ends_with_the_service") + "2>&1").c_str(), "r");
  ASSERT_EQ(read_line(follower), "following");

  service.reset();

  const std::string more = read_lines(follower);
  EXPECT_EQ(::pclose(follower), 0) << more;
}

// Malformed, a hundred times too long, and never sent: to all of them a stranger hears the same,
// and so does a caller of too low a role. Covers DBR-01.
TEST_F(RecordCallsTest, ReadsNothingOfACallerThatIsNotLetIn) {
  RecordService service(memory());
  expect(service, "nothing_of_a_stranger_is_read");

  service.stop();

  EXPECT_EQ(service.desk().messages_asked_for(), 0U);
}

TEST_F(RecordCallsTest, ACallerThatIsLetInIsReadOnce) {
  RecordService service(memory());
  expect(service, "a_call_without_a_message_is_refused");

  service.stop();

  EXPECT_EQ(service.desk().messages_asked_for(), 3U);
}

class RecordCallsTlsTest : public RecordCallsTest {
 protected:
  testing::RecordServiceWish options() {
    testing::CertificateWish wish;
    wish.common_name = "databroker.example";
    wish.extensions = {{"basicConstraints", "critical,CA:FALSE"},
                       {"keyUsage", "critical,digitalSignature"},
                       {"extendedKeyUsage", "serverAuth"}};
    const testing::TestAuthority leaf = authority_.issue(wish.named("DNS:databroker.example"));
    return {.certificate = {.chain_pem = leaf.pem(),
                            .private_key_pem = Secret(leaf.key_pem()),
                            .client_ca_pem = authority_.pem()}};
  }
  std::string file(const std::string& name, const std::string& content) {
    const std::string path = directory_.file(name);
    std::ofstream(path) << content;
    return path;
  }
  // The authority's certificate, and the client's with its key, as files.
  std::string files_of(const testing::TestAuthority& client) {
    return file("ca.pem", authority_.pem()) + " " + file("client.pem", client.pem()) + " " +
           file("client.key", client.key_pem());
  }
  testing::TestAuthority client(const std::string& service) {
    return authority_.issue(testing::CertificateWish().named("URI:vallum:service:" + service));
  }

  SystemClock clock_;  // NOLINT(vallum-banned): the other program lives in real time
  testing::TempDirectory directory_;
  testing::TestAuthority authority_{"Authority", clock_.wall()};
  RecordService service_{memory(), options()};
};

TEST_F(RecordCallsTlsTest, ACertificateBoundsWhatItsOwnerDoes) {
  expect(service_, "a_certificate_bounds_its_owner", files_of(client("proxy")));
  expect(service_, "a_certificate_is_not_enough_for_strangers", files_of(client("databroker")));
}

// A name that begins like that of a databroker, and one of no service. Covers DBR-08.
TEST_F(RecordCallsTlsTest, RefusesACertificateThatNamesNoService) {
  const std::string name("vallum:service:databroker\0.evil", 31);
  ASSERT_EQ(name.size(), 31U);
  testing::CertificateWish cut;
  cut.names_der = std::string("\x30\x21\x86\x1f") + name;

  expect(service_, "a_certificate_of_no_service", files_of(authority_.issue(cut)));
  expect(service_, "a_certificate_of_no_service", files_of(client("databrokers")));
}

// Covers DBR-08.
TEST_F(RecordCallsTlsTest, RefusesTheHandshakeWithoutAGoodCertificate) {
  const testing::TestAuthority other("Other authority", clock_.wall());
  testing::CertificateWish expired;
  expired.begins = -std::chrono::days(20);
  expired.ends = -std::chrono::days(10);

  expect(service_, "no_connection", file("ca.pem", authority_.pem()) + " - -");
  expect(service_, "no_connection", files_of(other.issue()));
  expect(service_, "no_connection", files_of(authority_.issue(expired)));
  expect(service_, "no_connection");
}

}  // namespace
}  // namespace vallum::databroker
