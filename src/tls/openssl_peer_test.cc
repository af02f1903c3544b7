// The command-line tools of OpenSSL as peers, over sockets of the kernel.
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/kernel_network.h"
#include "support/certificates/test_authority.h"
#include "support/sim/kernel_core.h"
#include "support/test_certificates.h"
#include "tls/tls_stream.h"

namespace vallum::tls {
namespace {

using testing::KernelCore;

// The tools know the real date only, so these certificates are good for a century around it.
const WallTime kAroundNow = from_unix_seconds(1767225600);

struct CloseFile {
  void operator()(FILE* file) const { ::pclose(file); }
};
using Pipe = std::unique_ptr<FILE, CloseFile>;

std::string read_rest(FILE* file) {
  std::string text;
  std::array<char, 4096> piece{};
  while (const std::size_t count = std::fread(piece.data(), 1, piece.size(), file)) {
    text.append(piece.data(), count);
  }
  return text;
}

class OpensslPeerTest : public ::testing::Test {
 protected:
  OpensslPeerTest() {
    char name[] = "/tmp/vallum_tls_test.XXXXXX";
    folder_ = ::mkdtemp(name);
    write_file("ca.pem", world_.authority_pem());
  }
  ~OpensslPeerTest() override {
    for (const char* file : {"ca.pem", "session", "leaf.pem", "leaf.key"}) {
      ::unlink((folder_ + "/" + file).c_str());
    }
    ::rmdir(folder_.c_str());
  }

  std::string path(const std::string& file) const { return folder_ + "/" + file; }
  void write_file(const std::string& file, std::string_view text) {
    std::ofstream(path(file), std::ios::binary) << text;
  }

  void serve(std::vector<CertificateSource> sources, ClientCertificates clients = {}) {
    context_ =
        *ServerContext::make(*CertificateStore::make(std::move(sources), kernel_.clock.wall()),
                             {"http/1.1"},
                             std::move(clients));
    listener_ = *network_.listen({.ip = IpAddress::loopback_v4(), .port = 0}, {});
  }

  // Answers one line with what the handshake agreed on.
  static Async<void> answer_one(OpensslPeerTest* test) {
    const Deadline deadline = test->kernel_.core.deadline_in(std::chrono::seconds(60));
    CO_TRY(auto inner, co_await test->listener_->accept());
    CO_TRY(auto stream,
           co_await accept(
               std::move(inner), test->context_, &test->per_core_, deadline, &test->introduction_));
    std::array<std::byte, 256> line{};
    CO_TRY(const std::size_t size, co_await net::read_some(stream.get(), line, deadline));
    if (size > 0) {
      const std::string facts = std::string("version=")
                                    .append(stream->version())
                                    .append(" cipher=")
                                    .append(stream->cipher())
                                    .append(" name=")
                                    .append(stream->server_name())
                                    .append(" protocol=")
                                    .append(stream->protocol())
                                    .append(stream->resumed() ? " resumed\n" : " full\n");
      CO_TRY_OK(co_await net::write_all(stream.get(), as_bytes(facts), deadline));
    }
    co_await net::close_lingering(std::move(stream), deadline, 1U << 16U);
    co_return {};
  }

  struct Outcome {
    std::string output;  // of the client, both streams
    Result<void> server;
  };

  // Runs s_client with these options and this input against one turn of the server.
  Outcome client(const std::string& options, const std::string& input = "hello\\n") {
    const std::string command = "printf '" + input + "' | openssl s_client -connect " +
                                listener_->local_address().text() + " -CAfile " + path("ca.pem") +
                                " " + options + " 2>&1";
    const Pipe process(::popen(command.c_str(), "r"));
    Outcome outcome;
    outcome.server = async::block_on(kernel_.core, answer_one(this));
    outcome.output = read_rest(process.get());
    return outcome;
  }

  static bool says(const Outcome& outcome, std::string_view text) {
    return outcome.output.find(text) != std::string::npos;
  }

  std::string folder_;
  testing::TestCertificates world_{kAroundNow, 11, std::chrono::days(365 * 50)};
  KernelCore kernel_;
  net::KernelNetwork network_{kernel_.core};
  PerCore per_core_{Secret(std::string_view("seed")), kernel_.clock.wall()};
  async::Snapshot<ServerContext> context_;
  std::unique_ptr<net::Listener> listener_;
  Introduction introduction_;
};

TEST_F(OpensslPeerTest, SpeaksTls13AndTls12) {
  std::vector<CertificateSource> sources;
  sources.push_back(world_.certificate("app.example", {"app.example"}));
  serve(std::move(sources));
  const std::string trusting =
      "-quiet -verify_return_error -servername app.example -verify_hostname app.example "
      "-alpn http/1.1 ";

  const Outcome newer = client(trusting + "-tls1_3");
  const Outcome older = client(trusting + "-tls1_2");

  EXPECT_TRUE(says(newer,
                   "version=TLSv1.3 cipher=TLS_AES_128_GCM_SHA256 name=app.example "
                   "protocol=http/1.1 full"))
      << newer.output;
  EXPECT_TRUE(says(older,
                   "version=TLSv1.2 cipher=ECDHE-ECDSA-AES256-GCM-SHA384 name=app.example "
                   "protocol=http/1.1 full"))
      << older.output;
}

TEST_F(OpensslPeerTest, TheNameAskedForChoosesTheCertificate) {
  std::vector<CertificateSource> sources;
  sources.push_back(world_.certificate("first.example", {"first.example"}));
  sources.push_back(world_.certificate("wild.example", {"*.wild.example"}));
  serve(std::move(sources));

  EXPECT_TRUE(says(client("-brief -ign_eof -servername a.wild.example"), "CN = wild.example"));
  EXPECT_TRUE(says(client("-brief -ign_eof -servername unknown.example"), "CN = first.example"));
  EXPECT_TRUE(says(client("-brief -ign_eof -noservername"), "CN = first.example"));
}

TEST_F(OpensslPeerTest, TheClientsAbilitiesChooseBetweenKeyKinds) {
  std::vector<CertificateSource> sources;
  sources.push_back(*read_certificate_files("tests/data/tls/rsa.pem", "tests/data/tls/rsa.key"));
  sources.push_back(world_.certificate("ecdsa.example", {"app.example"}));
  serve(std::move(sources));
  const std::string app = "-brief -ign_eof -servername app.example ";

  EXPECT_TRUE(says(client(app + "-tls1_3"), "ecdsa.example"));
  EXPECT_TRUE(says(client(app + "-tls1_3 -sigalgs RSA-PSS+SHA256"), "rsa.example"));
  EXPECT_TRUE(says(client(app + "-tls1_2"), "ecdsa.example"));
  EXPECT_TRUE(says(client(app + "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256"), "rsa.example"));
}

TEST_F(OpensslPeerTest, ATicketResumesInBothVersions) {
  std::vector<CertificateSource> sources;
  sources.push_back(world_.certificate("app.example", {"app.example"}));
  serve(std::move(sources));
  for (const char* version : {"-tls1_3", "-tls1_2"}) {
    const std::string options = std::string("-quiet -servername app.example ") + version;

    const Outcome first = client(options + " -sess_out " + path("session"));
    const Outcome second = client(options + " -sess_in " + path("session"));

    EXPECT_TRUE(says(first, " full")) << version << first.output;
    EXPECT_TRUE(says(second, " resumed")) << version << second.output;
  }
}

TEST_F(OpensslPeerTest, WhatIsTooWeakIsRefusedWithAReason) {
  std::vector<CertificateSource> sources;
  sources.push_back(world_.certificate("app.example", {"app.example"}));
  serve(std::move(sources));

  const Outcome old = client("-tls1_1 -cipher DEFAULT@SECLEVEL=0");
  const Outcome no_secrecy = client("-tls1_2 -cipher AES128-SHA");

  ASSERT_FALSE(old.server.has_value());
  EXPECT_EQ(old.server.error().message(), "TLS handshake: unsupported protocol");
  ASSERT_FALSE(no_secrecy.server.has_value());
  EXPECT_EQ(no_secrecy.server.error().message(), "TLS handshake: no shared cipher");
}

TEST_F(OpensslPeerTest, RenegotiationIsRefused) {
  std::vector<CertificateSource> sources;
  sources.push_back(world_.certificate("app.example", {"app.example"}));
  serve(std::move(sources));

  const Outcome outcome = client("-tls1_2", "R\\n");

  EXPECT_TRUE(says(outcome, "RENEGOTIATING")) << outcome.output;
  EXPECT_TRUE(says(outcome, "no renegotiation")) << outcome.output;
}

// What clients are asked for, and what becomes of what they show.
class OpensslClientCertificateTest : public OpensslPeerTest {
 protected:
  OpensslClientCertificateTest() {
    const testing::TestAuthority middle = root_.issue_authority("Middle");
    keep("good", root_.issue());
    keep("deep", middle.issue());
    write_file("middle.pem", middle.pem());
    keep("stranger", testing::TestAuthority("Stranger", kernel_.clock.wall()).issue());
  }
  ~OpensslClientCertificateTest() override {
    for (const char* file : {"good.pem",
                             "good.key",
                             "deep.pem",
                             "deep.key",
                             "middle.pem",
                             "stranger.pem",
                             "stranger.key"}) {
      ::unlink(path(file).c_str());
    }
  }

  void keep(const std::string& name, const testing::TestAuthority& leaf) {
    write_file(name + ".pem", leaf.pem());
    write_file(name + ".key", leaf.key_pem());
  }
  std::string as(const std::string& name) const {
    return "-servername app.example -cert " + path(name + ".pem") + " -key " + path(name + ".key");
  }
  void serve_clients(bool required, std::uint32_t depth_max = 1) {
    const std::string pem = root_.pem();
    const std::string_view bundle = pem;
    std::vector<CertificateSource> sources;
    sources.push_back(world_.certificate("app.example", {"app.example"}));
    serve(std::move(sources),
          {.authorities = async::make_snapshot<crypto::ClientAuthorities>(
               *crypto::ClientAuthorities::make(std::span(&bundle, 1), {.depth_max = depth_max})),
           .required = required});
  }

  testing::TestAuthority root_{"Clients", kernel_.clock.wall()};
};

TEST_F(OpensslClientCertificateTest, TheAuthoritiesAreNamedAndAnyCertificateIsNoted) {
  serve_clients(false);
  for (const char* version : {" -tls1_3", " -tls1_2"}) {
    const Outcome outcome = client(as("stranger") + version);

    EXPECT_TRUE(outcome.server.has_value()) << version;
    EXPECT_TRUE(says(outcome, "Acceptable client certificate CA names\nCN = Clients"))
        << outcome.output;
    ASSERT_NE(introduction_.certificates, nullptr);
    EXPECT_EQ(introduction_.certificates->issuer(), "CN=Stranger");
    EXPECT_EQ(introduction_.server_name, "app.example");
  }
}

TEST_F(OpensslClientCertificateTest, NoCertificateIsFineWhereNoneIsRequired) {
  serve_clients(false);
  EXPECT_TRUE(says(client("-quiet -servername app.example"), " full"));
  EXPECT_EQ(introduction_.certificates, nullptr);
}

TEST_F(OpensslClientCertificateTest, TheCertificatesBetweenComeAlong) {
  serve_clients(true, 2);
  const Outcome outcome = client(as("deep") + " -quiet -cert_chain " + path("middle.pem"));
  EXPECT_TRUE(says(outcome, " full")) << outcome.output;
  ASSERT_NE(introduction_.certificates, nullptr);
  EXPECT_EQ(introduction_.certificates->certificates().size(), 2U);
}

TEST_F(OpensslClientCertificateTest, WhoIsRefusedIsKnownAllTheSame) {
  serve_clients(true);
  for (const char* version : {" -tls1_3", " -tls1_2"}) {
    // It says nothing and waits: in TLS 1.3 it believes at first that it was let in.
    const Outcome outcome = client(as("stranger") + version + " -ign_eof", "");

    ASSERT_FALSE(outcome.server.has_value());
    EXPECT_EQ(outcome.server.error().message(),
              "TLS handshake: the client's certificate: no authority vouches for it");
    EXPECT_TRUE(says(outcome, "alert unknown ca")) << outcome.output;
    ASSERT_NE(introduction_.certificates, nullptr);
    EXPECT_EQ(introduction_.certificates->issuer(), "CN=Stranger");
  }
  const Outcome none = client("-servername app.example");
  ASSERT_FALSE(none.server.has_value());
  EXPECT_EQ(none.server.error().message(), "TLS handshake: peer did not return a certificate");
}

TEST_F(OpensslClientCertificateTest, OnlyAConnectionWithoutACertificateGetsATicket) {
  serve_clients(false);
  for (const char* version : {" -tls1_3", " -tls1_2"}) {
    const std::string options = std::string("-quiet -servername app.example") + version;

    const Outcome with = client(as("good") + version + " -quiet -sess_out " + path("session"));
    EXPECT_TRUE(says(with, " full")) << version << with.output;
    EXPECT_NE(::access(path("session").c_str(), F_OK), 0) << "nothing to resume with " << version;
    client(options + " -sess_out " + path("session"));
    const Outcome without = client(options + " -sess_in " + path("session"));

    EXPECT_TRUE(says(without, " resumed")) << version << without.output;
    ::unlink(path("session").c_str());
  }
}

// The other way round: our client and s_server.
class OpensslServerTest : public OpensslPeerTest {
 protected:
  void start_server(const std::string& options) {
    const CertificateSource leaf = world_.certificate("app.example", {"app.example"});
    write_file("leaf.pem", leaf.certificate_pem);
    write_file("leaf.key", leaf.private_key_pem.expose_text());
    const std::string command = "openssl s_server -accept 127.0.0.1:0 -cert " + path("leaf.pem") +
                                " -key " + path("leaf.key") + " -rev " + options +
                                " 2>&1 </dev/null";
    process_.reset(::popen(command.c_str(), "r"));
    std::array<char, 256> line{};
    while (std::fgets(line.data(), line.size(), process_.get()) != nullptr) {
      const std::string_view text(line.data());
      if (text.starts_with("ACCEPT ")) {
        address_ = *net::SocketAddress::parse(trim_space(text.substr(7)));
        return;
      }
    }
  }

  // Sends a line; the server sends it back reversed.
  Async<std::string> ask(std::string line) {
    const Deadline deadline = kernel_.core.deadline_in(std::chrono::seconds(60));
    CO_TRY(auto inner, co_await network_.connect(address_, deadline));
    CO_TRY(
        auto stream,
        co_await connect(std::move(inner), client_context_, "app.example", &per_core_, deadline));
    resumed_ = stream->resumed();
    line.push_back('\n');
    CO_TRY_OK(co_await net::write_all(stream.get(), as_bytes(line), deadline));
    std::string answer;
    std::array<std::byte, 256> piece{};
    while (!answer.ends_with('\n')) {
      CO_TRY(const std::size_t size, co_await net::read_some(stream.get(), piece, deadline));
      if (size == 0) {
        break;
      }
      answer += as_text(ByteView(piece).first(size));
    }
    co_return answer;
  }

  net::SocketAddress address_;
  async::Snapshot<ClientContext> client_context_ =
      *ClientContext::make({.roots = *TrustRoots::only(world_.authority_pem()),
                            .verify = Verify::ChainAndName,
                            .protocols = {"http/1.1"}});
  bool resumed_ = false;
  Pipe process_;
};

TEST_F(OpensslServerTest, OurClientResumesWithAForeignServerInBothVersions) {
  for (const char* version : {"-tls1_3", "-tls1_2"}) {
    start_server(std::string(version) + " -naccept 2");

    EXPECT_EQ(async::block_on(kernel_.core, ask("abc")), "cba\n");
    EXPECT_FALSE(resumed_) << version;
    EXPECT_EQ(async::block_on(kernel_.core, ask("def")), "fed\n");
    EXPECT_TRUE(resumed_) << version;
  }
}

}  // namespace
}  // namespace vallum::tls
