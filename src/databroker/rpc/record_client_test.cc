#include "databroker/rpc/record_client.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "databroker/store/memory_store.h"
#include "support/certificates/test_authority.h"
#include "support/record_service.h"
#include "support/seeded_entropy.h"

namespace vallum::databroker {
namespace {

constexpr std::string_view kThing = "example.com/Thing";

Write thing(const std::string& id) {
  return Write::put({.type = std::string(kThing), .id = id},
                    {.type_url = std::string(kThing), .bytes = "value of " + id});
}

class RecordClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<Store> memory() { return std::make_unique<MemoryStore>(entropy_); }
  static RecordClientOptions options_of(const std::string& address) {
    RecordClientOptions options;
    options.address = address;
    options.shared_secret = testing::record_service_secret();
    options.clear_text = true;
    return options;
  }
  std::unique_ptr<RecordClient> client(RecordClientOptions options) {
    auto made = RecordClient::make(std::move(options), clock_, entropy_);
    CHECK(made.has_value());
    return *std::move(made);
  }
  // Why reading fails; "" when it does not.
  std::string refusal(RecordClientOptions options) {
    const auto read = client(std::move(options))->read_each(kThing, [](const Record&) {});
    return read ? "" : std::string(read.error().message());
  }

  SystemClock clock_;  // NOLINT(vallum-banned): gRPC lives in real time
  testing::SeededEntropy entropy_{5};
};

TEST_F(RecordClientTest, WritesReadsAndRemovesRecords) {
  const testing::RecordService service(memory());
  const auto client = this->client(options_of(service.address()));
  const RecordKey key{.type = std::string(kThing), .id = "a"};

  ASSERT_TRUE(client->put({thing("a"), thing("b")}).has_value());
  std::set<std::string> ids;
  ASSERT_TRUE(client->read_each(kThing, [&ids](const Record& r) { ids.insert(r.id); }).has_value());
  const auto found = client->get(key);
  ASSERT_TRUE(client->put({Write::remove(key)}).has_value());
  const auto gone = client->get(key);

  EXPECT_EQ(ids, (std::set<std::string>{"a", "b"}));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->value.bytes, "value of a");
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().kind(), ErrorKind::NotFound);
}

TEST_F(RecordClientTest, SaysWhatTheDatabrokerRefuses) {
  const testing::RecordService service(memory());

  const auto twice = client(options_of(service.address()))->put({thing("a"), thing("a")});

  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().kind(), ErrorKind::InvalidInput);
  EXPECT_TRUE(twice.error().message().starts_with("databroker " + service.address() + ": "));
}

TEST_F(RecordClientTest, NamesTheCauseOfAFailedCallAndItsCure) {
  std::optional<testing::RecordService> service(std::in_place, memory());
  const std::string address = service->address();
  RecordClientOptions other_secret = options_of(address);
  other_secret.shared_secret = Secret(std::string_view("another secret of thirty-two byte"));
  RecordClientOptions reader = options_of(address);
  reader.service = "proxy";
  RecordClientOptions tls = options_of(address);
  tls.clear_text = false;

  const std::string wrong_secret = refusal(std::move(other_secret));
  const auto not_permitted = client(std::move(reader))->put({thing("a")});
  const std::string not_tls = refusal(std::move(tls));
  service.reset();
  const std::string nobody = refusal(options_of(address));

  EXPECT_TRUE(wrong_secret.contains("--shared-secret-file")) << wrong_secret;
  ASSERT_FALSE(not_permitted.has_value());
  EXPECT_EQ(not_permitted.error().kind(), ErrorKind::PermissionDenied);
  EXPECT_TRUE(not_tls.contains("--insecure")) << not_tls;
  EXPECT_TRUE(nobody.contains("nothing listens there")) << nobody;
  EXPECT_TRUE(nobody.contains("grpc_address")) << nobody;
}

TEST_F(RecordClientTest, SendsNothingInClearTextBeyondTheMachine) {
  for (const char* address : {"10.0.0.1:5443", "databroker.example:5443", "localhost.example:1"}) {
    const auto made = RecordClient::make(options_of(address), clock_, entropy_);

    ASSERT_FALSE(made.has_value()) << address;
    EXPECT_EQ(made.error().kind(), ErrorKind::InvalidInput);
  }
  for (const char* address : {"127.0.0.1:1", "[::1]:1", "localhost:1"}) {
    EXPECT_TRUE(is_loopback_address(address)) << address;
  }
}

class RecordClientTlsTest : public RecordClientTest {
 protected:
  testing::RecordServiceWish server_options(bool asks_for_certificates) const {
    return {.certificate = shown_of(authority_, asks_for_certificates)};
  }
  rpc::Certificate shown_of(const testing::TestAuthority& authority,
                            bool asks_for_certificates) const {
    testing::CertificateWish wish;
    wish.extensions = {{"basicConstraints", "critical,CA:FALSE"},
                       {"keyUsage", "critical,digitalSignature"},
                       {"extendedKeyUsage", "serverAuth"}};
    const auto leaf = authority.issue(wish.named("DNS:databroker.example"));
    return {.chain_pem = leaf.pem(),
            .private_key_pem = Secret(leaf.key_pem()),
            .client_ca_pem = asks_for_certificates ? authority.pem() : ""};
  }
  RecordClientOptions tls_options(const std::string& address) const {
    RecordClientOptions options = options_of(address);
    options.clear_text = false;
    options.authorities_pem = authority_.pem();
    options.server_name = "databroker.example";
    return options;
  }
  RecordClientOptions options_as(const std::string& address, const std::string& service) const {
    RecordClientOptions options = tls_options(address);
    const auto leaf =
        authority_.issue(testing::CertificateWish().named("URI:vallum:service:" + service));
    options.certificate_pem = leaf.pem();
    options.private_key_pem = Secret(leaf.key_pem());
    return options;
  }

  testing::TestAuthority authority_{"Authority", clock_.wall()};
};

TEST_F(RecordClientTlsTest, TrustsOnlyTheNamedAuthorityAndName) {
  const testing::RecordService service(memory(), server_options(false));
  RecordClientOptions stranger = tls_options(service.address());
  stranger.authorities_pem = testing::TestAuthority("Other", clock_.wall()).pem();
  RecordClientOptions other_name = tls_options(service.address());
  other_name.server_name = "";

  EXPECT_EQ(refusal(tls_options(service.address())), "");
  EXPECT_TRUE(refusal(std::move(stranger)).contains("--ca-file"));
  EXPECT_TRUE(refusal(std::move(other_name)).contains("--server-name"));
  EXPECT_TRUE(refusal(options_of(service.address())).contains("with --insecure"));
}

TEST_F(RecordClientTlsTest, ShowsItsCertificateAndIsBoundByIt) {
  const testing::RecordService service(memory(), server_options(true));

  const auto permitted =
      client(options_as(service.address(), "identity-manager"))->put({thing("a")});
  const auto not_permitted = client(options_as(service.address(), "proxy"))->put({thing("a")});

  EXPECT_TRUE(permitted.has_value());
  ASSERT_FALSE(not_permitted.has_value());
  EXPECT_TRUE(not_permitted.error().message().contains("vallum:service:identity-manager"));
  EXPECT_TRUE(refusal(tls_options(service.address())).contains("--certificate-file"));
}

// Whoever is connected stays so.
TEST_F(RecordClientTlsTest, ConnectionsAreShownTheCertificateThatWasSetLast) {
  testing::RecordService service(memory(), server_options(false));
  const testing::TestAuthority next("Next", clock_.wall());
  const auto connected = client(tls_options(service.address()));
  ASSERT_TRUE(connected->put({thing("a")}).has_value());
  RecordClientOptions trusts_next = tls_options(service.address());
  trusts_next.authorities_pem = next.pem();

  service.server().use(shown_of(next, false));

  EXPECT_TRUE(connected->put({thing("b")}).has_value());
  EXPECT_TRUE(refusal(tls_options(service.address())).contains("--ca-file"));
  EXPECT_EQ(refusal(std::move(trusts_next)), "");
}

TEST_F(RecordClientTlsTest, OtherAuthoritiesCountForCallersFromThenOn) {
  testing::RecordService service(memory(), server_options(true));
  const testing::TestAuthority next("Next", clock_.wall());
  rpc::Certificate shown = shown_of(authority_, true);
  shown.client_ca_pem = next.pem();
  const auto issued_by = [this, &service](const testing::TestAuthority& authority) {
    RecordClientOptions options = tls_options(service.address());
    const auto leaf =
        authority.issue(testing::CertificateWish().named("URI:vallum:service:databroker"));
    options.certificate_pem = leaf.pem();
    options.private_key_pem = Secret(leaf.key_pem());
    return options;
  };
  ASSERT_EQ(refusal(issued_by(authority_)), "");

  service.server().use(std::move(shown));

  EXPECT_NE(refusal(issued_by(authority_)), "");
  EXPECT_EQ(refusal(issued_by(next)), "");
}

TEST_F(RecordClientTlsTest, WhetherCallersAreAskedForACertificateStays) {
  testing::RecordService asks(memory(), server_options(true));
  testing::RecordService does_not_ask(memory(), server_options(false));

  EXPECT_FALSE(asks.server().check(shown_of(authority_, false)).has_value());
  EXPECT_FALSE(asks.server().check({}).has_value());
  EXPECT_FALSE(does_not_ask.server().check(shown_of(authority_, true)).has_value());
  EXPECT_TRUE(does_not_ask.server().check(shown_of(authority_, false)).has_value());
}

}  // namespace
}  // namespace vallum::databroker
