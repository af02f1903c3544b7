#include "policytools/lint.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "policytools/check.h"
#include "policytools/load.h"
#include "support/config_fixture.h"

namespace vallum::policytools {
namespace {

using Names = std::vector<std::string>;

class LintTest : public config::ConfigTest {
 protected:
  // What is said about routes to one place each, one a line from line 2.
  Names said(const std::vector<std::string>& routes) {
    std::string text = "routes:\n";
    for (const std::string& route : routes) {
      text.append("  - {to: http://127.0.0.1:1, ").append(route).append("}\n");
    }
    files().put("c.yaml", text);
    const auto settings = load_settings("c.yaml", context());
    EXPECT_TRUE(settings.has_value()) << (settings ? "" : settings.error().message());
    Names lines;
    for (const config::Diagnostic& diagnostic :
         settings ? lint(*settings) : config::Diagnostics()) {
      EXPECT_EQ(diagnostic.severity, config::Severity::Warning);
      EXPECT_FALSE(diagnostic.cure.empty());
      lines.push_back(diagnostic.where + ": " + diagnostic.message);
    }
    return lines;
  }
  Names said_of_policy(const std::string& policy) {
    return said({"from: https://a.example.com, policy: " + policy});
  }
};

constexpr const char* kSignedIn = "allow_any_authenticated_user: true";

std::string at(const std::string& from, const std::string& more) {
  return "from: " + from + ", " + kSignedIn + (more.empty() ? "" : ", " + more);
}

TEST_F(LintTest, NothingIsSaidOfAPlainConfiguration) {
  EXPECT_EQ(said({at("https://a.example.com", "prefix: /admin/"),
                  at("https://a.example.com", "path: /admin"),
                  at("https://a.example.com", ""),
                  at("https://*.example.com", ""),
                  at("https://b.example.com:8443", "")}),
            Names());
}

TEST_F(LintTest, ARouteBehindAnotherIsNeverReached) {
  EXPECT_EQ(
      said({at("https://a.example.com", ""), at("https://a.example.com", "prefix: /x/")}),
      Names{"c.yaml:3:5: no request reaches this route: the one at c.yaml:2:5 comes first and "
            "takes them all"});
  EXPECT_EQ(
      said({at("https://a.example.com", "prefix: /x/"), at("https://a.example.com", "path: /x/y")})
          .size(),
      1U);
}

TEST_F(LintTest, ARouteOfOnePathLeavesTheRestToTheNext) {
  EXPECT_EQ(said({at("https://a.example.com", "path: /"), at("https://a.example.com", "")}),
            Names());
}

TEST_F(LintTest, ARouteThatAnyoneReachesIsNamed) {
  EXPECT_EQ(said({"from: https://a.example.com, allow_public_unauthenticated_access: true"}),
            Names{"c.yaml:2:5: anyone reaches this route without signing in"});
  // A policy that only looks open is not.
  EXPECT_EQ(said_of_policy("{allow: {or: [{accept: 1}]}, deny: {or: [{email: x@y.example}]}}"),
            Names());
}

TEST_F(LintTest, APrefixThatEndsInsideASegmentMatchesMore) {
  EXPECT_EQ(said({at("https://a.example.com", "prefix: /admin")}).size(), 1U);
  EXPECT_TRUE(said({at("https://a.example.com", "prefix: /admin")})
                  .front()
                  .contains(": prefix: also matches /adminx"));
  const Names path =
      said_of_policy("{allow: {and: [{user: u}, {http_path: {starts_with: /admin}}]}}");
  ASSERT_EQ(path.size(), 1U);
  EXPECT_TRUE(path.front().contains("http_path: starts_with /admin also matches /adminx"));
}

TEST_F(LintTest, RulesBesideAcceptChangeNothing) {
  const Names lines = said_of_policy("{allow: {or: [{accept: 1}, {user: u}]}}");

  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(lines[1].contains("user: changes nothing, for accept at c.yaml:2:")) << lines[1];
  EXPECT_TRUE(said_of_policy("{deny: {or: [{user: u}, {accept: 1}]}}")
                  .front()
                  .contains("denies everybody"));
}

TEST_F(LintTest, WhatCannotBeAtOnceNeverHolds) {
  for (const std::string policy :
       {"{allow: {and: [{http_method: GET}, {user: u}, {http_method: {is: POST}}]}}",
        "{allow: {and: [{email: a@x.example}, {email: b@x.example}]}}",
        "{allow: {and: [{user: u}, {reject: 1}]}}"}) {
    const Names lines = said_of_policy(policy);
    ASSERT_EQ(lines.size(), 1U) << policy;
    EXPECT_TRUE(lines.front().contains("never holds")) << lines.front();
  }
  EXPECT_EQ(said_of_policy("{allow: {or: [{http_method: GET}, {http_method: POST}]}, "
                           "deny: {or: [{user: {not: u}}]}}"),
            Names());
}

TEST_F(LintTest, AGroupWithoutANameHasNobody) {
  EXPECT_TRUE(said_of_policy("{allow: {or: [{groups: {has: ''}}]}}")
                  .front()
                  .contains("an empty group, which nobody is in"));
  EXPECT_TRUE(said_of_policy("{allow: {or: [{groups: {}}]}}")
                  .front()
                  .contains("names no group, so it holds for everybody"));
}

TEST_F(LintTest, ACheckSaysItBesideWhatTheLoadSays) {
  files().put("c.yaml",
              "autocert: true\n"
              "routes:\n"
              "  - from: https://a.example.com\n"
              "    to: http://127.0.0.1:1\n"
              "    allow_public_unauthenticated_access: true\n"
              "    tls_skip_verify: true\n");

  const config::CheckAnswer answer = check_file("c.yaml", false, context());

  EXPECT_EQ(answer.exit_code, 0);
  const std::size_t anyone = answer.text.find("c.yaml:3:5: warning: anyone reaches this route");
  ASSERT_NE(anyone, std::string::npos) << answer.text;
  EXPECT_LT(answer.text.find("c.yaml:1:1: warning: autocert"), anyone);
  EXPECT_GT(answer.text.find("c.yaml:6:"), anyone);
}

TEST_F(LintTest, AConfigurationThatCannotBeUsedIsNotLinted) {
  files().put("c.yaml",
              "routes: [{from: https://a.example.com, tests: 7, to: http://127.0.0.1:1}]\n");

  EXPECT_EQ(check_file("c.yaml", false, context()).exit_code, 1);
}

}  // namespace
}  // namespace vallum::policytools
