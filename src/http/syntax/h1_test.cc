#include "http/syntax/h1.h"

#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace vallum::http {
namespace {

using Outcome = HeadStep::Outcome;

RequestHead parse(std::string_view text) {
  RequestHead head;
  const HeadStep step = parse_request_head(text, HeadLimits{}, head);
  EXPECT_TRUE(step.done()) << describe(step.error).name;
  return head;
}

TEST(RequestHeadTest, HoldsViewsOfWhatWasSent) {
  constexpr std::string_view kText =
      "POST /a?b=c HTTP/1.1\r\nHost: App.T:8443\r\nX-Case: V \r\nContent-Length: 12\r\n\r\n";

  const RequestHead head = parse(kText);

  EXPECT_EQ(head.method, Method::Post);
  EXPECT_EQ(head.method_text, "POST");
  EXPECT_EQ(head.target, "/a?b=c");
  EXPECT_EQ(head.path_and_query, "/a?b=c");
  EXPECT_EQ(head.authority.text(), "app.t:8443");
  EXPECT_EQ(head.framing, BodyFraming::of_length(12));
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.expects_continue);
  ASSERT_EQ(head.fields.size(), 3U);
  EXPECT_EQ(head.fields[1].name, "X-Case");
  EXPECT_EQ(head.fields[1].value, "V");
  EXPECT_GE(head.target.data(), kText.data());
  EXPECT_LT(head.target.data(), kText.data() + kText.size());
}

TEST(RequestHeadTest, TakesTheAuthorityFromTheTarget) {
  const RequestHead absolute = parse("GET http://App.t:80/x HTTP/1.1\r\nHost: app.t\r\n\r\n");
  const RequestHead bare = parse("GET http://app.t HTTP/1.1\r\nHost: app.t\r\n\r\n");
  const RequestHead tunnel = parse("CONNECT Db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n");
  const RequestHead asterisk = parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_EQ(absolute.form, TargetForm::Absolute);
  EXPECT_EQ(absolute.authority.text(), "app.t");
  EXPECT_EQ(absolute.path_and_query, "/x");
  EXPECT_EQ(bare.path_and_query, "/");
  EXPECT_EQ(tunnel.form, TargetForm::Authority);
  EXPECT_EQ(tunnel.authority.text(), "db:5432");
  EXPECT_EQ(tunnel.path_and_query, "");
  EXPECT_EQ(asterisk.form, TargetForm::Asterisk);
}

TEST(RequestHeadTest, ReadsConnectionOptions) {
  const RequestHead closing = parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n");
  const RequestHead socket = parse(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const RequestHead idle = parse("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n");

  EXPECT_FALSE(closing.keep_alive);
  EXPECT_TRUE(socket.keep_alive);
  EXPECT_EQ(socket.upgrade, "websocket");
  EXPECT_EQ(idle.upgrade, "");
}

TEST(RequestHeadTest, ReadsTheExpectation) {
  EXPECT_TRUE(
      parse("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
          .expects_continue);
}

TEST(HeadReaderTest, LeavesWhatFollowsTheHead) {
  constexpr std::string_view kFirst = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string pipelined = std::string(kFirst) + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
  RequestHead head;
  HeadReader reader{HeadLimits{}};

  const HeadStep first = reader.read_request(pipelined, head);
  reader.reset();
  const HeadStep second =
      reader.read_request(std::string_view(pipelined).substr(first.consumed), head);

  EXPECT_EQ(first.consumed, kFirst.size());
  EXPECT_TRUE(second.done());
  EXPECT_EQ(head.target, "/2");
}

TEST(HeadReaderTest, GivesFreshViewsWhenTheBufferMoved) {
  constexpr std::string_view kText = "GET /path HTTP/1.1\r\nHost: app.t\r\nX-Name: value\r\n\r\n";
  RequestHead head;
  HeadReader reader{HeadLimits{}};
  std::string buffer;
  for (const char c : kText.substr(0, kText.size() - 1)) {
    buffer = buffer + c;  // a new place each time
    ASSERT_EQ(reader.read_request(buffer, head).outcome, Outcome::NeedMore);
  }
  const std::string whole(kText);

  const HeadStep step = reader.read_request(whole, head);

  ASSERT_TRUE(step.done());
  EXPECT_EQ(step.consumed, kText.size());
  EXPECT_EQ(head.target, "/path");
  EXPECT_EQ(head.authority.text(), "app.t");
  ASSERT_EQ(head.fields.size(), 2U);
  EXPECT_EQ(head.fields[1].value, "value");
  EXPECT_EQ(head.fields[1].value.data(), whole.data() + whole.find("value"));
}

TEST(HeadReaderTest, RefusesABadLineBeforeTheHeadIsComplete) {
  RequestHead head;

  EXPECT_EQ(parse_request_head("GET / HTTP/1.0\r\n", HeadLimits{}, head).error,
            H1Error::VersionTooOld);
  EXPECT_EQ(parse_request_head("GET / HTTP/1.1\r\nHost : a\r\n", HeadLimits{}, head).error,
            H1Error::FieldMalformed);
  EXPECT_EQ(parse_request_head("\x16\x03", HeadLimits{}, head).error,
            H1Error::RequestLineMalformed);
}

// Covers SIG-19.
TEST(HeadReaderTest, BoundsTheRequestLine) {
  constexpr HeadLimits kLimits{.request_line_bytes_max = 64};
  const std::string fits = "GET /" + std::string(64 - 16, 'a') + " HTTP/1.1\r\n";
  const std::string rest = "Host: a\r\n\r\n";
  RequestHead head;
  ASSERT_EQ(fits.size(), 64U);

  const HeadStep longest = parse_request_head(fits + rest, kLimits, head);
  const HeadStep longer = parse_request_head("GET /x" + fits.substr(5) + rest, kLimits, head);
  const HeadStep endless = parse_request_head("GET /" + std::string(60, 'a'), kLimits, head);

  EXPECT_TRUE(longest.done());
  EXPECT_EQ(longer.error, H1Error::RequestLineTooLong);
  EXPECT_EQ(endless.error, H1Error::RequestLineTooLong);
  EXPECT_EQ(describe(endless.error).status, 414);
}

// Covers SMU-20.
TEST(HeadReaderTest, BoundsTheNumberOfFields) {
  std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 1; i < 1000; ++i) {
    text += "X: y\r\n";
  }
  RequestHead head;

  const HeadStep thousand = parse_request_head(text + "\r\n", HeadLimits{}, head);
  const HeadStep one_more = parse_request_head(text + "X: y\r\n\r\n", HeadLimits{}, head);

  EXPECT_TRUE(thousand.done());
  EXPECT_EQ(one_more.error, H1Error::TooManyFields);
  EXPECT_EQ(describe(one_more.error).status, 431);
}

// Covers SMU-20.
TEST(HeadReaderTest, BoundsTheWholeHead) {
  const HeadLimits limits;
  std::string text = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  text.append(limits.head_bytes_max - text.size() - 4, 'y');
  RequestHead head;

  const HeadStep longest = parse_request_head(text + "\r\n\r\n", limits, head);
  const HeadStep longer = parse_request_head(text + "y\r\n\r\n", limits, head);
  const HeadStep endless = parse_request_head(text + "yyyyy", limits, head);

  EXPECT_TRUE(longest.done());
  EXPECT_EQ(longer.error, H1Error::HeadTooLarge);
  EXPECT_EQ(endless.error, H1Error::HeadTooLarge);
  EXPECT_EQ(describe(endless.error).status, 431);
}

TEST(HeadReaderTest, DropsOrAllowsUnderscoresWhenTold) {
  constexpr std::string_view kText = "GET / HTTP/1.1\r\nHost: a\r\nX_Y: 1\r\nZ: 2\r\n\r\n";
  RequestHead head;

  ASSERT_TRUE(parse_request_head(kText, {.underscore_names = UnderscoreNames::Drop}, head).done());
  EXPECT_EQ(head.fields.size(), 2U);
  EXPECT_EQ(head.fields.find("X_Y"), nullptr);
  ASSERT_TRUE(parse_request_head(kText, {.underscore_names = UnderscoreNames::Allow}, head).done());
  EXPECT_EQ(head.fields.size(), 3U);
}

TEST(ResponseHeadTest, HoldsStatusReasonAndProtocol) {
  ResponseHead head;

  const HeadStep step = parse_response_head(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
      Method::Get,
      HeadLimits{},
      head);

  ASSERT_TRUE(step.done());
  EXPECT_EQ(head.status, 101);
  EXPECT_EQ(head.reason, "Switching Protocols");
  EXPECT_EQ(head.upgrade, "websocket");
}

// Covers SMU-09.
TEST(ResponseHeadTest, SeesNoUpgradeWithoutA101) {
  ResponseHead head;

  const HeadStep step = parse_response_head(
      "HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n",
      Method::Get,
      HeadLimits{},
      head);

  ASSERT_TRUE(step.done());
  EXPECT_EQ(head.upgrade, "");
}

TEST(H1ErrorTest, EveryMemberHasItsOwnNameAndAClientError) {
  std::set<std::string_view> names;
  for (int i = 0; i < kH1ErrorCount; ++i) {
    const H1Refusal& refusal = describe(static_cast<H1Error>(i));
    names.insert(refusal.name);
    EXPECT_GE(refusal.status, 400) << i;
    EXPECT_LE(refusal.status, 505) << i;
    EXPECT_FALSE(refusal.text.empty()) << i;
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kH1ErrorCount));
  EXPECT_EQ(describe(H1Error::BodyIncomplete).name, "body_incomplete");
}

}  // namespace
}  // namespace vallum::http
