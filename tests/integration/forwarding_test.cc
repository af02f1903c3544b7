#include "integration/integration_fixture.h"

namespace vallum::testing {
namespace {

using namespace std::chrono_literals;

using ForwardingTest = IntegrationTest;

std::string request(const std::string& line, const std::string& fields = "") {
  return line + " HTTP/1.1\r\nHost: public.example\r\n" + fields + "\r\n";
}

TEST_F(ForwardingTest, PipelinedRequestsAreAnsweredInOrder) {
  int n = 0;
  application().answer_with([&n](const SimApplication::Request&) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(++n);
  });
  ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());

  client.send(request("GET /1") + request("GET /2") + request("GET /3"));

  for (const char* body : {"1", "2", "3"}) {
    EXPECT_EQ(client.read_body(client.expect_head("HTTP/1.1 200 OK")), body);
  }
}

TEST_F(ForwardingTest, BodiesTravelBothWaysWhateverTheirFraming) {
  application().answer_with([](const SimApplication::Request& r) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<" + r.body.substr(0, 1) +
           ">\r\n0\r\n\r\n";
  });
  ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());

  client.send(request("POST /", "Transfer-Encoding: chunked\r\n") +
              "2\r\nab\r\n1\r\nc\r\n0\r\nX-Pomerium-Claim-Email: a@b\r\n\r\n");

  const Head head = client.expect_head("HTTP/1.1 200 OK", {{"transfer-encoding", "chunked"}});
  EXPECT_EQ(client.read_body(head), "<a>");
  EXPECT_EQ(application().requests().back().body, "abc");
  EXPECT_FALSE(contains(application().received(), "a@b"));
}

// Covers SMU-11.
TEST_F(ForwardingTest, ExpectIsAnsweredByUsAndOnlyWhenTheRequestGoesOn) {
  ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());
  client.send(request("POST /", "Content-Length: 3\r\nExpect: 100-continue\r\n"));
  client.expect_head("HTTP/1.1 100 Continue");
  client.send("abc");
  client.expect_head("HTTP/1.1 200 OK");
  EXPECT_EQ(application().requests().back().body, "abc");
  EXPECT_FALSE(contains(last_head(), "Expect"));

  ScriptedClient stranger = ScriptedClient::connect(world_, Deployment::front());
  stranger.send(
      "POST / HTTP/1.1\r\nHost: app.example\r\nAccept: application/json\r\nContent-Length: 3\r\n"
      "Expect: 100-continue\r\n\r\n");
  stranger.expect_head("HTTP/1.1 401 Unauthorized", {{"connection", "close"}});
}

// Covers SMU-10.
TEST_F(ForwardingTest, ARefusedRequestDoesNotLendItsBodyToTheNext) {
  ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());
  client.send(
      "POST / HTTP/1.1\r\nHost: app.example\r\nAccept: application/json\r\nContent-Length: "
      "31\r\n\r\n"
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n...." +
      request("GET /second"));

  const Head refused = client.expect_head("HTTP/1.1 401 Unauthorized");
  client.read_body(refused);
  client.read_body(client.expect_head("HTTP/1.1 200 OK"));

  ASSERT_EQ(application().requests_seen(), 1U);
  EXPECT_TRUE(last_head().starts_with("GET /second "));
}

TEST_F(ForwardingTest, HeadIsAnsweredWithoutABody) {
  ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());
  application().answer_with([](const SimApplication::Request&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n");
  });
  client.send(request("HEAD /") + request("HEAD /again"));
  client.expect_head("HTTP/1.1 200 OK", {{"content-length", "42"}});
  client.expect_head("HTTP/1.1 200 OK", {{"content-length", "42"}});
}

// Covers SMU-14.
TEST_F(ForwardingTest, AnAnswerThatIsNoHttpIs502) {
  for (const char* answer : {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                             "HTTP/1.1 200 OK\r\nX: a\nb\r\n\r\n",
                             "nonsense\r\n\r\n"}) {
    application().answer_with(
        [answer](const SimApplication::Request&) { return std::string(answer); });
    const Page page = browser_.get("https://public.example/");
    EXPECT_EQ(page.status, 502) << answer;
  }
}

// Covers SMU-09.
TEST_F(ForwardingTest, ATunnelNobodyAskedForIs502) {
  application().answer_with([](const SimApplication::Request&) {
    return std::string(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  });
  EXPECT_EQ(browser_.get("https://public.example/").status, 502);
}

TEST_F(ForwardingTest, AnAnswerThatBreaksOffIsNeverTakenForWhole) {
  application().answer_with([](const SimApplication::Request&) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x');
  });
  application().close_after_answer_bytes = 80;
  ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());
  client.send(request("GET /"));
  client.expect_head("HTTP/1.1 200 OK");
  Bytes piece(4096);
  bool reset = false;
  ASSERT_TRUE(world_.run_until([&] {
    const net::IoResult result = client.stream().try_read(piece);
    reset = result.status == net::IoResult::Status::Failed ||
            result.status == net::IoResult::Status::Eof;
    return reset;
  }));
  EXPECT_TRUE(contains(deployment_.records(), "upstream_reset_after_response_started"));
}

TEST_F(ForwardingTest, AConnectionTheServerClosedMeanwhileIsTriedOnceMore) {
  application().closes_silently = true;
  EXPECT_EQ(browser_.get("https://public.example/1").status, 200);
  EXPECT_EQ(browser_.get("https://public.example/2").status, 200);
  EXPECT_EQ(application().requests_seen(), 2U);
}

TEST_F(ForwardingTest, AnUpstreamThatRefusesIs503WithAReason) {
  world_.wires().refuse(application().address());
  EXPECT_EQ(browser_.get("https://public.example/").status, 503);
  EXPECT_TRUE(contains(deployment_.records(), "upstream_connection_failure"));
  world_.wires().heal(application().address());
  EXPECT_EQ(browser_.get("https://public.example/").status, 200);
}

TEST_F(ForwardingTest, AnUpstreamThatThinksTooLongIs504) {
  application().think_time = 40s;
  EXPECT_EQ(browser_.get("https://public.example/").status, 504);
}

// Covers HDR-15, HDR-22.
TEST_F(ForwardingTest, TheApplicationSeesThePathThatWasDecidedAbout) {
  for (const char* sent : {"/public/../admin", "//admin", "/./admin", "/%61dmin"}) {
    EXPECT_EQ(browser_.get(std::string("https://public.example") + sent).status, 200);
    EXPECT_TRUE(last_head().starts_with("GET /admin HTTP/1.1")) << sent << "\n" << last_head();
  }
  const std::size_t seen = application().requests_seen();
  for (const char* sent : {"/a%2fb", "/a%5cb", "/%00", "/a#b"}) {
    EXPECT_EQ(
        browser_.send("GET " + std::string(sent) + " HTTP/1.1\r\nHost: public.example\r\n\r\n")
            .status,
        400)
        << sent;
  }
  EXPECT_EQ(browser_.get("https://public.example/%2epomerium/user").status, 302);
  EXPECT_EQ(application().requests_seen(), seen);
}

TEST_F(ForwardingTest, AnUnknownHostIs404WithoutADecision) {
  EXPECT_EQ(browser_.get("https://other.example/").status, 404);
  EXPECT_FALSE(contains(deployment_.records(), "authorize check"));
}

// Covers HDR-06.
TEST_F(ForwardingTest, APublicRoutePassesNoForgedIdentity) {
  browser_.get("https://public.example/",
               "X-Pomerium-Claim-Email: boss@example.com\r\nX-Pomerium-Jwt-Assertion: forged\r\n");
  EXPECT_FALSE(contains(application().received(), "boss"));
  EXPECT_FALSE(contains(application().received(), "forged"));
  EXPECT_TRUE(contains(last_head(), "x-pomerium-claim-email: \r\n"));
}

TEST_F(ForwardingTest, TwoLinesTellWhatHappenedAndOneIdJoinsThem) {
  const Page page = browser_.get("https://public.example/a?secret=1");
  const std::string id = page.head.field("x-request-id").value_or("");
  ASSERT_EQ(id.size(), 36U);
  const std::string records = deployment_.records();
  const std::size_t decision = records.find("\"message\":\"authorize check\"");
  const std::size_t access = records.find("\"message\":\"http-request\"");
  ASSERT_NE(decision, std::string::npos);
  ASSERT_NE(access, std::string::npos);
  EXPECT_LT(decision, access);
  EXPECT_NE(records.find(id), records.rfind(id));
  EXPECT_FALSE(contains(records, "secret=1"));
}

class FullLaneTest : public IntegrationTest {
 protected:
  FullLaneTest() : IntegrationTest({.more_options = {}, .more_routes = {}, .lane_bytes = 4096}) {}
};

TEST_F(FullLaneTest, WhatCannotBeRecordedIsNotForwarded) {
  deployment_.output().blocked = true;
  int answered = 0;
  int status = 200;
  while (status == 200 && ++answered < 50) {
    deployment_.records();
    status = browser_.get("https://public.example/").status;
  }
  EXPECT_EQ(status, 503);
  const std::size_t seen = application().requests_seen();
  EXPECT_EQ(browser_.get("https://public.example/").status, 503);
  EXPECT_EQ(application().requests_seen(), seen);
  deployment_.output().blocked = false;
  deployment_.records();
  EXPECT_EQ(browser_.get("https://public.example/").status, 200);
}

TEST_F(ForwardingTest, SlowHeadsAndIdleConnectionsEnd) {
  ScriptedClient slow = ScriptedClient::connect(world_, Deployment::front());
  slow.send("GET / HT");
  slow.expect_head("HTTP/1.1 408 Request Timeout");
  ScriptedClient idle = ScriptedClient::connect(world_, Deployment::front());
  idle.patience = 10min;
  idle.expect_end();
}

// The application never answers, and the route has no limits: only the client's leaving ends it.
TEST_F(ForwardingTest, NobodyWaitsForAClientThatHasLeft) {
  browser_.visit("https://app.example/", "alice");
  application().think_time = 100h;
  ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());
  client.send("GET / HTTP/1.1\r\nHost: app.example\r\n" + browser_.cookie_header("app.example") +
              "\r\n");
  world_.advance(10min);
  EXPECT_FALSE(contains(deployment_.records(), "downstream_remote_disconnect"));

  client.close();
  world_.advance(2s);

  EXPECT_TRUE(contains(deployment_.records(), "downstream_remote_disconnect"));
}

TEST_F(ForwardingTest, NobodyWaitsForTheRestOfAnAnswerWhenItsClientHasLeft) {
  browser_.visit("https://app.example/", "alice");
  application().answer_with([](const SimApplication::Request&) {
    return std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
  });
  ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());
  client.send("GET / HTTP/1.1\r\nHost: app.example\r\n" + browser_.cookie_header("app.example") +
              "\r\n");
  client.expect_head("HTTP/1.1 200 OK");
  client.expect_bytes("hello");
  world_.advance(10min);
  const std::string before = deployment_.records();

  client.close();
  world_.advance(2s);

  EXPECT_FALSE(contains(before, "downstream_remote_disconnect"));
  EXPECT_TRUE(contains(deployment_.records(), "downstream_remote_disconnect"));
}

TEST_F(ForwardingTest, AnUploadThatDribblesEndsAtTimeoutRead) {
  ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());
  client.send(request("POST /", "Content-Length: 100\r\n"));
  for (int i = 0; i < 29; ++i) {
    world_.advance(1s);
    client.send("x");
  }

  client.expect_head("HTTP/1.1 408 Request Timeout", {{"connection", "close"}});

  EXPECT_EQ(application().requests_seen(), 0U);
  EXPECT_TRUE(contains(deployment_.records(), "request_timeout"));
}

class UnservedRouteTest : public IntegrationTest {
 protected:
  UnservedRouteTest()
      : IntegrationTest({.more_options = {}, .more_routes = R"(
  - from: https://later.example
    to: http://10.0.0.1:8080
    prefix_rewrite: /x
    allow_public_unauthenticated_access: true
)"}) {}
};

TEST_F(UnservedRouteTest, Is503AndItsDecisionIsOnRecord) {
  EXPECT_EQ(browser_.get("https://later.example/").status, 503);

  EXPECT_EQ(application().requests_seen(), 0U);
  EXPECT_TRUE(contains(deployment_.records(), "authorize check"));
  EXPECT_TRUE(contains(deployment_.records(), "route_not_served"));
}

class LongestExchangeTest : public IntegrationTest {
 protected:
  LongestExchangeTest()
      : IntegrationTest({.more_options = "timeout_write: 10s\n", .more_routes = {}}) {}
};

TEST_F(LongestExchangeTest, AnAnswerThatHasNotBegunByThenIs408) {
  application().think_time = 20s;

  EXPECT_EQ(browser_.get("https://public.example/").status, 408);

  EXPECT_TRUE(contains(deployment_.records(), "max_duration_timeout"));
}

TEST_F(LongestExchangeTest, AnUploadOrItsAnswerEndsThenToo) {
  ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());
  const Instant began = world_.clock().now();
  client.send(request("POST /", "Content-Length: 100\r\n") + "x");

  client.expect_head("HTTP/1.1 408 Request Timeout", {{"connection", "close"}});

  EXPECT_LE(world_.clock().now() - began, 11s);
}

TEST_F(ForwardingTest, OwnEndpointsAnswerOnEveryHost) {
  EXPECT_EQ(browser_.get("https://any.example/ping").body, "OK\n");
  EXPECT_EQ(browser_.get("https://app.example/healthz").status, 200);
  EXPECT_EQ(browser_.get("https://auth.example/robots.txt").body, "User-agent: *\nDisallow: /");
  EXPECT_TRUE(contains(browser_.get("https://app.example/.well-known/pomerium").body, "jwks_uri"));
  const Page keys = browser_.get("https://app.example/.well-known/pomerium/jwks.json");
  EXPECT_TRUE(contains(
      keys.body, "\"kid\":\"dfdc30ede8204880a26e86348232fede98474153abe3975b99290fa48522c81b\""));
  EXPECT_EQ(application().requests_seen(), 0U);
}

class WebSocketTest : public IntegrationTest {
 protected:
  WebSocketTest() {
    application().answer_with([](const SimApplication::Request& r) {
      return r.head.find("pgrade: websocket") != std::string::npos
                 ? std::string(
                       "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                       "websocket\r\n\r\n")
                 : std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
  }
  void delete_session() {
    session::HandleCodec codec(deployment_.shared_key());
    const auto handle = codec.verify(browser_.cookie("app.example", "_pomerium"));
    ASSERT_TRUE(handle.has_value());
    deployment_.delete_session(handle->session_id);
  }
  // Whether the stream ends within a second.
  bool ends_soon(ScriptedClient& client) {
    Bytes piece(100);
    return world_.run_until(
        [&] { return client.stream().try_read(piece).status != net::IoResult::Status::WouldBlock; },
        1s);
  }
  ScriptedClient open() {
    ScriptedClient client = ScriptedClient::connect(world_, Deployment::front());
    client.send(
        "GET /ws HTTP/1.1\r\nHost: app.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        browser_.cookie_header("app.example") + "\r\n");
    return client;
  }
};

// Covers HDR-23.
TEST_F(WebSocketTest, IsDecidedBeforeTheUpgrade) {
  ScriptedClient client = open();
  client.expect_head("HTTP/1.1 401 Unauthorized");
  EXPECT_EQ(application().requests_seen(), 0U);
}

TEST_F(WebSocketTest, EndsWhenItsSessionEnds) {
  browser_.visit("https://app.example/", "alice");
  ScriptedClient client = open();
  client.expect_head("HTTP/1.1 101 Switching Protocols");
  client.expect_silence(3min);

  delete_session();

  ASSERT_TRUE(ends_soon(client));
  EXPECT_TRUE(contains(deployment_.records(), "authorize_recheck"));
}

TEST_F(WebSocketTest, EndsWhenItsSessionEndedWhileItOpened) {
  browser_.visit("https://app.example/", "alice");
  application().think_time = 5s;
  ScriptedClient client = open();
  world_.advance(2s);

  delete_session();

  client.expect_head("HTTP/1.1 101 Switching Protocols");
  ASSERT_TRUE(ends_soon(client));
  EXPECT_TRUE(contains(deployment_.records(), "authorize_recheck"));
}

}  // namespace
}  // namespace vallum::testing
