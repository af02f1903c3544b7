#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codec/json.h"
#include "policy/compiler.h"
#include "policy/legacy.h"
#include "policy/outcome.h"
#include "support/policy/naive_evaluator.h"
#include "support/policy/situation.h"

// The conformance corpus: what the reference product answered, or what it should have answered
// where it is wrong.
namespace vallum::policy {
namespace {

using codec::Node;

std::vector<Node> read_lines(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  std::vector<Node> nodes;
  std::size_t from = 0;
  while (from < text.size()) {
    const std::size_t to = text.find('\n', from);
    auto node = codec::parse_json(std::string_view(text).substr(from, to - from));
    EXPECT_TRUE(node.has_value()) << path << " at " << from;
    if (node) {
      nodes.push_back(*std::move(node));
    }
    from = to == std::string::npos ? text.size() : to + 1;
  }
  return nodes;
}

std::string_view text(const Node& node, std::string_view key) {
  return testing::text_of(&node, key);
}

// Whichever form the policy has.
Parsed parse_case(const Node& c) {
  if (c.find("policy_yaml") != nullptr) {
    return parse_policy_text(text(c, "policy_yaml"), TextFormat::Yaml, Keywords::Exact);
  }
  if (c.find("policy_text") != nullptr) {
    return parse_policy_text(text(c, "policy_text"), TextFormat::Json, Keywords::Exact);
  }
  if (const Node* route = c.find("route")) {
    return parse_route(*route, Keywords::Exact);
  }
  return parse_policy(*c.find("policy"), Keywords::Exact);
}

CompileOptions options(bool merge) {
  // The corpus holds the reference's answers about certificates that our own checks refuse.
  return {.keywords = Keywords::Exact,
          .sources = FactSources::all(),
          .ssh_ca_checks = SshCaChecks::AsReference,
          .merge = merge};
}

std::string reasons_of(ReasonSet reasons) {
  std::string text;
  for (const Reason reason : reasons) {
    text.append(to_string(reason)).append(" ");
  }
  return text;
}

std::string reasons_of(const Node* list) {
  std::string text;
  for (const Node& reason : list->items()) {
    text.append(reason.text()).append(" ");
  }
  return text;
}

std::string outcome_name(const Node& input, const Decision& decision) {
  const Node* mcp = testing::find_given(&input, "mcp");
  const bool is_mcp = !testing::text_of(mcp, "method").empty();
  switch (outcome_of(decision, {.is_mcp_route = is_mcp, .has_mcp_method = is_mcp})) {
    case Outcome::Allowed:
      return "allow";
    case Outcome::Login:
      return is_mcp ? "401" : "login";
    case Outcome::DeviceEnroll:
      return is_mcp ? "401" : "device_enroll";
    case Outcome::Forbidden:
      return "403";
    case Outcome::RouteNotFound:
      return "404";
    case Outcome::DeviceRefused:
      return "450";
    case Outcome::CertificateRequired:
      return "495";
    case Outcome::McpError:
      return "mcp_error";
    case Outcome::McpUnauthorized:
      return "401";
  }
  return "";
}

std::string device_type_of(const Node& expect, std::string_view key) {
  return std::string(testing::text_of(expect.find(key), "device_type"));
}

// Whether policy_quirks: reference brings the answer of the reference back.
bool is_offered(std::string_view quirk) {
  return quirk == "device-without-device" || quirk == "san-operators-independent";
}

const Node& expected_answer(const Node& c, Quirks quirks) {
  const Node* recommended = c.find("expect_recommended");
  const bool as_reference = quirks == Quirks::AsReference && is_offered(text(c, "quirk"));
  return recommended != nullptr && !as_reference ? *recommended : *c.find("expect");
}

void expect_answer(const Node& c, const Program& program, Quirks quirks = Quirks::Required) {
  const Node& input = *c.find("input");
  const Node& expect = expected_answer(c, quirks);
  const testing::Situation situation(input);

  const Decision decision = decide(program, situation.facts());

  EXPECT_EQ(decision.allow.value, expect.find("allow")->as_bool());
  EXPECT_EQ(decision.deny.value, expect.find("deny")->as_bool());
  EXPECT_EQ(reasons_of(decision.allow.reasons), reasons_of(expect.find("allow_reasons")));
  EXPECT_EQ(reasons_of(decision.deny.reasons), reasons_of(expect.find("deny_reasons")));
  EXPECT_EQ(decision.allow.device_type, device_type_of(expect, "allow_data"));
  EXPECT_EQ(decision.deny.device_type, device_type_of(expect, "deny_data"));
  if (expect.find("outcome") != nullptr) {
    EXPECT_EQ(outcome_name(input, decision), text(expect, "outcome"));
  }
}

TEST(PolicyCorpusTest, EveryCaseGivesItsDecisionReasonsDataAndOutcome) {
  const std::vector<Node> cases = read_lines("tests/corpus/ppl/ppl-cases.jsonl");

  for (const Node& c : cases) {
    SCOPED_TRACE(std::string(text(c, "id")) + ": " + std::string(text(c, "why")));
    for (const bool merge : {true, false}) {
      const auto compiled = compile(parse_case(c), options(merge));
      ASSERT_TRUE(compiled.has_value()) << compiled.error().front().text;
      expect_answer(c, compiled->program);
    }
  }

  // None is skipped; the number says so should a case get lost.
  EXPECT_EQ(cases.size(), 1343U);
}

TEST(PolicyCorpusTest, TheTwoDefectsThatAreOfferedAnswerAsTheReferenceDoes) {
  std::size_t offered = 0;

  for (const Node& c : read_lines("tests/corpus/ppl/ppl-cases.jsonl")) {
    SCOPED_TRACE(std::string(text(c, "id")) + ": " + std::string(text(c, "why")));
    CompileOptions as_reference = options(true);
    as_reference.quirks = Quirks::AsReference;
    const auto compiled = compile(parse_case(c), as_reference);
    ASSERT_TRUE(compiled.has_value());
    expect_answer(c, compiled->program, Quirks::AsReference);
    offered += is_offered(text(c, "quirk")) ? 1 : 0;
  }

  EXPECT_EQ(offered, 9U);
}

// Who checks the checker: the naive evaluator is held to the same answers.
TEST(PolicyCorpusTest, TheNaiveEvaluatorGivesTheSameAnswers) {
  for (const Node& c : read_lines("tests/corpus/ppl/ppl-cases.jsonl")) {
    const Parsed parsed = parse_case(c);
    const auto compiled = compile(parsed, options(true));
    ASSERT_TRUE(compiled.has_value());
    const Node& input = *c.find("input");
    const testing::Situation situation(input);

    EXPECT_EQ(testing::difference(testing::decide_naively(parsed.policy, input, options(true)),
                                  decide(compiled->program, situation.facts())),
              "")
        << text(c, "id");
  }
}

TEST(PolicyCorpusTest, EveryInvalidPolicyIsRefusedWithItsCode) {
  const std::vector<Node> cases = read_lines("tests/corpus/ppl/ppl-invalid.jsonl");

  for (const Node& c : cases) {
    SCOPED_TRACE(std::string(text(c, "id")) + ": " + std::string(text(c, "why")));
    Problems problems;
    if (text(c, "stage") == "route-validate") {
      problems = validate_route(*c.find("route"));
    } else if (auto compiled = compile(parse_case(c), options(true)); !compiled) {
      problems = std::move(compiled).error();
    }

    std::set<std::string_view> codes;
    for (const Problem& problem : problems) {
      if (problem.severity == Severity::Error) {
        codes.insert(to_string(problem.code));
        EXPECT_GT(problem.text.size(), 10U);
        EXPECT_GT(problem.at.line, 0U) << problem.text;
      }
    }
    EXPECT_EQ(codes, std::set<std::string_view>{text(c, "code")});
  }

  EXPECT_EQ(cases.size(), 210U);
}

}  // namespace
}  // namespace vallum::policy
