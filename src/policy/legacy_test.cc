#include "policy/legacy.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codec/yaml.h"
#include "policy/compiler.h"

namespace vallum::policy {
namespace {

codec::Node route_of(std::string_view yaml) {
  auto node = codec::parse_yaml(yaml);
  EXPECT_TRUE(node.has_value());
  return node ? *std::move(node) : codec::Node();
}

// The names of the criteria of the synthetic rule, in order.
std::vector<std::string> criteria_of(std::string_view yaml) {
  const Parsed parsed = parse_route(route_of(yaml), Keywords::AnyCase);
  EXPECT_TRUE(parsed.problems.empty());
  std::vector<std::string> names;
  for (const RuleSyntax& rule : parsed.policy.rules) {
    for (const BlockSyntax& block : rule.blocks) {
      for (const CriterionSyntax& criterion : block.criteria) {
        names.push_back(criterion.name +
                        (criterion.subpath.empty() ? "" : "/" + criterion.subpath));
      }
    }
  }
  return names;
}

std::vector<std::string_view> codes_of(const Problems& problems) {
  std::vector<std::string_view> codes;
  for (const Problem& problem : problems) {
    codes.push_back(to_string(problem.code));
  }
  return codes;
}

TEST(LegacyTest, KeysBecomeCriteriaInTheOrderOfTheSpecification) {
  EXPECT_EQ(criteria_of("allowed_users: [u]\n"
                        "allowed_idp_claims: {b: [1], a: x}\n"
                        "allowed_domains: [d]\n"
                        "allow_any_authenticated_user: true\n"
                        "cors_allow_preflight: true\n"
                        "allow_public_unauthenticated_access: true\n"
                        "policy: {allow: {or: [{reject: 1}]}}\n"),
            (std::vector<std::string>{"accept",
                                      "cors_preflight",
                                      "authenticated_user",
                                      "domain",
                                      "claim/a",
                                      "claim/b",
                                      "user",
                                      "email",
                                      "reject"}));
}

TEST(LegacyTest, ClaimsAreFlattenedAndKeepTheCaseOfTheirNames) {
  EXPECT_EQ(criteria_of("allowed_idp_claims: {resource: {App: {roles: [r, s]}}, level: 3}\n"),
            (std::vector<std::string>{
                "claim/level", "claim/resource.App.roles", "claim/resource.App.roles"}));
}

TEST(LegacyTest, FalseAndAbsentKeysMeanNothing) {
  EXPECT_TRUE(criteria_of("allow_any_authenticated_user: false\nallowed_users: []\n").empty());
  EXPECT_TRUE(criteria_of("policy: null\nallowed_idp_claims: null\n").empty());
}

TEST(LegacyTest, SubPoliciesAddToTheList) {
  EXPECT_EQ(criteria_of("allowed_domains: [a]\n"
                        "sub_policies:\n"
                        "- {allowed_domains: [b], allowed_users: [u]}\n"
                        "- {allowed_idp_claims: {c: d}, rego: []}\n"),
            (std::vector<std::string>{"domain", "domain", "claim/c", "user", "email"}));
}

TEST(LegacyTest, WrongTypesAndScriptsAreRefusedWithTheirPlace) {
  const Parsed parsed = parse_route(route_of("allow_any_authenticated_user: 'yes'\n"
                                             "allowed_users: alice\n"
                                             "allowed_domains: [5]\n"
                                             "allowed_idp_claims: [groups]\n"
                                             "sub_policies:\n"
                                             "- word\n"
                                             "- rego: ['package x']\n"),
                                    Keywords::AnyCase);

  EXPECT_EQ(codes_of(parsed.problems),
            (std::vector<std::string_view>{"route-key-type",
                                           "route-key-type",
                                           "custom-rego",
                                           "route-key-type",
                                           "route-key-type",
                                           "route-key-type"}));
  for (const Problem& problem : parsed.problems) {
    EXPECT_GT(problem.at.line, 0U);
  }
}

TEST(LegacyTest, ProblemsInsideThePolicyCountToo) {
  const Parsed parsed =
      parse_route(route_of("allowed_users: [a]\npolicy:\n  grant: {}\n"), Keywords::AnyCase);

  ASSERT_EQ(parsed.problems.size(), 1U);
  EXPECT_EQ(parsed.problems[0].code, ProblemCode::UnsupportedAction);
  EXPECT_EQ(parsed.problems[0].at, (codec::Position{3, 3}));
}

TEST(LegacyTest, ContradictionsAreNamed) {
  EXPECT_EQ(codes_of(validate_route(route_of("to: http://a\n"
                                             "allow_public_unauthenticated_access: true\n"
                                             "allow_any_authenticated_user: true\n"
                                             "allowed_domains: []\n"))),
            (std::vector<std::string_view>{
                "public-with-allowlist", "public-with-allowlist", "any-user-with-allowlist"}));
  EXPECT_EQ(codes_of(validate_route(route_of("allowed_groups: [a]\nredirect: {}\n"))),
            (std::vector<std::string_view>{"removed-key"}));
}

TEST(LegacyTest, AFromOfAHostAloneIsFine) {
  EXPECT_TRUE(validate_route(route_of("from: https://a.example\nto: http://b\n")).empty());
  EXPECT_TRUE(validate_route(route_of("from: https://a.example/\nto: http://b\n")).empty());
  EXPECT_TRUE(validate_route(route_of("from: tcp+https://a.example:22\nto: tcp://b:22\n")).empty());
}

}  // namespace
}  // namespace vallum::policy
