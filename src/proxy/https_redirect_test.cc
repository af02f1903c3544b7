#include "proxy/https_redirect.h"

#include <gtest/gtest.h>

namespace vallum::proxy {
namespace {

http::Request request_of(http::Method method, std::string_view host) {
  http::Request request;
  request.method = method;
  request.scheme = http::Scheme::Http;
  request.authority = *http::Authority::parse(host);
  request.path = "/a%20b";
  request.query = "q=1";
  return request;
}

// Covers RED-19.
TEST(HttpsRedirectTest, KeepsHostPathAndQueryAndNamesThePort) {
  const http::Response response =
      redirect_to_https(request_of(http::Method::Get, "app.example:80"), 443);
  EXPECT_EQ(response.status, 301);
  EXPECT_EQ(response.headers.value("location"), "https://app.example/a%20b?q=1");
  EXPECT_EQ(
      redirect_to_https(request_of(http::Method::Get, "[::1]"), 8443).headers.value("location"),
      "https://[::1]:8443/a%20b?q=1");
}

TEST(HttpsRedirectTest, AFormStaysAForm) {
  EXPECT_EQ(redirect_to_https(request_of(http::Method::Post, "app.example"), 443).status, 308);
}

}  // namespace
}  // namespace vallum::proxy
