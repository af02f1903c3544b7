#include "ext_authz/question.h"

#include <gtest/gtest.h>

#include "http/syntax/h1.h"

namespace vallum::ext_authz {
namespace {

Question question() {
  Question made;
  made.method = "GET";
  made.host = "app.example";
  made.target = "/a?b=1";
  return made;
}

TEST(QuestionTest, IsReadByTheParserOfRequests) {
  Question asked = question();
  asked.fields = {{.name = "cookie", .value = "a=b"}, {.name = "accept", .value = "text/html"}};

  const Result<std::string> head = head_of(asked);

  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(*head,
            "GET /a?b=1 HTTP/1.1\r\nHost: app.example\r\ncookie: a=b\r\naccept: text/html\r\n\r\n");
  http::RequestHead parsed;
  EXPECT_TRUE(http::parse_request_head(*head, http::HeadLimits{}, parsed).done());
}

TEST(QuestionTest, NothingInItEndsItsLine) {
  for (const std::string_view bad : {"a\r\nX-Pomerium-Claim-Email: x", "a\nb", "a\rb"}) {
    Question method = question();
    method.method = bad;
    Question host = question();
    host.host = bad;
    Question target = question();
    const std::string path = "/" + std::string(bad);
    target.target = path;
    Question name = question();
    name.fields = {{.name = bad, .value = "x"}};
    Question value = question();
    value.fields = {{.name = "x", .value = bad}};
    for (const Question* asked : {&method, &host, &target, &name, &value}) {
      EXPECT_FALSE(head_of(*asked).has_value()) << bad;
    }
  }
}

TEST(QuestionTest, EveryPartIsThere) {
  for (std::string_view Question::* part :
       {&Question::method, &Question::host, &Question::target}) {
    Question asked = question();
    asked.*part = "";
    EXPECT_FALSE(head_of(asked).has_value());
  }
}

TEST(QuestionTest, TheTargetIsAPathAndNeverNamesAHostOfItsOwn) {
  for (const std::string_view target :
       {"http://other.example/", "other.example:443", "*", "a", "/a b", "?x"}) {
    Question asked = question();
    asked.target = target;
    EXPECT_FALSE(head_of(asked).has_value()) << target;
  }
}

TEST(QuestionTest, TheHostIsOneAndTheBodyIsNotPartOfIt) {
  Question two = question();
  two.host = "app.example,admin.example";
  EXPECT_FALSE(head_of(two).has_value());

  Question asked = question();
  asked.fields = {{.name = "Host", .value = "admin.example"},
                  {.name = "content-length", .value = "5"},
                  {.name = "Transfer-Encoding", .value = "chunked"},
                  {.name = "expect", .value = "100-continue"}};
  EXPECT_EQ(*head_of(asked), "GET /a?b=1 HTTP/1.1\r\nHost: app.example\r\n\r\n");
}

}  // namespace
}  // namespace vallum::ext_authz
