#include "http/write_head.h"

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/syntax/h1.h"

namespace vallum::http {
namespace {

class HeadWriterTest : public testing::Test {
 protected:
  std::array<char, 512> buffer_{};
  HeadWriter writer_{buffer_};
};

TEST_F(HeadWriterTest, WritesARequest) {
  writer_.request_line("GET", "/a?b");
  writer_.field("Host", "app.t");
  writer_.field("Content-Length", std::uint64_t{18446744073709551615U});

  const auto head = writer_.finish();

  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(*head,
            "GET /a?b HTTP/1.1\r\nHost: app.t\r\nContent-Length: 18446744073709551615\r\n\r\n");
  EXPECT_EQ(head->data(), buffer_.data());
}

TEST_F(HeadWriterTest, WritesAResponse) {
  writer_.status_line(404);
  writer_.begin_field("X-Forwarded-For");
  writer_.value_piece("1.1.1.1");
  writer_.value_piece(",");
  writer_.value_piece("2.2.2.2");
  writer_.end_field();

  EXPECT_EQ(writer_.finish().value_or(""),
            "HTTP/1.1 404 Not Found\r\nX-Forwarded-For: 1.1.1.1,2.2.2.2\r\n\r\n");
}

// Covers HDR-07.
TEST_F(HeadWriterTest, NeverLetsAValueBecomeALine) {
  for (const std::string_view value : {std::string_view("a\r\nSet-Cookie: b"),
                                       std::string_view("a\nb"),
                                       std::string_view("a\0b", 3),
                                       std::string_view("a\x7f")}) {
    HeadWriter writer(buffer_);
    writer.status_line(200);

    writer.field("X-Pomerium-Claim-Name", value);

    EXPECT_EQ(writer.finish().error().kind(), ErrorKind::Internal);
  }
}

TEST_F(HeadWriterTest, RefusesNamesAndReasonsThatEndTheirLine) {
  HeadWriter named(buffer_);
  named.field("X: y\r\nZ", "v");
  HeadWriter reasoned(buffer_);
  reasoned.status_line(200, "OK\r\nX: y");
  HeadWriter numbered(buffer_);
  numbered.status_line(99);

  EXPECT_FALSE(named.finish().has_value());
  EXPECT_FALSE(reasoned.finish().has_value());
  EXPECT_FALSE(numbered.finish().has_value());
}

TEST_F(HeadWriterTest, NeverWritesBehindTheBuffer) {
  constexpr std::string_view kWhole = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
  for (std::size_t room = 0; room <= kWhole.size(); ++room) {
    std::string buffer(room, '.');
    HeadWriter writer(buffer);
    writer.status_line(200);
    writer.field("A", "b");

    const auto head = writer.finish();

    if (room < kWhole.size()) {
      EXPECT_EQ(head.error().kind(), ErrorKind::ResourceExhausted) << room;
    } else {
      EXPECT_EQ(head.value_or(""), kWhole);
    }
  }
}

TEST_F(HeadWriterTest, CopiesAParsedHeadSoThatItParsesEqual) {
  constexpr std::string_view kText =
      "POST /x HTTP/1.1\r\nHost: A.t\r\nX-Empty: \r\nX-Bytes: \x80\t\xff\r\nContent-Length: "
      "3\r\n\r\n";
  RequestHead head;
  ASSERT_TRUE(parse_request_head(kText, HeadLimits{}, head).done());

  writer_.request_line(head.method_text, head.target);
  for (const Field& field : head.fields) {
    writer_.copy(field);
  }

  EXPECT_EQ(writer_.finish().value_or(""), kText);
}

}  // namespace
}  // namespace vallum::http
