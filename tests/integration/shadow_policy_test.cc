#include "integration/integration_fixture.h"

namespace vallum::testing {
namespace {

class ShadowPolicyTest : public IntegrationTest {
 protected:
  ShadowPolicyTest() : IntegrationTest(options()) {}

  static Deployment::Options options() {
    Deployment::Options options;
    options.more_routes = R"(
  - from: https://open.example
    to: http://10.0.0.1:8080
    allow_public_unauthenticated_access: true
    shadow_policy: {allow: {or: [{groups: {has: admins}}]}}
  - from: https://closed.example
    to: http://10.0.0.1:8080
    policy: {allow: {or: [{groups: {has: admins}}]}}
    shadow_policy: {allow: {or: [{accept: true}]}}
)";
    return options;
  }
  // The status line of the answer to a GET of "/".
  void expect_answer(const std::string& host, const std::string& status) {
    ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());
    client.send("GET / HTTP/1.1\r\nHost: " + host + "\r\nAccept: application/json\r\n\r\n");
    client.expect_head("HTTP/1.1 " + status);
  }
};

TEST_F(ShadowPolicyTest, WhatItWouldDenyIsForwardedAndRecorded) {
  expect_answer("open.example", "200 OK");

  EXPECT_EQ(application().requests_seen(), 1U);
  EXPECT_TRUE(contains(deployment_.records(), R"("outcome":"allowed","shadow":"would-deny"})"));
}

TEST_F(ShadowPolicyTest, WhatItWouldAllowIsRefusedAndRecorded) {
  expect_answer("closed.example", "401 Unauthorized");

  EXPECT_EQ(application().requests_seen(), 0U);
  EXPECT_TRUE(contains(deployment_.records(), R"("outcome":"login","shadow":"would-allow")"));
}

TEST_F(ShadowPolicyTest, ARouteWithoutOneRecordsNothingOfIt) {
  expect_answer("public.example", "200 OK");

  EXPECT_FALSE(contains(deployment_.records(), "shadow"));
}

}  // namespace
}  // namespace vallum::testing
