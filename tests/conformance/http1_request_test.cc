// What a server must do with the head of an HTTP/1.1 request: each row is a complete head, and the
// status it earns (0: accepted). Every row is also fed in two pieces, cut at every byte.
#include <array>
#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/syntax/h1.h"

namespace vallum::http {
namespace {

struct Row {
  std::string_view head;
  int status;
  H1Error error = H1Error::RequestLineMalformed;

  friend std::ostream& operator<<(std::ostream& out, const Row& row) {
    return out << testing::PrintToString(std::string(row.head));
  }
};

using namespace std::string_view_literals;

void expect_step(const HeadStep& step, const Row& row) {
  if (row.status == 0) {
    EXPECT_TRUE(step.done()) << (step.failed() ? describe(step.error).name : "needs more");
    EXPECT_EQ(step.consumed, row.head.size());
    return;
  }
  ASSERT_TRUE(step.failed());
  EXPECT_EQ(describe(step.error).name, describe(row.error).name);
  EXPECT_EQ(describe(step.error).status, row.status);
}

class Http1RequestTest : public testing::TestWithParam<Row> {};

// Covers SMU-01, SMU-02, SMU-03, SMU-13, HDR-03, HDR-16, HDR-17.
TEST_P(Http1RequestTest, GetsItsStatusHoweverItIsCut) {
  const Row& row = GetParam();
  RequestHead head;
  {
    SCOPED_TRACE("whole");
    expect_step(parse_request_head(row.head, HeadLimits{}, head), row);
  }
  for (std::size_t cut = 0; cut <= row.head.size(); ++cut) {
    SCOPED_TRACE(cut);
    HeadReader reader{HeadLimits{}};
    HeadStep step = reader.read_request(row.head.substr(0, cut), head);
    if (step.outcome == HeadStep::Outcome::NeedMore) {
      const std::string moved(row.head);
      step = reader.read_request(moved, head);
    }
    expect_step(step, row);
  }
}

constexpr std::array kAccepted{
    Row{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    Row{"GET /a/b?c=d&e HTTP/1.1\r\nHost: a:8443\r\n\r\n", 0},
    Row{"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    Row{"GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    Row{"GET HTTPS://A.:443/x HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    Row{"GET http://a HTTP/1.1\r\nHost: a:80\r\n\r\n", 0},
    Row{"GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    Row{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    Row{"CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n", 0},
    Row{"CONNECT [::1]:1 HTTP/1.1\r\nHost: [::1]:1\r\n\r\n", 0},
    Row{"PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    Row{"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 0},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:5\r\n\r\n", 0},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\n\r\n", 0},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", 0},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
    Row{"POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: CHUNKED\r\n\r\n", 0},
    Row{"GET / HTTP/1.1\r\nhOsT:a\r\n\r\n", 0},
    Row{"GET / HTTP/1.1\r\nHost: \t a \t\r\n\r\n", 0},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \r\nZ: a b\tc\r\n\r\n", 0},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nX: \x80\xff\r\n\r\n", 0},
    Row{"GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^`|~1aZ: x\r\n\r\n", 0},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nConnection: , close ,, x\r\n\r\n", 0},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n", 0},
    Row{"GET /%zz|{}[]\\^`\"<> HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nX-Long-Enough-For-Two-Words: 01234567\t89\r\n\r\n", 0},
};
INSTANTIATE_TEST_SUITE_P(Accepted, Http1RequestTest, testing::ValuesIn(kAccepted));

using enum H1Error;

constexpr std::array kStartLine{
    Row{"GET /\r\n\r\n", 400, RequestLineMalformed},
    Row{"GET\r\n\r\n", 400, RequestLineMalformed},
    Row{"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, RequestLineMalformed},
    Row{" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, RequestLineMalformed},
    Row{"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, RequestLineMalformed},
    Row{"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", 426, VersionTooOld},
    Row{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, VersionUnsupported},
    Row{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, VersionUnsupported},
    Row{"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, VersionUnsupported},
    Row{"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400, RequestLineMalformed},
    Row{"GET / HTTP/11\r\nHost: a\r\n\r\n", 400, RequestLineMalformed},
    Row{"GET / http/1.1\r\nHost: a\r\n\r\n", 400, RequestLineMalformed},
    Row{"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, RequestLineMalformed},
    Row{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, RequestLineMalformed},
    Row{"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400, MethodUnknown},
    Row{"Get / HTTP/1.1\r\nHost: a\r\n\r\n", 400, MethodUnknown},
    Row{"GETS / HTTP/1.1\r\nHost: a\r\n\r\n", 400, MethodUnknown},
    Row{"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 400, MethodUnknown},
    Row{"GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, RequestLineMalformed},
    Row{"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"sv, 400, RequestLineMalformed},
};
INSTANTIATE_TEST_SUITE_P(StartLine, Http1RequestTest, testing::ValuesIn(kStartLine));

constexpr std::array kTarget{
    Row{"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET /?#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET http://a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n"sv, 400, TargetMalformed},
    Row{"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET /\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET /0123456789\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET http:/a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET http://a:x/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, TargetMalformed},
    Row{"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, HostContradicted},
    Row{"GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, HostContradicted},
    Row{"GET https://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", 400, HostContradicted},
    Row{"CONNECT db HTTP/1.1\r\nHost: db\r\n\r\n", 400, TargetMalformed},
    Row{"CONNECT /x HTTP/1.1\r\nHost: db\r\n\r\n", 400, TargetMalformed},
    Row{"CONNECT http://db:1/ HTTP/1.1\r\nHost: db:1\r\n\r\n", 400, TargetMalformed},
    Row{"CONNECT db:0 HTTP/1.1\r\nHost: db:0\r\n\r\n", 400, TargetMalformed},
    Row{"CONNECT db:99999 HTTP/1.1\r\nHost: db:99999\r\n\r\n", 400, TargetMalformed},
    Row{"CONNECT db:5432 HTTP/1.1\r\nHost: other:5432\r\n\r\n", 400, HostContradicted},
    Row{"CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\nContent-Length: 4\r\n\r\n",
        400,
        ContentNotAllowed},
    Row{"CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
        ContentNotAllowed},
    Row{"TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n", 400, ContentNotAllowed},
    Row{"GET / HTTP/1.1\r\n\r\n", 400, HostMissing},
    Row{"GET http://a/ HTTP/1.1\r\n\r\n", 400, HostMissing},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, HostRepeated},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400, HostRepeated},
    Row{"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, HostMalformed},
    Row{"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, HostMalformed},
    Row{"GET / HTTP/1.1\r\nHost: u:p@a\r\n\r\n", 400, HostMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, HostMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, HostMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, HostMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a:\r\n\r\n", 400, HostMalformed},
};
INSTANTIATE_TEST_SUITE_P(Target, Http1RequestTest, testing::ValuesIn(kTarget));

constexpr std::array kLength{
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
        LengthAndTransferEncoding},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        400,
        LengthAndTransferEncoding},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
        400,
        LengthAndTransferEncoding},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        400,
        ContentLengthRepeated},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n",
        400,
        ContentLengthRepeated},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400, ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,5\r\n\r\n", 400, ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400, ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400, ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", 400, ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5.0\r\n\r\n", 400, ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n", 400, ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:  5\r\n\r\n", 400, ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 \r\n\r\n", 400, ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\t5\r\n\r\n", 400, ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400, ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", 400, ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n",
        400,
        ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n",
        400,
        ContentLengthMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        400,
        ContentLengthMalformed},
};
INSTANTIATE_TEST_SUITE_P(Length, Http1RequestTest, testing::ValuesIn(kLength));

constexpr std::array kTransferEncoding{
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        400,
        TransferEncodingUnsupported},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
        400,
        TransferEncodingUnsupported},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        400,
        TransferEncodingUnsupported},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
        400,
        TransferEncodingUnsupported},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n",
        400,
        TransferEncodingUnsupported},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n",
        400,
        TransferEncodingUnsupported},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked \r\n\r\n",
        400,
        TransferEncodingUnsupported},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:  chunked\r\n\r\n",
        400,
        TransferEncodingUnsupported},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tchunked\r\n\r\n",
        400,
        TransferEncodingUnsupported},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n",
        400,
        TransferEncodingUnsupported},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
        "chunked\r\n\r\n",
        400,
        TransferEncodingUnsupported},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\x0b\r\n\r\n",
        400,
        FieldValueMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", 400, FieldMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n", 400, FieldMalformed},
    Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \r\n chunked\r\n\r\n", 400, FieldFolded},
    Row{"POST / HTTP/1.1\r\nHost: a\r\n\x0bTransfer-Encoding: chunked\r\n\r\n",
        400,
        FieldMalformed},
};
INSTANTIATE_TEST_SUITE_P(TransferEncoding, Http1RequestTest, testing::ValuesIn(kTransferEncoding));

constexpr std::array kFields{
    Row{"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400, FieldFolded},
    Row{"GET / HTTP/1.1\r\nHost: a\r\n\tX: a\r\n\r\n", 400, FieldFolded},
    Row{"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, FieldFolded},
    Row{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, FieldMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nNoColon\r\n\r\n", 400, FieldMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400, FieldMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nA B: x\r\n\r\n", 400, FieldMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nA(B): x\r\n\r\n", 400, FieldMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nA\x80: x\r\n\r\n", 400, FieldMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nA\0B: x\r\n\r\n"sv, 400, FieldMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"sv, 400, FieldValueMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01\r\n\r\n", 400, FieldValueMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nX: a\x7f\r\n\r\n", 400, FieldValueMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789\x1f"
        "0123456789\r\n\r\n",
        400,
        FieldValueMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400, FieldValueMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n", 400, FieldValueMalformed},
    Row{"GET / HTTP/1.1\nHost: a\n\n", 400, LineEndMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400, LineEndMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\n\n", 400, LineEndMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nX_Pomerium_Claim_Email: x\r\n\r\n", 400, FieldNameUnderscore},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n", 400, FieldNameUnderscore},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nConnection: a b\r\n\r\n", 400, ConnectionMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nConnection: \"close\"\r\n\r\n", 400, ConnectionMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n\r\n",
        400,
        ConnectionMalformed},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417, ExpectationUnknown},
    Row{"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\n",
        417,
        ExpectationUnknown},
};
INSTANTIATE_TEST_SUITE_P(Fields, Http1RequestTest, testing::ValuesIn(kFields));

}  // namespace
}  // namespace vallum::http
