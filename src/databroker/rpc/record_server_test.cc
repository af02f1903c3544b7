// The service on a real socket, asked by a program that another toolchain made.
#include "databroker/rpc/record_server.h"

#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>

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

using testing::RecordService;

class RecordServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    generated() = std::make_unique<testing::TempDirectory>();
    const Outcome made = run("protoc --proto_path=. --python_out=" + generated()->path() +
                             " proto/databroker.proto proto/session.proto");
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

class RecordServerCaseTest : public RecordServerTest,
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
TEST_P(RecordServerCaseTest, HoldsForAnotherToolchainWithEachStore) {
  {
    const RecordService service(memory());
    expect(service, GetParam().what);
  }
  const RecordService service(sqlite());
  expect(service, GetParam().what);
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    RecordServerCaseTest,
    ::testing::Values(Behaviour{"EveryMethod", "every_method_answers"},
                      Behaviour{"Strangers", "strangers_get_no_answer"},
                      Behaviour{"BadTokens", "bad_tokens_are_refused"},
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
                      Behaviour{"Queries", "queries_filter_and_count"},
                      Behaviour{"Concurrency", "readers_end_where_the_store_does"}),
    [](const auto& behaviour) { return std::string(behaviour.param.name); });

TEST_F(RecordServerTest, BoundsHowManyFollow) {
  RecordServerOptions options;
  options.followers_max = 2;
  const RecordService service(memory(), std::move(options));

  expect(service, "followers_are_bounded");
}

TEST_F(RecordServerTest, EndsStreamsWhenItStops) {
  std::optional<RecordService> service(std::in_place, memory());
  FILE* const follower =
      ::popen((command(*service, "a_stream_ends_with_the_service") + "2>&1").c_str(), "r");
  ASSERT_EQ(read_line(follower), "following");

  service.reset();

  std::string more;
  for (std::string line = read_line(follower); !line.empty(); line = read_line(follower)) {
    more += line + "\n";
  }
  EXPECT_EQ(::pclose(follower), 0) << more;
}

TEST_F(RecordServerTest, RefusesClearTextBeyondLoopback) {
  testing::KernelCore kernel;
  Databroker broker({.home = kernel.core,
                     .store = memory(),
                     .cores = 1,
                     .storage = Databroker::Storage::OnCallingCore,
                     .limits = {}});
  Desk desk(kernel.core, broker, testing::record_service_secret());
  RecordServerOptions options;
  options.address = {.ip = *IpAddress::parse("0.0.0.0"), .port = 0};

  const auto server = RecordServer::start(options, desk);

  ASSERT_FALSE(server.has_value());
  EXPECT_EQ(server.error().kind(), ErrorKind::InvalidInput);
}

class RecordServerTlsTest : public RecordServerTest {
 protected:
  RecordServerOptions options() {
    testing::CertificateWish wish;
    wish.common_name = "databroker.example";
    wish.extensions = {{"basicConstraints", "critical,CA:FALSE"},
                       {"keyUsage", "critical,digitalSignature"},
                       {"extendedKeyUsage", "serverAuth"}};
    const testing::TestAuthority leaf = authority_.issue(wish.named("DNS:databroker.example"));
    RecordServerOptions options;
    options.certificate_pem = leaf.pem();
    options.private_key_pem = Secret(leaf.key_pem());
    options.client_ca_pem = authority_.pem();
    return options;
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

TEST_F(RecordServerTlsTest, ACertificateBoundsWhatItsOwnerDoes) {
  expect(service_, "a_certificate_bounds_its_owner", files_of(client("proxy")));
  expect(service_, "a_certificate_is_not_enough_for_strangers", files_of(client("databroker")));
}

TEST_F(RecordServerTlsTest, RefusesTheHandshakeWithoutAGoodCertificate) {
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
