#include "ext_authz/check_messages.h"

#include <gtest/gtest.h>

#include "proto/ext_authz.pb.h"

namespace vallum::ext_authz {
namespace {

wire::CheckRequest check() {
  wire::CheckRequest request;
  wire::AttributeContext& attributes = *request.mutable_attributes();
  attributes.mutable_source()->mutable_address()->mutable_socket_address()->set_address(
      "192.0.2.7");
  wire::AttributeContext::HttpRequest& http = *attributes.mutable_request()->mutable_http();
  http.set_method("GET");
  http.set_scheme("https");
  http.set_host("app.example");
  http.set_path("/a?b=1");
  return request;
}

wire::AttributeContext::HttpRequest& http_of(wire::CheckRequest& request) {
  return *request.mutable_attributes()->mutable_request()->mutable_http();
}

void add_raw(wire::CheckRequest& request, const std::string& name, const std::string& value) {
  auto& header = *http_of(request).mutable_header_map()->add_headers();
  header.set_key(name);
  header.set_raw_value(value);
}

TEST(CheckMessagesTest, AQuestionIsReadWithEitherFormOfHeaders) {
  wire::CheckRequest joined = check();
  (*http_of(joined).mutable_headers())["cookie"] = "a=b";
  (*http_of(joined).mutable_headers())[":authority"] = "app.example";
  wire::CheckRequest raw = check();
  add_raw(raw, ":path", "/a?b=1");
  add_raw(raw, "cookie", "a=b");

  for (const wire::CheckRequest* request : {&joined, &raw}) {
    const Result<Question> question = read_check(*request);
    ASSERT_TRUE(question.has_value());
    EXPECT_EQ(question->method, "GET");
    EXPECT_EQ(question->host, "app.example");
    EXPECT_EQ(question->target, "/a?b=1");
    EXPECT_EQ(question->client_ip, IpAddress::parse("192.0.2.7"));
    ASSERT_EQ(question->fields.size(), 1U);
    EXPECT_EQ(question->fields[0].name, "cookie");
  }
}

TEST(CheckMessagesTest, LinesOfOneNameStayApartInRawHeaders) {
  wire::CheckRequest request = check();
  add_raw(request, "authorization", "Bearer a");
  add_raw(request, "authorization", "Pomerium b");

  EXPECT_EQ(read_check(request)->fields.size(), 2U);
}

TEST(CheckMessagesTest, WhatIsMissingOrContradictsItselfIsRefused) {
  EXPECT_FALSE(read_check(wire::CheckRequest()).has_value());
  wire::CheckRequest no_scheme = check();
  http_of(no_scheme).set_scheme("");
  EXPECT_FALSE(read_check(no_scheme).has_value());
  wire::CheckRequest both = check();
  (*http_of(both).mutable_headers())["a"] = "1";
  add_raw(both, "a", "2");
  EXPECT_FALSE(read_check(both).has_value());
  for (const char* name : {":path", ":authority", ":method", ":scheme", "Host"}) {
    wire::CheckRequest other = check();
    (*http_of(other).mutable_headers())[name] = "/public";
    EXPECT_FALSE(read_check(other).has_value()) << name;
  }
}

TEST(CheckMessagesTest, AnUnknownClientIsNobody) {
  wire::CheckRequest request = check();
  request.mutable_attributes()->clear_source();

  EXPECT_EQ(read_check(request)->client_ip, std::nullopt);
}

TEST(CheckMessagesTest, AGrantReplacesRemovesAndAddsLinesOfOneName) {
  Grant grant;
  grant.changes.set.add("X-Group", "a");
  grant.changes.set.add("X-Group", "b");
  grant.changes.set.add("X-Raw", "\xff");
  grant.changes.remove = {"authorization"};
  wire::CheckResponse response;

  write_answer({.request_id = {}, .verdict = grant}, &response);

  EXPECT_EQ(response.status().code(), 0);
  const wire::OkHttpResponse& ok = response.ok_response();
  ASSERT_EQ(ok.headers_size(), 3);
  EXPECT_FALSE(ok.headers(0).has_append());
  EXPECT_TRUE(ok.headers(1).append().value());
  EXPECT_FALSE(ok.headers(2).has_append());
  EXPECT_EQ(ok.headers(2).header().raw_value(), "\xff");
  EXPECT_EQ(ok.headers_to_remove(0), "authorization");
}

TEST(CheckMessagesTest, ADenialNeverAllowsWhateverItsStatus) {
  for (const std::uint16_t status : {std::uint16_t{200},
                                     std::uint16_t{302},
                                     std::uint16_t{401},
                                     std::uint16_t{403},
                                     std::uint16_t{503}}) {
    Denial denial{.response = {.status = status, .headers = {}, .body = "why"}};
    denial.response.headers.add("Location", "https://auth.example/");
    wire::CheckResponse response;

    write_answer({.request_id = {}, .verdict = denial}, &response);

    EXPECT_NE(response.status().code(), 0) << status;
    EXPECT_EQ(static_cast<int>(response.denied_response().status().code()), status);
    EXPECT_EQ(response.denied_response().body(), "why");
    EXPECT_EQ(response.denied_response().headers(0).header().key(), "Location");
  }
}

TEST(CheckMessagesTest, PeersAreNamedInEveryFormOfGrpc) {
  EXPECT_EQ(address_of_peer("ipv4:10.0.0.1:443"), IpAddress::parse("10.0.0.1"));
  EXPECT_EQ(address_of_peer("ipv6:[::1]:443"), IpAddress::parse("::1"));
  EXPECT_EQ(address_of_peer("ipv6:%5B2001:db8::1%5D:443"), IpAddress::parse("2001:db8::1"));
  for (const char* peer : {"", "unix:/run/x", "ipv4:10.0.0.1", "ipv6:::1:443", "ipv4::", "x"}) {
    EXPECT_EQ(address_of_peer(peer), std::nullopt) << peer;
  }
}

}  // namespace
}  // namespace vallum::ext_authz
