#include "ext_authz/forwarding_fields.h"

#include <string>

#include <gtest/gtest.h>

#include "http/syntax/h1.h"

namespace vallum::ext_authz {
namespace {

constexpr const char* kForwarded =
    "X-Forwarded-Method: POST\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: app.example\r\n"
    "X-Forwarded-Uri: /a?b=1\r\n";
constexpr const char* kOriginal =
    "X-Original-Method: POST\r\nX-Original-URL: https://app.example/a?b=1\r\n";

class ForwardingFieldsTest : public ::testing::Test {
 protected:
  Result<ForwardedQuestion> read(const std::string& fields) {
    text_ = "GET / HTTP/1.1\r\nHost: vallum\r\n" + fields + "\r\n";
    head_.clear();
    EXPECT_TRUE(http::parse_request_head(text_, http::HeadLimits{}, head_).done()) << text_;
    return read_forwarded(head_);
  }
  bool is_refused(const std::string& fields) {
    const Result<ForwardedQuestion> asked = read(fields);
    return !asked && asked.error().kind() == ErrorKind::InvalidInput;
  }

 private:
  std::string text_;
  http::RequestHead head_;
};

TEST_F(ForwardingFieldsTest, EitherFamilyDescribesTheRequest) {
  for (const auto& [fields, family] :
       {std::pair{kForwarded, Family::Forwarded}, std::pair{kOriginal, Family::Original}}) {
    const Result<ForwardedQuestion> asked =
        read(std::string(fields) + "X-Forwarded-For: 198.51.100.1, 192.0.2.7\r\nCookie: a=b\r\n");
    ASSERT_TRUE(asked.has_value());
    EXPECT_EQ(asked->family, family);
    EXPECT_EQ(asked->question.method, "POST");
    EXPECT_EQ(asked->question.scheme, http::Scheme::Https);
    EXPECT_EQ(asked->question.host, "app.example");
    EXPECT_EQ(asked->question.target, "/a?b=1");
    ASSERT_EQ(asked->question.fields.size(), 1U);
    EXPECT_EQ(asked->question.fields[0].name, "Cookie");
    EXPECT_EQ(asked->question.client_ip, IpAddress::parse("192.0.2.7"));
  }
}

TEST_F(ForwardingFieldsTest, BothFamiliesTogetherAreRefused) {
  EXPECT_TRUE(is_refused(std::string(kForwarded) + kOriginal));
  EXPECT_TRUE(
      is_refused(std::string(kForwarded) + "X-Original-URL: https://app.example/public\r\n"));
  EXPECT_TRUE(is_refused(std::string(kOriginal) + "X-Forwarded-Uri: /public\r\n"));
}

TEST_F(ForwardingFieldsTest, AHeaderThatIsMissingOrThereTwiceIsNamed) {
  EXPECT_TRUE(read("").error().message().starts_with("X-Forwarded-Method is missing"));
  EXPECT_TRUE(
      read("X-Original-Method: GET\r\n").error().message().starts_with("X-Original-URL is"));
  EXPECT_TRUE(read(std::string(kForwarded) + "x-forwarded-uri: /public\r\n")
                  .error()
                  .message()
                  .starts_with("X-Forwarded-Uri stands there more than once"));
  EXPECT_TRUE(is_refused(std::string(kForwarded) + "X-Forwarded-Host: public.example\r\n"));
  EXPECT_TRUE(is_refused(std::string(kOriginal) + "X-Original-URL: https://public.example/\r\n"));
}

TEST_F(ForwardingFieldsTest, WhatContradictsTheUrlIsRefused) {
  EXPECT_TRUE(is_refused(std::string(kOriginal) + "X-Forwarded-Host: public.example\r\n"));
  EXPECT_TRUE(is_refused(std::string(kOriginal) + "X-Forwarded-Proto: http\r\n"));
  EXPECT_FALSE(is_refused(std::string(kOriginal) + "X-Forwarded-Host: APP.example\r\n"));
}

TEST_F(ForwardingFieldsTest, AUrlWithoutSchemeHostAndPathIsRefused) {
  for (const char* url :
       {"/a", "app.example/a", "ftp://app.example/", "https://app.example", "https:/a"}) {
    EXPECT_TRUE(
        is_refused("X-Original-Method: GET\r\nX-Original-URL: " + std::string(url) + "\r\n"))
        << url;
  }
}

TEST_F(ForwardingFieldsTest, TheClientIsWhoTheProxyItselfSaw) {
  const auto client = [this](const std::string& fields) {
    return read(std::string(kForwarded) + fields)->question.client_ip;
  };

  EXPECT_EQ(client(""), std::nullopt);
  EXPECT_EQ(client("X-Forwarded-For: unknown\r\n"), std::nullopt);
  EXPECT_EQ(client("X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 2001:db8::1\r\n"),
            IpAddress::parse("2001:db8::1"));
  EXPECT_EQ(client("X-Real-IP: 10.0.0.1\r\n"), std::nullopt);
}

}  // namespace
}  // namespace vallum::ext_authz
