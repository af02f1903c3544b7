// Client certificates from the handshake to the decision, with the client of OpenSSL on a socket.
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "support/certificates/test_authority.h"
#include "support/deployment/tls_deployment.h"
#include "support/temp_directory.h"

namespace vallum::testing {
namespace {

using std::chrono::days;

const std::string kRoutes =
    "routes:\n"
    "  - from: https://app.example\n    to: APPLICATION\n    allow_websockets: true\n"
    "    allow_public_unauthenticated_access: true\n"
    "  - from: https://partner.example\n    to: APPLICATION\n"
    "    allow_public_unauthenticated_access: true\n"
    "    tls_downstream_client_ca_file: partner.pem\n"
    "  - from: https://named.example\n    to: APPLICATION\n    policy:\n"
    "      - allow: {or: [{client_certificate: {san_email: {is: alice@example.com}}}]}\n";
const std::string kPlainRoute =
    "routes:\n  - {from: 'https://app.example', to: APPLICATION, "
    "allow_public_unauthenticated_access: true, allow_websockets: true}\n";

std::string request(const std::string& host,
                    const std::string& path = "/",
                    const std::string& more = "Connection: close\r\n") {
  return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAccept: application/json\r\n" + more +
         "\r\n";
}

bool contains(const std::string& text, std::string_view piece) {
  return text.find(piece) != std::string::npos;
}

int count(const std::string& text, std::string_view piece) {
  int found = 0;
  for (std::size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) {
    ++found;
  }
  return found;
}

class ClientCertificateTest : public ::testing::Test {
 protected:
  ClientCertificateTest() {
    write("ca.pem", root_.pem());
    write("partner.pem", partner_.pem());
    write("crl.pem", root_.list_pem());
    keep("alice", root_.issue(CertificateWish().named("email:alice@example.com")));
    keep("partner", partner_.issue());
    keep("stranger", TestAuthority("Stranger", now_).issue());
  }

  void write(const std::string& file, const std::string& text) const {
    std::ofstream(files_.file(file), std::ios::binary) << text;
  }
  // NAME.pem and NAME.key; `above` are certificates that are presented, too.
  void keep(const std::string& name, const TestAuthority& leaf, const std::string& above = "") {
    write(name + ".pem", leaf.pem());
    write(name + ".key", leaf.key_pem());
    write(name + ".above", above);
  }
  // Options of a client of that name, "" for one without a certificate.
  std::string as(const std::string& name, const std::string& server_name = "app.example") const {
    const std::string options = "-servername " + server_name;
    return name.empty() ? options
                        : options + " -cert " + files_.file(name + ".pem") + " -key " +
                              files_.file(name + ".key");
  }
  std::string with_chain(const std::string& name) const {
    return as(name) + " -cert_chain " + files_.file(name + ".above");
  }
  static std::string block(const std::string& more = "") {
    return "downstream_mtls:\n  ca_file: ca.pem\n" + more;
  }

  // NOLINTNEXTLINE(vallum-banned): the client is another program and knows the real date only
  WallTime now_ = SystemClock().wall();
  TempDirectory files_;
  TestAuthority root_{"Root", now_};
  TestAuthority partner_{"Partner", now_};
};

TEST_F(ClientCertificateTest, ByDefaultARouteAnswers495WithoutATrustedCertificate) {
  TlsDeployment deployment(files_, block() + kRoutes);

  EXPECT_TRUE(contains(deployment.talk(as("alice"), request("app.example")), "application"));
  for (const char* client : {"", "stranger", "partner"}) {
    const std::string answer = deployment.talk(as(client), request("app.example"));
    EXPECT_TRUE(contains(answer, "HTTP/1.1 495 ")) << client << answer;
    EXPECT_TRUE(contains(answer, "a valid client certificate is required")) << client << answer;
  }
  EXPECT_TRUE(contains(deployment.talk(as(""), request("app.example", "/ping")), "own"))
      << "own endpoints ask for no certificate";
}

TEST_F(ClientCertificateTest, RecordsTellWhoseCertificateItWasAndWhyItWasRefused) {
  TlsDeployment deployment(files_, block() + kRoutes);

  deployment.talk(as("alice"), request("app.example"));
  const std::string allowed = deployment.records();
  deployment.talk(as("stranger"), request("app.example"));
  const std::string refused = deployment.records().substr(allowed.size());

  EXPECT_TRUE(contains(allowed, R"("issuer":"CN=Root","subject":"CN=alice"})")) << allowed;
  EXPECT_TRUE(contains(refused,
                       R"("issuer":"CN=Stranger","subject":"CN=alice","refused-because":)"
                       R"("not-trusted"})"))
      << refused;
  EXPECT_TRUE(contains(refused, R"("deny-why-true":["invalid-client-certificate"])"));
  EXPECT_TRUE(contains(refused, R"("outcome":"certificate-required")"));
}

// Traps 32 to 34, 70: a route's authorities replace the global ones, and only its policy asks who
// the certificate is of.
TEST_F(ClientCertificateTest, EachRouteHasItsOwnAuthorities) {
  TlsDeployment deployment(files_, block() + kRoutes);
  const auto ask = [&](const std::string& client, const std::string& host) {
    return deployment.talk(as(client, host), request(host));
  };

  EXPECT_TRUE(contains(ask("partner", "partner.example"), "application"));
  EXPECT_TRUE(contains(ask("alice", "partner.example"), "HTTP/1.1 495 "));
  EXPECT_TRUE(contains(ask("alice", "named.example"), "application"));
  EXPECT_TRUE(contains(ask("", "named.example"), "HTTP/1.1 495 "));
  keep("bob", root_.issue(CertificateWish().named("email:bob@example.com")));
  EXPECT_TRUE(contains(ask("bob", "named.example"), "HTTP/1.1 403 "));
}

// Covers HDR-18.
TEST_F(ClientCertificateTest, AConnectionForOneHostIsNotUsedForOneThatAsksForOtherCertificates) {
  TlsDeployment deployment(files_, block() + kRoutes);

  const std::string both = request("app.example", "/", "") + request("partner.example");
  for (const char* client : {"alice", "partner"}) {
    const std::string answers = deployment.talk(as(client, "app.example"), both);
    EXPECT_TRUE(contains(answers, "HTTP/1.1 421 ") || contains(answers, "HTTP/1.1 495 "))
        << answers;
  }
  EXPECT_TRUE(contains(deployment.talk(as("partner", "app.example"), request("partner.example")),
                       "HTTP/1.1 421 "));
  EXPECT_TRUE(contains(deployment.talk(as("alice", "app.example"), request("named.example")),
                       "application"))
      << "the same certificates are asked for there";
}

TEST_F(ClientCertificateTest, LeftToPolicyACertificateCountsOnlyWhereARuleAsks) {
  TlsDeployment deployment(
      files_,
      block("  enforcement: policy\n") + kRoutes +
          "  - from: https://strict.example\n    to: APPLICATION\n    policy:\n"
          "      - allow: {and: [{accept: true}]}\n"
          "        deny: {or: [{invalid_client_certificate: true}]}\n");

  EXPECT_TRUE(contains(deployment.talk(as(""), request("app.example")), "application"));
  EXPECT_TRUE(contains(deployment.talk(as("stranger"), request("app.example")), "application"));
  EXPECT_TRUE(contains(deployment.talk(as("", "strict.example"), request("strict.example")),
                       "HTTP/1.1 495 "));
  EXPECT_TRUE(contains(deployment.talk(as("stranger", "strict.example"), request("strict.example")),
                       "HTTP/1.1 495 "));
  EXPECT_TRUE(contains(deployment.talk(as("alice", "strict.example"), request("strict.example")),
                       "application"));
}

// Covers TLS-01.
TEST_F(ClientCertificateTest, WhatIsWrongWithACertificateIs495WhereConnectionsAreAccepted) {
  const TestAuthority middle = root_.issue_authority("Middle");
  const TestAuthority revoked = root_.issue(CertificateWish().named("DNS:good.example"));
  CertificateWish server = CertificateWish().named("DNS:good.example");
  server.extensions[2].second = "serverAuth";
  CertificateWish nul;
  nul.names_der = std::string("\x30\x14\x82\x12") + std::string("good.example\0.evil", 18);
  write("crl.pem", root_.list_pem({.revoked = {revoked.serial()}}));
  keep("revoked", revoked);
  keep("server", root_.issue(server));
  keep("other type", root_.issue(CertificateWish().named("URI:good.example")));
  keep("nul", root_.issue(nul));
  keep("deep", middle.issue(CertificateWish().named("DNS:good.example")), middle.pem());
  keep("good", root_.issue(CertificateWish().named("DNS:good.example")));
  TlsDeployment deployment(
      files_,
      block("  crl_file: crl.pem\n  match_subject_alt_names: [{dns: 'good\\.example.*'}]\n") +
          kPlainRoute);

  for (const auto& [name, reason] : {std::pair("revoked", "revoked"),
                                     std::pair("server", "wrong-use"),
                                     std::pair("nul", "malformed")}) {
    const std::string before = deployment.records();
    const std::string answer = deployment.talk(as(name), request("app.example"));
    EXPECT_TRUE(contains(answer, "HTTP/1.1 495 ")) << name << answer;
    EXPECT_TRUE(contains(deployment.records().substr(before.size()),
                         "\"refused-because\":\"" + std::string(reason) + "\""))
        << name;
  }
  EXPECT_TRUE(contains(deployment.talk(with_chain("deep"), request("app.example")), "495 "));
  EXPECT_TRUE(contains(deployment.records(), "\"refused-because\":\"too-deep\""));
  EXPECT_TRUE(contains(deployment.talk(as("good"), request("app.example")), "application"));
}

// Covers TLS-01.
TEST_F(ClientCertificateTest, WhereConnectionsAreRejectedTheAlertSaysWhy) {
  const TestAuthority revoked = root_.issue();
  CertificateWish server;
  server.extensions[2].second = "serverAuth";
  write("crl.pem", root_.list_pem({.revoked = {revoked.serial()}}));
  keep("revoked", revoked);
  keep("server", root_.issue(server));
  keep("expired", root_.issue({.begins = -days(9), .ends = -days(1)}));
  TlsDeployment deployment(
      files_, block("  crl_file: crl.pem\n  enforcement: reject_connection\n") + kRoutes);

  for (const auto& [client, alert] : {std::pair("", "alert certificate required"),
                                      std::pair("stranger", "alert unknown ca"),
                                      std::pair("revoked", "alert certificate revoked"),
                                      std::pair("expired", "alert certificate expired"),
                                      std::pair("server", "alert unsupported certificate")}) {
    const std::string answer = deployment.talk(as(client), request("app.example", "/ping"));
    EXPECT_TRUE(contains(answer, alert)) << client << answer;
    EXPECT_FALSE(contains(answer, "HTTP/1.1")) << client << answer;
    EXPECT_FALSE(contains(deployment.talk(as(client) + " -tls1_2", request("app.example", "/ping")),
                          "HTTP/1.1"))
        << client;
  }
  const std::string records = deployment.records();
  EXPECT_TRUE(contains(records,
                       R"("message":"listener connection failure","ip":"127.0.0.1",)"
                       R"("tls-sni-hostname":"app.example",)"
                       R"("downstream-transport-failure-reason":"TLS handshake: the )"
                       R"(client's certificate: it, or one above it, was revoked",)"
                       R"("client-certificate":{"fingerprint":")"))
      << records;
  EXPECT_TRUE(contains(deployment.talk(as("alice"), request("app.example")), "application"));
  EXPECT_TRUE(contains(deployment.talk(as("partner"), request("app.example")), "HTTP/1.1 495 "))
      << "trusted by some route, and not by this one";
}

// A ticket must carry no verdict: neither one's own of yesterday nor another's.
TEST_F(ClientCertificateTest, AConnectionWithACertificateIsNeverResumed) {
  TlsDeployment deployment(files_, block() + kRoutes);
  const std::string session = files_.file("session");
  for (const char* version : {" -tls1_3", " -tls1_2"}) {
    const std::string first =
        deployment.talk(as("alice") + version + " -sess_out " + session, request("app.example"));
    const std::string second =
        deployment.talk(as("") + version + " -sess_in " + session, request("app.example"));

    EXPECT_TRUE(contains(first, "application")) << first;
    EXPECT_FALSE(std::ifstream(session).good()) << "nothing to resume with" << version;
    EXPECT_FALSE(contains(second, "application")) << version << second;
  }
}

TEST_F(ClientCertificateTest, ASessionWithoutACertificateResumesOnlyWhereTheSameAreAskedFor) {
  TlsDeployment deployment(files_, kPlainRoute);
  const std::string session = files_.file("session");
  const auto resume = [&](const std::string& client) {
    return deployment.talk(as(client) + " -sess_in " + session, request("app.example"));
  };
  EXPECT_TRUE(contains(deployment.talk(as("") + " -sess_out " + session, request("app.example")),
                       "application"));

  deployment.use(block() + kPlainRoute);

  EXPECT_TRUE(contains(resume("alice"), "application"))
      << "the certificate is asked for in spite of the old session";
  deployment.use(block("  enforcement: reject_connection\n") + kPlainRoute);
  EXPECT_TRUE(contains(resume(""), "alert certificate required"));
}

TEST_F(ClientCertificateTest, AConnectionFromBeforeTheAuthoritiesGetsNothingAndEnds) {
  for (const auto& [enforcement, path] :
       {std::pair("policy_with_default_deny", "/"), std::pair("reject_connection", "/ping")}) {
    TlsDeployment deployment(files_, kPlainRoute);
    const std::string answers = deployment.talk(as("alice"), request("app.example", "/", ""), [&] {
      deployment.use(block("  enforcement: " + std::string(enforcement) + "\n") + kPlainRoute);
      return request("app.example", path, "") + request("app.example", path, "");
    });

    EXPECT_EQ(count(answers, "HTTP/1.1 200 "), 1) << answers;
    EXPECT_EQ(count(answers, "HTTP/1.1 495 "), 1) << answers;
  }
}

TEST_F(ClientCertificateTest, ANewRevocationListEndsNoConnectionThatIsStillAllowed) {
  const std::string text = block("  crl_file: crl.pem\n") + kPlainRoute;
  TlsDeployment deployment(files_, text);

  const std::string answers = deployment.talk(as("alice"), request("app.example", "/", ""), [&] {
    write("crl.pem", root_.list_pem({.revoked = {1}}));
    deployment.use(text);
    return request("app.example", "/", "") + request("app.example");
  });

  EXPECT_EQ(count(answers, "HTTP/1.1 200 "), 3) << answers;
}

TEST_F(ClientCertificateTest, ACertificateThatIsRevokedCountsNoMoreOnAnOpenConnection) {
  const TestAuthority bob = root_.issue();
  keep("bob", bob);
  const std::string text = block("  crl_file: crl.pem\n") + kPlainRoute;
  TlsDeployment deployment(files_, text);

  const std::string answers = deployment.talk(as("bob"), request("app.example", "/", ""), [&] {
    write("crl.pem", root_.list_pem({.revoked = {bob.serial()}}));
    deployment.use(text);
    return request("app.example");
  });

  EXPECT_EQ(count(answers, "HTTP/1.1 200 "), 1) << answers;
  EXPECT_EQ(count(answers, "HTTP/1.1 495 "), 1) << answers;
}

TEST_F(ClientCertificateTest, AWebSocketEndsWhenItsCertificateIsRevoked) {
  const TestAuthority bob = root_.issue();
  keep("bob", bob);
  const std::string text = block("  crl_file: crl.pem\n") + kRoutes;
  TlsDeployment deployment(files_, text);
  const std::string upgrade =
      request("app.example",
              "/",
              "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n");

  const std::string answer = deployment.talk(as("bob"), upgrade, [&] {
    write("crl.pem", root_.list_pem({.revoked = {bob.serial()}}));
    deployment.use(text);
    return std::string();
  });

  EXPECT_TRUE(contains(answer, "HTTP/1.1 101 ")) << answer;
  const std::string records = deployment.records_with("authorize_recheck");
  EXPECT_TRUE(contains(records, "\"refused-because\":\"revoked\"")) << records;
  EXPECT_TRUE(contains(records, "authorize_recheck")) << records;
}

}  // namespace
}  // namespace vallum::testing
