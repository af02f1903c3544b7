#include "proxy/message_heads.h"

#include <string>

#include <gtest/gtest.h>

#include "config/header_template.h"
#include "http/syntax/h1.h"

namespace vallum::proxy {
namespace {

class UpstreamRequestTest : public ::testing::Test {
 protected:
  // What the upstream gets for this request head.
  std::string forward(const std::string& text) {
    text_ = text;
    head_.clear();
    const http::HeadStep step = http::parse_request_head(text_, http::HeadLimits{}, head_);
    EXPECT_TRUE(step.done()) << text;
    std::string out;
    append_upstream_request(out,
                            {.client = head_,
                             .rules = rules_,
                             .settings = settings_,
                             .path = path_,
                             .query = query_,
                             .peer_ip = "192.0.2.7",
                             .request_id = "id-1",
                             .identity_lines = "X-Pomerium-Jwt-Assertion: ours\r\n",
                             .serverless_token = {},
                             .facts = facts_,
                             .upgrade = upgrade_});
    return out;
  }
  static std::string get(const std::string& fields) {
    return "GET /a HTTP/1.1\r\nHost: app.example\r\n" + fields + "\r\n";
  }

  // The header X-Set as the upstream gets it for this value in the configuration's grammar.
  std::string set(const std::string& value, const std::string& fields = "") {
    rules_.set_request_headers = {
        {.name = "X-Set", .value = config::parse_header_template(value).pieces}};
    rules_.not_from_client = NameSet({"X-Set"});
    const std::string out = forward(get(fields));
    const std::size_t begin = out.find("X-Set: ") + 7;
    return out.substr(begin, out.find("\r\n", begin) - begin);
  }

  ForwardRules rules_;
  ForwardSettings settings_;
  HeaderFacts facts_;
  std::string path_ = "/a";
  std::optional<std::string_view> query_;
  std::string upgrade_;
  std::string text_;
  http::RequestHead head_;
};

bool contains(const std::string& text, std::string_view piece) {
  return text.find(piece) != std::string::npos;
}

TEST_F(UpstreamRequestTest, CarriesTheRequestAndSaysWhoAskedThrough) {
  const std::string out = forward(get("Accept: text/plain\r\nX-Own: 1\r\n"));

  EXPECT_EQ(out,
            "GET /a HTTP/1.1\r\nHost: app.example\r\nAccept: text/plain\r\nX-Own: 1\r\n"
            "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Request-Id: id-1\r\n"
            "X-Pomerium-Jwt-Assertion: ours\r\n\r\n");
}

// Covers HDR-01, HDR-02, HDR-03, HDR-06, HDR-09, HDR-10, HDR-11.
TEST_F(UpstreamRequestTest, NothingThatOnlyWeMaySayComesFromTheClient) {
  const std::string out = forward(
      get("X-Pomerium-Jwt-Assertion: forged\r\nx-pomerium-claim-email: a@b\r\n"
          "X.Pomerium.Claim.Email: a@b\r\nX-Pomerium-Authorization: handle\r\n"
          "X-Pomerium-Set-Cookie: a=b\r\nX-Pomerium-Reproxy-Policy: 1\r\n"
          "X-Envoy-Original-Path: /x\r\nX-Envoy-Internal: true\r\nX-Forwarded-Client-Cert: c\r\n"
          "X-Request-Id: theirs\r\nImpersonate-User: root\r\nImpersonate.Group: root\r\n"));

  EXPECT_EQ(out.find("forged"), std::string::npos);
  for (const char* gone :
       {"a@b", "handle", "a=b", "eproxy", "nvoy", "Client-Cert", "theirs", "root"}) {
    EXPECT_FALSE(contains(out, gone)) << gone;
  }
}

// Covers HDR-04, HDR-05.
TEST_F(UpstreamRequestTest, ConnectionOptionsRemoveTheClientsFieldsAndNeverOurs) {
  const std::string out =
      forward(get("Connection: close, X-Pomerium-Jwt-Assertion, x-own, cookie\r\nX-Own: 1\r\n"
                  "X-Other: 2\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nTrailer: X-T\r\n"));

  EXPECT_TRUE(contains(out, "X-Pomerium-Jwt-Assertion: ours\r\n"));
  EXPECT_TRUE(contains(out, "X-Other: 2\r\n"));
  for (const char* gone : {"X-Own", "Connection", "Keep-Alive", "TE:", "Trailer"}) {
    EXPECT_FALSE(contains(out, gone)) << gone;
  }
}

// Covers SES-19.
TEST_F(UpstreamRequestTest, OurCredentialsAreRemovedInEveryForm) {
  const std::string out =
      forward(get("Cookie: a=1; _pomerium=h; _pomerium_csrf=x; b=2; _pomerium_pkce_7=v\r\n"
                  "Cookie: _pomerium_authenticate=y; c=3\r\nAuthorization: Pomerium handle\r\n"));
  EXPECT_TRUE(contains(out, "Cookie: a=1; b=2; c=3\r\n"));
  EXPECT_FALSE(contains(out, "omerium_")) << out;
  EXPECT_FALSE(contains(out, "handle"));

  for (const char* bearer :
       {"Bearer Pomerium-abc", "bearer pomerium-abc", "Bearer  Pomerium-abc"}) {
    EXPECT_FALSE(contains(forward(get(std::string("Authorization: ") + bearer + "\r\n")), "abc"));
  }
  EXPECT_FALSE(contains(forward(get("Cookie: _pomerium=h\r\n")), "Cookie"));
}

TEST_F(UpstreamRequestTest, AHeaderThatIsSetMayReferToWhoAsks) {
  const policy::LeafCertificate leaf{.fingerprint = {std::byte{0xab}},
                                     .spki_hash = {},
                                     .san_dns = {"a.t", "b,c", "d.t"},
                                     .san_email = {"a@t"},
                                     .san_uri = {}};
  facts_ = {.assertion = "jwt", .access_token = "at", .id_token = "it", .leaf = &leaf};

  EXPECT_EQ(set("Bearer $pomerium.access_token"), "Bearer at");
  EXPECT_EQ(set("${pomerium.id_token}/${pomerium.jwt}"), "it/jwt");
  EXPECT_EQ(set("$pomerium.client_cert_fingerprint"), "ab" + std::string(62, '0'));
  EXPECT_EQ(set("$pomerium.client_cert_san_dns"), "a.t,d.t");
  EXPECT_EQ(set("$pomerium.client_cert_san_email"), "a@t");
  facts_ = {};
  EXPECT_EQ(set("<$pomerium.client_cert_san_dns$pomerium.client_cert_fingerprint>"), "<>");
  EXPECT_EQ(set("$$5"), "$5");
}

TEST_F(UpstreamRequestTest, AHeaderThatIsSetMayCopyTheClientsUnderItsName) {
  EXPECT_EQ(set("${pomerium.request.headers[\"x-a\"]}", "X-A: 1\r\nX-A: 2\r\n"), "1,2");
  EXPECT_EQ(set("$pomerium.request.headers.X-Set", "X-Set: client\r\n"), "client");
  EXPECT_EQ(set("$pomerium.request.headers.Missing"), "");
}

// Covers SES-19, HDR-02.
TEST_F(UpstreamRequestTest, AHeaderThatIsSetCopiesNoCredentialOfOursAndNoForgedIdentity) {
  EXPECT_EQ(set("$pomerium.request.headers.Cookie",
                "Cookie: a=1; _pomerium=h\r\nCookie: _pomerium_csrf=x\r\nCookie: b=2\r\n"),
            "a=1; b=2");
  EXPECT_EQ(set("$pomerium.request.headers.Authorization",
                "Authorization: Bearer Pomerium-h\r\nAuthorization: Basic x\r\n"),
            "Basic x");
  EXPECT_EQ(
      set("$pomerium.request.headers.X-Pomerium-Authorization", "X-Pomerium-Authorization: h\r\n"),
      "");
  EXPECT_EQ(
      set("$pomerium.request.headers.X-Pomerium-Claim-Email", "X-Pomerium-Claim-Email: boss@t\r\n"),
      "");
}

// Covers HDR-07.
TEST_F(UpstreamRequestTest, WhatSomebodyElseSaidNeverBecomesALine) {
  facts_.access_token = "a\r\nX-Evil: 1";
  EXPECT_EQ(set("Bearer $pomerium.access_token"), "");
  const policy::LeafCertificate leaf{.fingerprint = {},
                                     .spki_hash = {},
                                     .san_dns = {std::string("a\0b", 3)},
                                     .san_email = {},
                                     .san_uri = {}};
  facts_ = {.assertion = {}, .access_token = {}, .id_token = {}, .leaf = &leaf};
  EXPECT_EQ(set("$pomerium.client_cert_san_dns"), "");
}

TEST_F(UpstreamRequestTest, CredentialsOfTheApplicationPass) {
  EXPECT_TRUE(contains(forward(get("Authorization: Bearer theirs\r\n")), "Bearer theirs"));
  EXPECT_TRUE(contains(forward(get("Authorization: Basic eDp5\r\n")), "Basic eDp5"));
  EXPECT_TRUE(contains(forward(get("Cookie: _pomeriumx=1; x_pomerium=2\r\n")),
                       "Cookie: _pomeriumx=1; x_pomerium=2\r\n"));
}

// Covers SES-18.
TEST_F(UpstreamRequestTest, TheSessionParameterIsRemovedFromTheQuery) {
  const auto target = [this](std::string_view query) {
    query_ = query;
    const std::string out = forward(get(""));
    return out.substr(4, out.find(" HTTP/1.1") - 4);
  };
  EXPECT_EQ(target("a=1&pomerium_session=h&b=2"), "/a?a=1&b=2");
  EXPECT_EQ(target("pomerium_session=h"), "/a");
  EXPECT_EQ(target("%70omerium_session=h&x"), "/a?x");
  EXPECT_EQ(target("q=pomerium_session"), "/a?q=pomerium_session");
  EXPECT_EQ(target(""), "/a?");
}

// Covers HDR-12, HDR-13.
TEST_F(UpstreamRequestTest, ForwardingFieldsOfStrangersAreNotBelieved) {
  const std::string sent =
      get("X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: evil\r\n");
  const std::string out = forward(sent);
  EXPECT_TRUE(contains(out, "X-Forwarded-For: 10.0.0.1,192.0.2.7\r\n"));
  EXPECT_TRUE(contains(out, "X-Forwarded-Proto: https\r\n"));
  EXPECT_FALSE(contains(out, "evil"));

  settings_.trusted_hops = 1;
  EXPECT_TRUE(contains(forward(sent), "X-Forwarded-Proto: http\r\n"));
}

TEST_F(UpstreamRequestTest, ARewrittenHostIsNamedInXForwardedHost) {
  rules_.upstream_host = "10.0.0.9:8080";
  const std::string out = forward(get(""));
  EXPECT_TRUE(contains(out, "Host: 10.0.0.9:8080\r\n"));
  EXPECT_TRUE(contains(out, "X-Forwarded-Host: app.example\r\n"));
}

TEST_F(UpstreamRequestTest, RouteHeadersReplaceTheClientsUnderEverySpelling) {
  rules_.set_request_headers = {
      {.name = "X-Email", .value = config::parse_header_template("ours").pieces}};
  rules_.not_from_client = NameSet({"X-Email"});
  const std::string out = forward(get("x-email: theirs\r\nX.Email: theirs\r\n"));
  EXPECT_TRUE(contains(out, "X-Email: ours\r\n"));
  EXPECT_FALSE(contains(out, "theirs"));
}

TEST_F(UpstreamRequestTest, FramesTheBodyAnew) {
  EXPECT_TRUE(contains(forward("POST /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\n"),
                       "Content-Length: 5\r\n"));
  EXPECT_TRUE(
      contains(forward("POST /a HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"),
               "Transfer-Encoding: chunked\r\n"));
  EXPECT_TRUE(
      contains(forward("POST /a HTTP/1.1\r\nHost: a.example\r\n\r\n"), "Content-Length: 0\r\n"));
  EXPECT_FALSE(contains(forward(get("")), "Content-Length"));
}

class ClientResponseTest : public ::testing::Test {
 protected:
  std::string answer(const std::string& text) {
    text_ = text;
    head_.clear();
    const http::HeadStep step =
        http::parse_response_head(text_, method_, http::HeadLimits{}, head_);
    EXPECT_TRUE(step.done()) << text;
    std::string out;
    append_client_response(out,
                           {.upstream = head_,
                            .rules = rules_,
                            .settings = settings_,
                            .request_id = "id-1",
                            .framing = head_.framing,
                            .method = method_,
                            .keep_alive = keep_alive_,
                            .upgrade = {},
                            .date = "Sun, 06 Nov 1994 08:49:37 GMT"});
    return out;
  }

  http::Method method_ = http::Method::Get;
  bool keep_alive_ = true;
  ForwardRules rules_;
  ForwardSettings settings_;
  std::string text_;
  http::ResponseHead head_;
};

// Covers HDR-27, SES-20.
TEST_F(ClientResponseTest, LeavesOutWhatAnApplicationMustNotSay) {
  const std::string out = answer(
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: theirs\r\nAlt-Svc: h3=\":9\"\r\n"
      "X-Pomerium-Intercepted-Response: true\r\nSet-Cookie: _pomerium=planted; Domain=example\r\n"
      "Set-Cookie: _pomerium_csrf=planted\r\nSet-Cookie: app=1\r\nConnection: x-hop\r\nX-Hop: 1\r\n"
      "X-Request-Id: theirs\r\n\r\n");

  for (const char* gone : {"theirs", "h3=", "ntercepted", "planted", "X-Hop"}) {
    EXPECT_FALSE(contains(out, gone)) << gone;
  }
  EXPECT_TRUE(contains(out, "Set-Cookie: app=1\r\n"));
  EXPECT_TRUE(contains(out, "Server: vallum\r\n"));
  EXPECT_TRUE(contains(out, "X-Request-Id: id-1\r\n"));
  EXPECT_TRUE(contains(out, "Content-Length: 2\r\n"));
  EXPECT_TRUE(contains(out, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
}

TEST_F(ClientResponseTest, RouteHeadersOverwriteTheApplications) {
  rules_.set_response_headers = {{"X-Frame-Options", "SAMEORIGIN"}};
  rules_.set_response_names = NameSet({"X-Frame-Options"});
  const std::string out =
      answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nx-frame-options: ALLOWALL\r\n\r\n");
  EXPECT_FALSE(contains(out, "ALLOWALL"));
  EXPECT_TRUE(contains(out, "X-Frame-Options: SAMEORIGIN\r\n"));
}

TEST_F(ClientResponseTest, KeepsTheLengthOfABodyThatIsNotSent) {
  method_ = http::Method::Head;
  EXPECT_TRUE(
      contains(answer("HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n"), "Content-Length: 42\r\n"));
  method_ = http::Method::Get;
  EXPECT_FALSE(contains(answer("HTTP/1.1 204 No Content\r\n\r\n"), "Content-Length"));
}

TEST_F(ClientResponseTest, SaysWhenTheConnectionEnds) {
  keep_alive_ = false;
  EXPECT_TRUE(
      contains(answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "Connection: close\r\n"));
}

}  // namespace
}  // namespace vallum::proxy
