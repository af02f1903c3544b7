#include "http/message.h"

#include <gtest/gtest.h>

namespace vallum::http {
namespace {

TEST(HeadersTest, FindsNamesWithoutCase) {
  Headers headers;

  headers.add("Content-Type", "text/html");

  EXPECT_EQ(headers.value("content-type"), "text/html");
  EXPECT_EQ(headers.find("content-length"), nullptr);
  EXPECT_EQ(headers.value("content-length"), "");
}

TEST(HeadersTest, AddKeepsAndSetReplaces) {
  Headers headers;
  headers.add("Set-Cookie", "a=1");
  headers.add("set-cookie", "b=2");

  EXPECT_EQ(headers.count("Set-Cookie"), 2U);
  headers.set("SET-COOKIE", "c=3");

  EXPECT_EQ(headers.count("Set-Cookie"), 1U);
  EXPECT_EQ(headers.value("Set-Cookie"), "c=3");
}

// Covers RED-13.
TEST(HeadersTest, AValueCannotEndItsLine) {
  Headers headers;

  headers.add("Location", std::string_view("/a\r\nSet-Cookie: x=1\0", 19));

  EXPECT_EQ(headers.value("Location"), "/aSet-Cookie: x=1");
}

TEST(HeadersTest, RemoveTakesEveryLineOfAName) {
  Headers headers;
  headers.add("X-A", "1");
  headers.add("x-a", "2");
  headers.add("X-B", "3");

  headers.remove("X-A");

  EXPECT_EQ(headers.count("X-A"), 0U);
  EXPECT_EQ(headers.value("X-B"), "3");
}

}  // namespace
}  // namespace vallum::http
