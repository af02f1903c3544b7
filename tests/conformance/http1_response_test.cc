// What a proxy must do with the head of an upstream's response. Everything refused here is a 502
// towards the client.
#include <array>
#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/syntax/h1.h"

namespace vallum::http {
namespace {

using namespace std::string_view_literals;
using enum H1Error;
using Kind = BodyFraming::Kind;

struct Accepted {
  std::string_view head;
  Method request;
  Kind framing;
  std::uint64_t length;
  bool keep_alive;

  friend std::ostream& operator<<(std::ostream& out, const Accepted& row) {
    return out << testing::PrintToString(std::string(row.head));
  }
};

class AcceptedResponseTest : public testing::TestWithParam<Accepted> {};

TEST_P(AcceptedResponseTest, HasTheFramingOfRfc9112) {
  const Accepted& row = GetParam();
  ResponseHead head;

  const HeadStep step = parse_response_head(row.head, row.request, HeadLimits{}, head);

  ASSERT_TRUE(step.done()) << describe(step.error).name;
  EXPECT_EQ(step.consumed, row.head.size());
  EXPECT_EQ(head.framing, (BodyFraming{.kind = row.framing, .length = row.length}));
  EXPECT_EQ(head.keep_alive, row.keep_alive);
}

constexpr std::array kAccepted{
    Accepted{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method::Get, Kind::Length, 5, true},
    Accepted{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Method::Get, Kind::None, 0, true},
    Accepted{
        "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n", Method::Get, Kind::Chunked, 0, true},
    Accepted{"HTTP/1.1 200\r\n\r\n", Method::Get, Kind::UntilClose, 0, false},
    Accepted{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", Method::Get, Kind::Length, 5, false},
    Accepted{"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\n",
             Method::Get,
             Kind::Length,
             5,
             true},
    Accepted{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n",
             Method::Get,
             Kind::Length,
             5,
             false},
    Accepted{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method::Head, Kind::None, 0, true},
    Accepted{
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::Head, Kind::None, 0, true},
    Accepted{
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", Method::Get, Kind::None, 0, true},
    Accepted{"HTTP/1.1 204 No Content\r\n\r\n", Method::Get, Kind::None, 0, true},
    Accepted{
        "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", Method::Get, Kind::None, 0, false},
    Accepted{"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
             Method::Get,
             Kind::None,
             0,
             false},
    Accepted{"HTTP/1.1 100 Continue\r\n\r\n", Method::Post, Kind::None, 0, true},
    Accepted{"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
             "websocket\r\n\r\n",
             Method::Get,
             Kind::None,
             0,
             true},
    Accepted{"HTTP/1.1 200 OK\r\n\r\n", Method::Connect, Kind::None, 0, true},
    Accepted{
        "HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\n", Method::Connect, Kind::Length, 5, true},
    Accepted{"HTTP/1.1 200 OK\r\nX_Y: underscore\r\nContent-Length: 1\r\n\r\n",
             Method::Get,
             Kind::Length,
             1,
             true},
    Accepted{"HTTP/1.1 200 Gr\xc3\xbc\xc3\x9f"
             "e\r\nContent-Length: 1\r\n\r\n",
             Method::Get,
             Kind::Length,
             1,
             true},
};
INSTANTIATE_TEST_SUITE_P(Table, AcceptedResponseTest, testing::ValuesIn(kAccepted));

struct Refused {
  std::string_view head;
  H1Error error;

  friend std::ostream& operator<<(std::ostream& out, const Refused& row) {
    return out << testing::PrintToString(std::string(row.head));
  }
};

class RefusedResponseTest : public testing::TestWithParam<Refused> {};

// Covers SMU-14.
TEST_P(RefusedResponseTest, IsRefusedHoweverItIsCut) {
  const Refused& row = GetParam();
  ResponseHead head;
  for (std::size_t cut = 0; cut <= row.head.size(); ++cut) {
    HeadReader reader{HeadLimits{}};
    HeadStep step = reader.read_response(row.head.substr(0, cut), Method::Get, head);
    if (step.outcome == HeadStep::Outcome::NeedMore) {
      const std::string moved(row.head);
      step = reader.read_response(moved, Method::Get, head);
    }

    ASSERT_TRUE(step.failed()) << cut;
    EXPECT_EQ(describe(step.error).name, describe(row.error).name) << cut;
  }
}

constexpr std::array kRefused{
    Refused{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            ContentLengthRepeated},
    Refused{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            ContentLengthRepeated},
    Refused{"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", ContentLengthMalformed},
    Refused{"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", ContentLengthMalformed},
    Refused{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            LengthAndTransferEncoding},
    Refused{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            TransferEncodingUnsupported},
    Refused{"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", TransferEncodingUnsupported},
    Refused{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", TransferEncodingUnsupported},
    Refused{"HTTP/1.1 200 OK\nContent-Length: 5\n\n", LineEndMalformed},
    Refused{"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\n\r\n", FieldValueMalformed},
    Refused{"HTTP/1.1 200 OK\r\nX: a\0\r\n\r\n"sv, FieldValueMalformed},
    Refused{"HTTP/1.1 200 OK\r\nX : a\r\n\r\n", FieldMalformed},
    Refused{"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", FieldFolded},
    Refused{"\r\nHTTP/1.1 200 OK\r\n\r\n", StatusLineMalformed},
    Refused{"HTTP/2.0 200 OK\r\n\r\n", StatusLineMalformed},
    Refused{"HTTP/1.2 200 OK\r\n\r\n", StatusLineMalformed},
    Refused{"HTTP/1.1  200 OK\r\n\r\n", StatusLineMalformed},
    Refused{"HTTP/1.1 20 OK\r\n\r\n", StatusLineMalformed},
    Refused{"HTTP/1.1 2000 OK\r\n\r\n", StatusLineMalformed},
    Refused{"HTTP/1.1 099 OK\r\n\r\n", StatusLineMalformed},
    Refused{"HTTP/1.1 600 OK\r\n\r\n", StatusLineMalformed},
    Refused{"HTTP/1.1 +20 OK\r\n\r\n", StatusLineMalformed},
    Refused{"HTTP/1.1 200 O\x01K\r\n\r\n", StatusLineMalformed},
    Refused{"ICY 200 OK\r\n\r\n", StatusLineMalformed},
    Refused{"<html>\r\n\r\n", StatusLineMalformed},
};
INSTANTIATE_TEST_SUITE_P(Table, RefusedResponseTest, testing::ValuesIn(kRefused));

}  // namespace
}  // namespace vallum::http
