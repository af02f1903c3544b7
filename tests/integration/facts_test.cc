// What policies look at beyond session, user and directory: the user's own records and devices.
#include "codec/json.h"
#include "integration/integration_fixture.h"
#include "session/handle.h"
#include "session/records.h"
#include "support/sim/scripted_client.h"

namespace vallum::testing {
namespace {

using namespace std::chrono_literals;

class FactsTest : public IntegrationTest {
 protected:
  FactsTest()
      : IntegrationTest({.more_options = "policy_records:\n"
                                         "  example.com/on-call: user.id\n"
                                         "  example.com/badge: user.email\n"
                                         "authorize_log_fields: [record-versions]\n",
                         .more_routes = R"(
  - from: https://on-call.example
    to: http://10.0.0.1:8080
    allow_websockets: true
    policy:
      allow:
        and:
          - record: {type: example.com/on-call, field: level, ">=": 2}
          - record: {type: example.com/badge, exists: true}
  - from: https://device.example
    to: http://10.0.0.1:8080
    policy:
      allow:
        and:
          - device: {type: any, approved: true}
)"}) {}

  void put_fields(std::string type, std::string id, std::string_view fields) {
    deployment_.put({.type = std::move(type), .id = std::move(id)},
                    session::encode_fields(codec::parse_json(fields).value()));
  }
  int status_of(const std::string& url) { return browser_.get(url).status; }
  // Of the browser's session on a host.
  std::string session_id(const std::string& host) {
    session::HandleCodec codec(deployment_.shared_key());
    const auto handle = codec.verify(browser_.cookie(host, "_pomerium"));
    EXPECT_TRUE(handle.has_value());
    return handle ? handle->session_id : "";
  }
  // As whoever enrols devices would: the session was proved to be on these.
  void use_devices(const std::string& host, std::vector<session::DeviceCredentialRef> devices) {
    const std::string id = session_id(host);
    const auto record = deployment_.record(session::session_key(id));
    ASSERT_TRUE(record.has_value());
    auto stored = session::decode_session(record->value);
    ASSERT_TRUE(stored.has_value());
    stored->devices = std::move(devices);
    deployment_.put(session::session_key(id), session::encode_session(*stored));
  }
  void put_credential(const std::string& user_id) {
    deployment_.put(session::device_credential_key("c1"),
                    session::encode_device_credential(
                        {.id = "c1", .type_id = "any", .enrollment_id = "e1", .user_id = user_id}));
  }
  void put_enrollment(const std::string& approved_by) {
    deployment_.put(session::device_enrollment_key("e1"),
                    session::encode_device_enrollment(
                        {.id = "e1", .user_id = "alice", .approved_by = approved_by}));
  }
};

TEST_F(FactsTest, AUsersOwnRecordsDecideAndTheirChangesCountAtOnce) {
  EXPECT_EQ(status_of("https://on-call.example/"), 302);  // a stranger is asked who it is
  EXPECT_EQ(browser_.visit("https://on-call.example/", "alice").status, 403);

  put_fields("example.com/on-call", "alice", R"({"level":2})");
  EXPECT_EQ(status_of("https://on-call.example/"), 403);
  put_fields("example.com/badge", "alice@example.com", R"({})");
  EXPECT_EQ(status_of("https://on-call.example/"), 200);
  put_fields("example.com/on-call", "alice", R"({"level":1})");
  EXPECT_EQ(status_of("https://on-call.example/"), 403);
  put_fields("example.com/on-call", "bob", R"({"level":3})");
  EXPECT_EQ(status_of("https://on-call.example/"), 403);

  const std::string records = deployment_.records();
  EXPECT_TRUE(contains(records, R"("allow-why-false":["record-unauthorized"])")) << records;
  EXPECT_TRUE(contains(records, R"("allow-why-true":["record-ok"])"));
  EXPECT_TRUE(contains(records, R"("policy-records":)"));
  EXPECT_EQ(application().requests_seen(), 1U);
}

// Covers HDR-23.
TEST_F(FactsTest, AStreamEndsWhenTheRecordItWasAllowedByChanges) {
  put_fields("example.com/on-call", "alice", R"({"level":2})");
  put_fields("example.com/badge", "alice@example.com", R"({})");
  ASSERT_EQ(browser_.visit("https://on-call.example/", "alice").status, 200);
  application().answer_with([](const SimApplication::Request&) {
    return std::string(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  });
  ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());
  client.send(
      "GET /ws HTTP/1.1\r\nHost: on-call.example\r\nConnection: Upgrade\r\n"
      "Upgrade: websocket\r\n" +
      browser_.cookie_header("on-call.example") + "\r\n");
  client.expect_head("HTTP/1.1 101 Switching Protocols");
  // A change that still allows it, and one of somebody else, disturb nobody.
  put_fields("example.com/on-call", "alice", R"({"level":3})");
  put_fields("example.com/on-call", "bob", R"({"level":0})");
  client.expect_silence(1min);

  put_fields("example.com/on-call", "alice", R"({"level":1})");

  Bytes piece(100);
  EXPECT_TRUE(world_.run_until(
      [&] { return client.stream().try_read(piece).status != net::IoResult::Status::WouldBlock; },
      1s));
}

TEST_F(FactsTest, WhoHasNoDeviceIsToldSoAndIsNotSentRoundInCircles) {
  EXPECT_EQ(status_of("https://device.example/"), 302);
  const Page refused = browser_.visit("https://device.example/", "alice");

  EXPECT_EQ(refused.status, 450);
  EXPECT_TRUE(contains(refused.body, "Your device is not registered")) << refused.body;
  const Page program =
      browser_.send("GET / HTTP/1.1\r\nHost: device.example\r\n" +
                    browser_.cookie_header("device.example") + "Accept: application/json\r\n\r\n");
  EXPECT_EQ(program.status, 401) << program.body;
  EXPECT_TRUE(contains(deployment_.records(), R"("allow-why-false":["device-unauthenticated"])"));
  EXPECT_EQ(application().requests_seen(), 0U);
}

TEST_F(FactsTest, ADeviceCountsWhenItIsTheUsersOwnAndApproved) {
  browser_.visit("https://device.example/", "alice");
  use_devices("device.example",
              {{.type_id = "any", .credential_id = ""}, {.type_id = "any", .credential_id = "c1"}});
  EXPECT_EQ(status_of("https://device.example/"), 450);  // no such credential

  put_credential("mallory");
  put_enrollment("admin");
  EXPECT_EQ(status_of("https://device.example/"), 450);  // somebody else's
  put_credential("alice");
  EXPECT_EQ(status_of("https://device.example/"), 200);
  put_enrollment("");
  EXPECT_EQ(status_of("https://device.example/"), 450);
  EXPECT_TRUE(contains(deployment_.records(), R"("allow-why-false":["device-unauthorized"])"));
  EXPECT_EQ(application().requests_seen(), 1U);
}

}  // namespace
}  // namespace vallum::testing
