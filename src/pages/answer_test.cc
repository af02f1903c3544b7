#include "pages/answer.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "support/seeded_entropy.h"

namespace vallum::pages {
namespace {

class AnswerTest : public ::testing::Test {
 protected:
  http::Response refuse_as(Representation representation, std::uint16_t status) {
    return refuse({.status = status, .request_id = "req-1"}, representation, entropy_);
  }

  testing::SeededEntropy entropy_{1};
};

// Covers CSR-07.
TEST_F(AnswerTest, APageCannotBeFramedAndRunsNothing) {
  const http::Response page = refuse_as(Representation::Html, 403);

  const std::string_view policy = page.headers.value("Content-Security-Policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none'; style-src 'nonce-"));
  EXPECT_TRUE(policy.contains("frame-ancestors 'none'"));
  EXPECT_TRUE(policy.contains("base-uri 'none'"));
  EXPECT_TRUE(policy.contains("form-action 'self'"));
  EXPECT_FALSE(policy.contains("unsafe"));
  EXPECT_EQ(page.headers.value("X-Frame-Options"), "DENY");
  EXPECT_EQ(page.headers.value("Referrer-Policy"), "same-origin");
  EXPECT_EQ(page.headers.value("Cache-Control"), "no-store");
  EXPECT_EQ(page.headers.value("X-Pomerium-Intercepted-Response"), "true");
}

TEST_F(AnswerTest, TheNonceOfTheStyleIsTheOneAllowedAndNeverTheSameTwice) {
  const http::Response first = refuse_as(Representation::Html, 403);
  const http::Response second = refuse_as(Representation::Html, 403);

  const std::string_view policy = first.headers.value("Content-Security-Policy");
  const std::size_t begin = policy.find("nonce-") + 6;
  const std::string nonce(policy.substr(begin, policy.find('\'', begin) - begin));
  EXPECT_GE(nonce.size(), 20U);
  EXPECT_TRUE(first.body.contains("nonce=\"" + nonce + "\""));
  EXPECT_FALSE(second.body.contains(nonce));
}

TEST_F(AnswerTest, JsonNamesReasonRequestAndWhereToSignIn) {
  const http::Response plain = refuse_as(Representation::Json, 403);
  const http::Response login = refuse(
      {.status = 401, .request_id = "req-\"2", .login_url = "https://auth.example/x?a=1&b=2"},
      Representation::Json,
      entropy_);

  EXPECT_EQ(plain.status, 403);
  EXPECT_EQ(plain.body, R"({"error":"Forbidden","request_id":"req-1"})");
  EXPECT_EQ(plain.headers.value("Content-Type"), "application/json");
  EXPECT_EQ(
      login.body,
      R"({"error":"Unauthenticated","request_id":"req-\"2","login_url":"https://auth.example/x?a=1&b=2"})");
}

TEST_F(AnswerTest, PoliciesAreToldInJsonAndOnThePageAlone) {
  const PolicyView told{.id = "p1",
                        .explanation = "<script>",
                        .remediation = "ask",
                        .allow = false,
                        .deny = true,
                        .reasons = {"email-ok"}};
  const Refusal refusal{.status = 403, .request_id = "req-1", .policies = std::span(&told, 1)};

  EXPECT_EQ(refuse(refusal, Representation::Json, entropy_).body,
            R"({"error":"Forbidden","request_id":"req-1","policy_evaluation_traces":[{"id":"p1",)"
            R"("explanation":"<script>","remediation":"ask","allow":false,"deny":true,)"
            R"("reasons":["email-ok"]}]})");
  const std::string page = refuse(refusal, Representation::Html, entropy_).body;
  EXPECT_TRUE(page.contains("&lt;script&gt;"));
  EXPECT_TRUE(page.contains("denies"));
  EXPECT_TRUE(page.contains("email-ok"));
  EXPECT_FALSE(refuse(refusal, Representation::Kubernetes, entropy_).body.contains("email-ok"));
}

TEST_F(AnswerTest, KubernetesGetsAStatusObject) {
  EXPECT_EQ(
      refuse_as(Representation::Kubernetes, 403).body,
      R"({"apiVersion":"v1","kind":"Status","status":"Failure","message":"Forbidden","reason":"Forbidden","code":403})");
  EXPECT_TRUE(refuse_as(Representation::Kubernetes, 495)
                  .body.contains(R"("reason":"Unauthorized","code":495)"));
}

TEST_F(AnswerTest, CrawlersAreKeptAwayWhateverWasRefused) {
  const http::Response answer = refuse_as(Representation::Robots, 403);

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "User-agent: *\nDisallow: /");
}

TEST_F(AnswerTest, GrpcGetsItsStatusInsideOfA200) {
  const http::Response answer = refuse_as(Representation::Grpc, 401);

  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.value("Content-Type"), "application/grpc");
  EXPECT_EQ(answer.headers.value("grpc-status"), "16");
  EXPECT_EQ(answer.headers.value("grpc-message"), "Unauthenticated");
  EXPECT_EQ(answer.body, "");
}

TEST_F(AnswerTest, GrpcWebKeepsTheHttpStatus) {
  const http::Response answer = refuse_as(Representation::GrpcWeb, 450);

  EXPECT_EQ(answer.status, 450);
  EXPECT_EQ(answer.headers.value("Content-Type"), "application/grpc-web+json");
  EXPECT_EQ(answer.headers.value("grpc-status"), "2");
  EXPECT_EQ(answer.headers.find("X-Pomerium-Intercepted-Response"), nullptr);
}

TEST_F(AnswerTest, AGrpcMessageIsPrintableAscii) {
  const http::Response answer =
      refuse({.status = 403, .reason = "100% \xC3\xA9\n"}, Representation::Grpc, entropy_);

  EXPECT_EQ(answer.headers.value("grpc-message"), "100%25 %C3%A9%0A");
}

TEST_F(AnswerTest, AFailureIsReportedInTheClientsFormat) {
  const Refusal failure{.status = 503, .reason = "no_healthy_upstream", .request_id = "req-1"};

  const http::Response json = report_failure(failure, Representation::Json, entropy_);
  const http::Response plain = report_failure(failure, Representation::Plain, entropy_);
  const http::Response html = report_failure(failure, Representation::Html, entropy_);
  const http::Response grpc = report_failure(failure, Representation::Grpc, entropy_);

  EXPECT_EQ(json.body,
            "{\n  \"requestId\": \"req-1\",\n  \"status\": \"503\",\n"
            "  \"statusText\": \"no_healthy_upstream\"\n}\n");
  EXPECT_EQ(plain.body, json.body);
  EXPECT_EQ(plain.headers.value("Content-Type"), "text/plain; charset=UTF-8");
  EXPECT_TRUE(html.body.contains("req-1"));
  EXPECT_EQ(grpc.headers.value("grpc-status"), "14");
}

TEST_F(AnswerTest, EveryLoginProblemHasWordsOfItsOwn) {
  std::set<std::string_view> titles;
  for (int i = 0; i <= static_cast<int>(LoginProblem::StoreUnavailable); ++i) {
    const Refusal refusal = refusal_of(static_cast<LoginProblem>(i));
    EXPECT_GE(refusal.status, 400);
    EXPECT_FALSE(refusal.explanation.empty());
    titles.insert(refusal.title);
  }

  EXPECT_EQ(titles.size(), static_cast<std::size_t>(LoginProblem::StoreUnavailable) + 1);
}

TEST_F(AnswerTest, OnwardGoesToWebAddressesOnly) {
  const PageContext context{.request_id = "req-1", .entropy = entropy_};

  const http::Response good = onward_page("https://idp.example/end?x=1", context);
  const http::Response evil = onward_page("javascript:alert(1)", context);

  EXPECT_EQ(good.headers.value("Refresh"), "0;url=https://idp.example/end?x=1");
  EXPECT_EQ(evil.headers.find("Refresh"), nullptr);
  EXPECT_FALSE(evil.body.contains("javascript:"));
}

TEST_F(AnswerTest, PagesHaveTheStatusOfWhatTheySay) {
  const PageContext context{.request_id = "req-1", .entropy = entropy_};

  EXPECT_EQ(login_loop_page({}, context).status, 400);
  EXPECT_EQ(setup_page({}, context).status, 503);
  EXPECT_EQ(user_page({}, context).status, 200);
  EXPECT_EQ(signed_out_page("", context).status, 200);
  EXPECT_TRUE(sign_out_page("a@b", "/.pomerium/sign_out", context)
                  .body.contains("<form method=\"post\" action=\"/.pomerium/sign_out\">"));
}

}  // namespace
}  // namespace vallum::pages
