#include "policy/syntax.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vallum::policy {
namespace {

Parsed parse(std::string_view yaml, Keywords keywords = Keywords::Exact) {
  return parse_policy_text(yaml, TextFormat::Yaml, keywords);
}

// "LINE:COLUMN code" of each problem.
std::vector<std::string> places(const Problems& problems) {
  std::vector<std::string> lines;
  for (const Problem& problem : problems) {
    lines.push_back(std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column) +
                    " " + std::string(to_string(problem.code)));
  }
  return lines;
}

bool mentions(const Problems& problems, std::string_view text) {
  for (const Problem& problem : problems) {
    if (problem.text.find(text) != std::string::npos) {
      return true;
    }
  }
  return false;
}

TEST(SyntaxTest, KeepsStructureOperandsAndPlaces) {
  const Parsed parsed = parse(
      "- allow:\n"
      "    or:\n"
      "    - claim/a/b: x\n"
      "    not: []\n"
      "  deny:\n"
      "    action: whatever\n"
      "    nor:\n"
      "    - accept/ignored: {k: v}\n");

  ASSERT_TRUE(parsed.problems.empty());
  ASSERT_EQ(parsed.policy.rules.size(), 2U);
  const RuleSyntax& allow = parsed.policy.rules[0];
  EXPECT_EQ(allow.action, Action::Allow);
  ASSERT_EQ(allow.blocks.size(), 1U) << "an empty list contributes nothing";
  EXPECT_EQ(allow.blocks[0].logic, Logic::Or);
  const CriterionSyntax& claim = allow.blocks[0].criteria[0];
  EXPECT_EQ(claim.name, "claim");
  EXPECT_EQ(claim.subpath, "a/b");
  EXPECT_EQ(claim.operand.text(), "x");
  EXPECT_EQ(claim.at, (codec::Position{3, 7}));
  const RuleSyntax& deny = parsed.policy.rules[1];
  EXPECT_EQ(deny.action, Action::Deny);
  EXPECT_EQ(deny.blocks[0].logic, Logic::Nor);
  EXPECT_EQ(deny.blocks[0].criteria[0].name, "accept");
}

TEST(SyntaxTest, ReportsEveryProblemInOneRun) {
  const Parsed parsed = parse(
      "- permit: {}\n"
      "- allow:\n"
      "    xor: []\n"
      "    and: accept\n"
      "    or:\n"
      "    - accept\n"
      "    - {}\n"
      "    - {email: a, domain: b}\n"
      "    - email: ok@example.com\n"
      "- deny: []\n"
      "- word\n");

  EXPECT_EQ(places(parsed.problems),
            (std::vector<std::string>{"1:3 unsupported-action",
                                      "3:5 unsupported-conditional",
                                      "4:10 operator-value-must-be-array",
                                      "6:7 criterion-must-be-object",
                                      "7:7 criterion-must-have-one-key",
                                      "8:7 criterion-must-have-one-key",
                                      "10:9 action-value-must-be-object",
                                      "11:3 rules-array-element-must-be-object"}));
  ASSERT_EQ(parsed.policy.rules.size(), 1U) << "what could be read is checked as well";
  EXPECT_EQ(parsed.policy.rules[0].blocks[0].criteria.size(), 1U);
}

TEST(SyntaxTest, SaysWhatToWriteInstead) {
  EXPECT_TRUE(mentions(parse("email: a@example.com\n").problems,
                       "'email' is a criterion: write it as an element of allow"));
  EXPECT_TRUE(mentions(parse("claim/x: y\n").problems, "'claim/x' is a criterion"));
  EXPECT_TRUE(mentions(parse("or: []\n").problems, "write allow: {or: [...]}"));
  EXPECT_TRUE(mentions(parse("Allow: {}\n").problems, "'Allow' is not an action: write allow"));
  EXPECT_TRUE(mentions(parse("allow: {groups: g}\n").problems, "put it into a list"));
  EXPECT_TRUE(mentions(parse("allow: {all: []}\n").problems, "write and, or, not or nor"));
  EXPECT_TRUE(mentions(parse("allow: {or: {accept: 1}}\n").problems, "not a mapping"));
  EXPECT_TRUE(mentions(parse("allow: {or: [{email: a, user: b}]}\n").problems,
                       "make 'user' an element of its own"));
}

TEST(SyntaxTest, AFileMayWriteKeywordsInAnyCaseButClaimNamesKeepTheirs) {
  const Parsed parsed = parse("Allow:\n  OR:\n  - Claim/familyName: x\n", Keywords::AnyCase);

  ASSERT_TRUE(parsed.problems.empty());
  const CriterionSyntax& claim = parsed.policy.rules[0].blocks[0].criteria[0];
  EXPECT_EQ(claim.name, "claim");
  EXPECT_EQ(claim.subpath, "familyName");
}

TEST(SyntaxTest, KeysThatDifferInCaseOnlyAreAmbiguousInAFile) {
  const std::string_view text = "allow: {or: [accept: 1]}\nALLOW: {or: [reject: 1]}\n";

  EXPECT_EQ(places(parse(text, Keywords::AnyCase).problems),
            (std::vector<std::string>{"2:1 duplicate-key"}));
  EXPECT_EQ(places(parse(text).problems), (std::vector<std::string>{"2:1 unsupported-action"}));
}

TEST(SyntaxTest, OfEqualKeysInJsonTheLastCounts) {
  const Parsed parsed = parse_policy_text(
      R"({"allow":{"or":[{"accept":1}]},"allow":{"or":[{"email":"a","email":"b"}]}})",
      TextFormat::Json,
      Keywords::Exact);

  ASSERT_TRUE(parsed.problems.empty());
  ASSERT_EQ(parsed.policy.rules.size(), 1U);
  EXPECT_EQ(parsed.policy.rules[0].blocks[0].criteria[0].operand.text(), "b");
}

TEST(SyntaxTest, TextThatCannotBeReadHasOneProblemWithItsPlace) {
  EXPECT_EQ(places(parse("allow: [\n").problems).size(), 1U);
  EXPECT_EQ(parse("allow: [\n").problems[0].code, ProblemCode::MalformedYaml);
  EXPECT_EQ(places(parse(" \n").problems), (std::vector<std::string>{"1:1 malformed-yaml"}));
  const Parsed json = parse_policy_text("{\"allow\":\n  x}", TextFormat::Json, Keywords::Exact);
  ASSERT_EQ(json.problems.size(), 1U);
  EXPECT_EQ(json.problems[0].code, ProblemCode::MalformedJson);
  EXPECT_EQ(json.problems[0].at.line, 2U);
}

TEST(SyntaxTest, HostileTextIsRefusedNotFollowed) {
  const std::string deep =
      "{\"allow\":" + std::string(10'000, '[') + std::string(10'000, ']') + "}";
  const std::string latin = "allow: {or: [{email: \"caf\xe9\"}]}\n";
  const std::string huge = "allow: {or: [{email: \"" + std::string(20U << 20U, 'x') + "\"}]}";

  EXPECT_FALSE(parse_policy_text(deep, TextFormat::Json, Keywords::Exact).problems.empty());
  EXPECT_FALSE(parse(deep).problems.empty());
  EXPECT_FALSE(parse(latin).problems.empty());
  EXPECT_FALSE(parse(huge).problems.empty());
}

}  // namespace
}  // namespace vallum::policy
