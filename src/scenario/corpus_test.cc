#include "scenario/corpus.h"

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

// The conformance corpus, as a file of cases: policy_test holds the language to it.
namespace vallum::scenario {
namespace {

std::vector<std::string> read_lines(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
  }
  return lines;
}

policy::CompileOptions options(bool merge) {
  policy::CompileOptions options = case_options();
  options.merge = merge;
  return options;
}

TEST(CorpusTest, EveryCaseGivesItsDecisionReasonsDataAndOutcome) {
  const std::vector<std::string> lines = read_lines("tests/corpus/ppl/ppl-cases.jsonl");

  for (const std::string& line : lines) {
    for (const bool merge : {true, false}) {
      const auto result = run_case(line, options(merge));
      ASSERT_TRUE(result.has_value()) << result.error().text << line;
      EXPECT_TRUE(result->passed) << result->id << ": " << result->got;
      EXPECT_EQ(result->expected, result->got) << result->id;
    }
  }

  // None is skipped; the number says so should a case get lost.
  EXPECT_EQ(lines.size(), 1343U);
}

TEST(CorpusTest, EveryInvalidPolicyIsRefusedWithItsCode) {
  const std::vector<std::string> lines = read_lines("tests/corpus/ppl/ppl-invalid.jsonl");

  for (const std::string& line : lines) {
    const auto result = run_case(line, case_options());
    ASSERT_TRUE(result.has_value()) << result.error().text << line;
    EXPECT_TRUE(result->passed) << result->id << ": " << result->got;
    EXPECT_TRUE(result->expected.starts_with("refused: [")) << result->expected;
  }

  EXPECT_EQ(lines.size(), 210U);
}

// A case that is right but for what `change` does to it.
std::string changed(std::string_view from, std::string_view to) {
  std::string line =
      R"({"id":"c","policy":{"allow":{"or":[{"accept":true}]}},"input":{"http":{"path":"/"}},)"
      R"("expect":{"allow":true,"deny":false,"allow_reasons":["accept"],"deny_reasons":[]}})";
  if (!from.empty()) {
    line.replace(line.find(from), from.size(), to);
  }
  return line;
}

TEST(CorpusTest, ADifferentAnswerFailsAndSaysBoth) {
  const auto right = run_case(changed("", ""), case_options());
  const auto wrong = run_case(changed("\"allow\":true", "\"allow\":false"), case_options());

  ASSERT_TRUE(right.has_value() && wrong.has_value());
  EXPECT_TRUE(right->passed);
  EXPECT_FALSE(wrong->passed);
  EXPECT_EQ(wrong->expected, "no allow [accept], no deny []");
  EXPECT_EQ(wrong->got, "allow [accept], no deny []");
}

TEST(CorpusTest, APolicyThatIsRefusedFailsACaseAboutItsAnswer) {
  const auto result = run_case(changed("accept", "nonsense"), case_options());

  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->passed);
  EXPECT_EQ(result->got, "refused: [unknown-criterion]");
}

TEST(CorpusTest, WhatIsExpectedToBeRefusedAndIsNotFails) {
  const auto result =
      run_case(changed("\"expect\":{", "\"expect\":{\"error\":\"compile\","), case_options());

  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(result->passed);
  EXPECT_EQ(result->got, "accepted");
}

TEST(CorpusTest, TheRecommendedAnswerWins) {
  const auto result =
      run_case(changed("\"expect\":", "\"expect\":{\"allow\":false},\"expect_recommended\":"),
               case_options());

  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->passed);
}

TEST(CorpusTest, ALineThatIsNoCaseSaysWhyAndWhere) {
  struct Bad {
    std::string line;
    std::string_view says;
  };
  const std::vector<Bad> all{{"", "the text ends"},
                             {"{\"id\":", "the text ends"},
                             {"[]", "a case is a mapping"},
                             {changed("policy", "polity"), "a case is a mapping"},
                             {changed("\"policy\":{", "\"policy_yaml\":{"), "a case is a mapping"},
                             {changed("expect", "except"), "needs expect"},
                             {changed("input", "output"), "needs input"},
                             {changed("\"http\"", "\"ftp\""), "needs input"},
                             {changed("\"deny\":false", "\"deny\":0"), "true or false"},
                             {changed("[\"accept\"]", "\"accept\""), "a list of reasons"},
                             {changed("[\"accept\"]", "[7]"), "\"7\" is not a reason"}};

  for (const Bad& bad : all) {
    const auto result = run_case(bad.line, case_options());
    ASSERT_FALSE(result.has_value()) << bad.line;
    EXPECT_TRUE(result.error().text.contains(bad.says)) << result.error().text;
    EXPECT_EQ(result.error().position.line, 1U) << bad.line;
  }
}

// Whatever type the parts of a situation have, the case has an answer.
TEST(CorpusTest, SituationsOfTheWrongTypesAreAnswered) {
  for (const std::string_view odd : {"7", "null", "[]", "[1,{}]", "{}", "\"x\"", "{\"id\":[]}"}) {
    for (const std::string_view part : {"session",
                                        "service_account",
                                        "user",
                                        "groups",
                                        "directory_user",
                                        "devices",
                                        "records",
                                        "mcp",
                                        "ssh",
                                        "time",
                                        "session_id"}) {
      const std::string member =
          "\"input\":{\"" + std::string(part) + "\":" + std::string(odd) + ",";
      const auto result = run_case(changed("\"input\":{", member), case_options());
      ASSERT_TRUE(result.has_value()) << member;
      EXPECT_TRUE(result->passed) << member << result->got;
    }
  }
}

}  // namespace
}  // namespace vallum::scenario
