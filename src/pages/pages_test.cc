#include <array>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "pages/html.h"
#include "pages/representation.h"
#include "pages/views.h"

namespace vallum::pages {
namespace {

constexpr Frame kFrame{.request_id = "req-1", .nonce = "nonce-1"};

std::string text_of(std::string_view value) {
  std::string out;
  HtmlWriter(out).text(value);
  return out;
}

std::string href_of(std::string_view value) {
  std::string out;
  HtmlWriter(out).url("href", value);
  return out;
}

TEST(HtmlTest, EscapesWhatHasAMeaningInMarkup) {
  EXPECT_EQ(text_of("<script>alert(\"1\")&'x'</script>"),
            "&lt;script&gt;alert(&quot;1&quot;)&amp;&#39;x&#39;&lt;/script&gt;");
}

TEST(HtmlTest, AnAttributeCannotBeLeft) {
  std::string out;

  HtmlWriter(out).markup("<p").attribute("title", "\"><img src=x onerror=y>").markup(">");

  EXPECT_EQ(out, "<p title=\"&quot;&gt;&lt;img src=x onerror=y&gt;\">");
}

TEST(HtmlTest, KeepsUtf8AndReplacesWhatIsNot) {
  EXPECT_EQ(text_of("Zo\xC3\xAB"), "Zo\xC3\xAB");
  EXPECT_EQ(text_of("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(text_of(std::string_view("a\0b\x1b", 4)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
}

class UrlTest : public ::testing::TestWithParam<std::string_view> {};

// Covers RED-05.
TEST_P(UrlTest, WhatIsNoWebAddressLeadsNowhere) {
  EXPECT_EQ(href_of(GetParam()), " href=\"#\"");
}

INSTANTIATE_TEST_SUITE_P(Refused,
                         UrlTest,
                         ::testing::Values("javascript:alert(1)",
                                           "JaVaScRiPt:alert(1)",
                                           "java\tscript:alert(1)",
                                           " javascript:alert(1)",
                                           "data:text/html,x",
                                           "vbscript:x",
                                           "//evil.example/",
                                           "/\\evil.example/",
                                           "https:evil.example",
                                           "https:/\\evil.example",
                                           "ftp://x/",
                                           "relative",
                                           ""));

TEST(HtmlTest, WritesWebAddressesAndPaths) {
  EXPECT_EQ(href_of("https://app.example/a?b=1&c=2"),
            " href=\"https://app.example/a?b=1&amp;c=2\"");
  EXPECT_EQ(href_of("/.pomerium/sign_out"), " href=\"/.pomerium/sign_out\"");
}

TEST(ErrorViewTest, SaysWhatHappenedToWhomAndOffersAnotherAccount) {
  const std::string page = error_html({.title = "Access denied",
                                       .explanation = "No rule allows you.",
                                       .signed_in_as = "bob@corp.example",
                                       .sign_out_url = "/.pomerium/sign_out"},
                                      kFrame);

  EXPECT_TRUE(page.contains("<h1>Access denied</h1>"));
  EXPECT_TRUE(page.contains("<strong>bob@corp.example</strong>"));
  EXPECT_TRUE(page.contains("action=\"/.pomerium/sign_out\""));
  EXPECT_TRUE(page.contains("req-1"));
}

TEST(ErrorViewTest, OffersNoSignOutToAStranger) {
  const std::string page =
      error_html({.title = "Not found", .explanation = "", .sign_out_url = "/out"}, kFrame);

  EXPECT_FALSE(page.contains("<form"));
}

TEST(ErrorViewTest, NothingOfTheRequestIsMarkup) {
  constexpr std::string_view kEvil = "<i>\"'&";

  const std::string page = error_html({.title = kEvil,
                                       .explanation = kEvil,
                                       .signed_in_as = kEvil,
                                       .sign_out_url = kEvil,
                                       .retry_url = kEvil},
                                      {.request_id = kEvil, .nonce = kEvil});

  EXPECT_FALSE(page.contains("<i>"));
}

TEST(LoginLoopViewTest, EveryCauseHasWordsOfItsOwn) {
  constexpr auto kCauses = std::to_array<LoopCause>({LoopCause::CookieNotReturned,
                                                     LoopCause::ClockSkew,
                                                     LoopCause::HostMismatch,
                                                     LoopCause::StoreLag,
                                                     LoopCause::Unknown});
  std::set<std::string> texts;

  for (const LoopCause cause : kCauses) {
    texts.insert(login_loop_html({.cause = cause}, kFrame));
  }

  EXPECT_EQ(texts.size(), std::size(kCauses));
}

TEST(UserViewTest, ShowsTheSessionWithGroupsAndClaims) {
  constexpr auto kGroups = std::to_array<std::string_view>({"eng", "ops"});
  constexpr auto kClaims = std::to_array<ClaimView>({{.name = "locale", .value = "de"}});

  const std::string page = user_html({.email = "alice@corp.example",
                                      .user_id = "alice",
                                      .groups = kGroups,
                                      .claims = kClaims,
                                      .sign_out_url = "/.pomerium/sign_out"},
                                     kFrame);

  EXPECT_TRUE(page.contains("<dd>alice@corp.example</dd>"));
  EXPECT_TRUE(page.contains("<dt>Group</dt><dd>ops</dd>"));
  EXPECT_TRUE(page.contains("<dt>locale</dt><dd>de</dd>"));
  EXPECT_TRUE(page.contains("<button>Sign out</button>"));
}

TEST(UserViewTest, OffersASignInToAStranger) {
  const std::string page = user_html({.sign_in_url = "/?sign-in"}, kFrame);

  EXPECT_TRUE(page.contains("href=\"/?sign-in\""));
  EXPECT_FALSE(page.contains("Sign out"));
}

TEST(SetupViewTest, NamesWhatIsMissing) {
  constexpr auto kMissing =
      std::to_array<std::string_view>({"authenticate_service_url", "idp_provider"});

  const std::string page = setup_html({.missing_options = kMissing}, kFrame);

  EXPECT_TRUE(page.contains("<code>authenticate_service_url</code>"));
  EXPECT_TRUE(page.contains("<code>idp_provider</code>"));
}

TEST(RepresentationTest, FollowsTheClient) {
  EXPECT_EQ(choose_representation({.path = "/", .accept = "text/html,*/*;q=0.8"}),
            Representation::Html);
  EXPECT_EQ(choose_representation({.path = "/", .accept = "text/plain"}), Representation::Html);
  EXPECT_EQ(choose_representation({.path = "/"}), Representation::Html);
  EXPECT_EQ(choose_representation({.path = "/", .accept = "application/json"}),
            Representation::Json);
  EXPECT_EQ(choose_representation({.path = "/", .accept = "text/html;q=0.1, application/json"}),
            Representation::Json);
  EXPECT_EQ(choose_representation({.path = "/", .content_type = "application/grpc"}),
            Representation::Grpc);
  EXPECT_EQ(choose_representation({.path = "/", .content_type = "application/grpc+proto"}),
            Representation::Grpc);
  EXPECT_EQ(choose_representation({.path = "/", .content_type = "application/grpc-web+proto"}),
            Representation::GrpcWeb);
  EXPECT_EQ(choose_representation({.path = "/", .content_type = "application/grpc-web-text"}),
            Representation::GrpcWeb);
  EXPECT_EQ(choose_representation({.path = "/", .content_type = "application/grpcx"}),
            Representation::Html);
  EXPECT_EQ(choose_representation({.path = "/robots.txt", .accept = "application/json"}),
            Representation::Robots);
  EXPECT_EQ(choose_representation({.path = "/robots.txt",
                                   .user_agent = "kubectl/v1.30 (linux/amd64) kubernetes/abc"}),
            Representation::Kubernetes);
}

TEST(RepresentationTest, AFailureIsWrittenInWhatTheClientLikesBest) {
  EXPECT_EQ(choose_failure_representation({}), Representation::Html);
  EXPECT_EQ(choose_failure_representation({.accept = "*/*"}), Representation::Html);
  EXPECT_EQ(choose_failure_representation({.accept = "application/json"}), Representation::Json);
  EXPECT_EQ(choose_failure_representation({.accept = "text/html;q=0.1,application/json"}),
            Representation::Json);
  EXPECT_EQ(choose_failure_representation({.accept = "application/xml, application/json"}),
            Representation::Json);
  EXPECT_EQ(choose_failure_representation({.accept = "application/json;q=0.5,text/plain;q=0.9"}),
            Representation::Plain);
  EXPECT_EQ(choose_failure_representation({.content_type = "application/grpc+proto"}),
            Representation::Grpc);
}

}  // namespace
}  // namespace vallum::pages
