// What the process asks the identity provider goes over TLS to a server that a trusted authority
// vouches for, or it does not go.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "async/scope.h"
#include "http/curl_client.h"
#include "net/kernel_network.h"
#include "support/sim/kernel_core.h"
#include "support/test_certificates.h"
#include "tls/tls_stream.h"

namespace vallum::testing {
namespace {

using std::chrono::days;

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

class OutgoingTlsTest : public ::testing::Test {
 protected:
  // Serves one certificate from here on.
  void serve(tls::CertificateSource source) {
    std::vector<tls::CertificateSource> sources;
    sources.push_back(std::move(source));
    context_ = *tls::ServerContext::make(
        *tls::CertificateStore::make(std::move(sources), kernel_.clock.wall()), {"http/1.1"});
    scope_.spawn(answer_all(this));
  }

  // Asks over https, trusting these authorities besides the system's.
  Result<http::ClientResponse> ask(std::string_view authorities) {
    const auto client =
        *http::CurlClient::create(kernel_.core, {.extra_roots_pem = std::string(authorities)});
    const std::string url = "https://" + listener_->local_address().text() + "/";
    return async::block_on(kernel_.core,
                           client->fetch({.url = *http::Uri::parse(url)},
                                         kernel_.core.deadline_in(std::chrono::seconds(60))));
  }

  // Fails the test unless the client refused the server for this reason, before it said anything.
  void expect_refused(std::string_view authorities, std::string_view reason) {
    const Result<http::ClientResponse> response = ask(authorities);
    ASSERT_FALSE(response.has_value());
    EXPECT_EQ(response.error().kind(), ErrorKind::Unavailable);
    EXPECT_NE(response.error().message().find(reason), std::string_view::npos)
        << response.error().message();
    EXPECT_EQ(requests_, 0);
  }

  static std::vector<IpAddress> loopback() { return {IpAddress::loopback_v4()}; }

  KernelCore kernel_;
  TestCertificates world_{kernel_.clock.wall()};
  int requests_ = 0;

 private:
  static Task<void> answer_all(OutgoingTlsTest* test) {
    while (true) {
      auto inner = co_await test->listener_->accept();
      if (!inner) {
        co_return;
      }
      const Deadline deadline = test->kernel_.core.deadline_in(std::chrono::seconds(60));
      auto stream =
          co_await tls::accept(*std::move(inner), test->context_, &test->per_core_, deadline);
      Bytes request(4096);
      if (stream) {
        const auto size = co_await net::read_some(stream->get(), request, deadline);
        if (size && *size > 0) {
          ++test->requests_;
          co_await net::write_all(stream->get(), as_bytes(kAnswer), deadline);
        }
      }
    }
  }

  net::KernelNetwork network_{kernel_.core};
  tls::PerCore per_core_{Secret(std::string_view("seed")), kernel_.clock.wall()};
  async::Snapshot<tls::ServerContext> context_;
  std::unique_ptr<net::Listener> listener_ =
      *network_.listen({.ip = IpAddress::loopback_v4(), .port = 0}, {});
  async::Scope scope_{kernel_.core};
};

TEST_F(OutgoingTlsTest, ReachesAServerThatATrustedAuthorityVouchesFor) {
  serve(world_.certificate("idp", {}, loopback()));

  const auto response = ask(world_.authority_pem());

  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->body, "hi");
}

TEST_F(OutgoingTlsTest, RefusesACertificateForAnotherName) {
  serve(world_.certificate("other", {"other.example"}, {*IpAddress::parse("127.0.0.2")}));
  expect_refused(world_.authority_pem(), "certificate");
}

TEST_F(OutgoingTlsTest, RefusesAnAuthorityThatNobodyTrusts) {
  serve(world_.certificate("idp", {}, loopback()));
  expect_refused(TestCertificates(kernel_.clock.wall(), 12).authority_pem(), "certificate");
}

TEST_F(OutgoingTlsTest, RefusesACertificateThatHasExpired) {
  TestCertificates old(kernel_.clock.wall() - days(800));
  serve(old.certificate("idp", {}, loopback()));
  expect_refused(old.authority_pem(), "certificate");
}

}  // namespace
}  // namespace vallum::testing
