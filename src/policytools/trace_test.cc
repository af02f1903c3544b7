#include "policytools/trace.h"

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codec/json.h"
#include "scenario/corpus.h"
#include "scenario/situation.h"

namespace vallum::policytools {
namespace {

using policy::Action;
using policy::ReasonSet;
using policy::Verdict;

// The rules of policy specification 1.4, over the answers of parts.
Verdict combine(const std::vector<Verdict>& parts, bool is_and) {
  Verdict combined{.value = is_and, .reasons = {}, .device_type = {}};
  for (const Verdict& part : parts) {
    combined.value = is_and ? combined.value && part.value : combined.value || part.value;
  }
  for (const Verdict& part : parts) {
    if (part.value == combined.value) {
      combined.reasons |= part.reasons;
    }
  }
  return combined;
}

Verdict block_of_criteria(const BlockTrace& block) {
  const bool is_inverted = block.logic == policy::Logic::Not || block.logic == policy::Logic::Nor;
  std::vector<Verdict> parts;
  parts.reserve(block.criteria.size());
  for (const CriterionTrace& criterion : block.criteria) {
    parts.push_back(
        {.value = criterion.value != is_inverted, .reasons = criterion.reasons, .device_type = {}});
  }
  return combine(parts, block.logic == policy::Logic::And || block.logic == policy::Logic::Not);
}

Verdict action_of_blocks(const std::vector<RuleTrace>& rules, Action action) {
  std::vector<Verdict> parts;
  for (const RuleTrace& rule : rules) {
    for (const BlockTrace& block : rule.blocks) {
      if (rule.action == action) {
        parts.push_back(block.verdict);
      }
    }
  }
  return combine(parts, false);
}

void expect_same(const Verdict& a, const Verdict& b, const std::string& where) {
  EXPECT_EQ(a.value, b.value) << where;
  EXPECT_EQ(a.reasons, b.reasons) << where;
}

// The parts, put together by the rules of the language, give what the whole gives: on every case of
// the corpus that has a decision, with and without the rule about certificates.
TEST(TraceTest, ThePartsOfAPolicyExplainItsDecision) {
  std::ifstream file("tests/corpus/ppl/ppl-cases.jsonl", std::ios::binary);
  std::size_t cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    const auto c = codec::parse_json(line);
    ASSERT_TRUE(c.has_value());
    policy::CompileOptions options = scenario::case_options();
    options.deny_invalid_client_certificate = cases % 2 == 0;
    const policy::Parsed parsed = scenario::parse_case(*c);
    const auto compiled = policy::compile(parsed, options);
    ASSERT_TRUE(compiled.has_value()) << line;
    const scenario::Situation situation(*c->find("input"));

    const policy::Decision decision = policy::decide(compiled->program, situation.facts());
    const auto trace = trace_policy(parsed.policy, options, situation.facts());

    expect_same(action_of_blocks(trace, Action::Allow), decision.allow, line);
    expect_same(action_of_blocks(trace, Action::Deny), decision.deny, line);
    for (const RuleTrace& rule : trace) {
      for (const BlockTrace& block : rule.blocks) {
        expect_same(block_of_criteria(block), block.verdict, line);
      }
    }
  }
  EXPECT_EQ(cases, 1343U);
}

TEST(TraceTest, ACriterionShowsWhatItIsAskedAndWhatItLookedAt) {
  const auto parsed = policy::parse_policy_text(
      R"({"allow":{"and":[{"claim/plan":"gold"},{"http_method":{"is":"GET"}},)"
      R"({"source_ip":"10.0.0.0/8"},{"groups":{"has":"g"}},{"accept":true}]}})",
      policy::TextFormat::Json,
      policy::Keywords::Exact);
  const codec::Node input = *codec::parse_json(
      R"({"http":{"method":"PUT","path":"/x","ip":"10.1.2.3"},"session":{"id":"s","user_id":"u",)"
      R"("claims":{"plan":["tin",3]}},"user":{"id":"u"}})");
  const scenario::Situation situation(input);

  const auto trace = trace_policy(parsed.policy, {}, situation.facts());

  const std::vector<CriterionTrace>& criteria = trace.front().blocks.front().criteria;
  ASSERT_EQ(criteria.size(), 5U);
  EXPECT_EQ(criteria[0].name, "claim/plan");
  EXPECT_EQ(criteria[0].operand, "\"gold\"");
  EXPECT_EQ(criteria[0].compared, "[\"tin\", 3]");
  EXPECT_FALSE(criteria[0].value);
  EXPECT_EQ(criteria[1].operand, "{\"is\":\"GET\"}");
  EXPECT_EQ(criteria[1].compared, "\"PUT\"");
  EXPECT_EQ(criteria[2].compared, "10.1.2.3");
  EXPECT_TRUE(criteria[2].value);
  EXPECT_EQ(criteria[3].compared, "(not in the directory)");
  EXPECT_EQ(criteria[4].compared, "");
}

TEST(TraceTest, CriteriaAboutTheInstantShowItAsTheyReadIt) {
  const auto parsed = policy::parse_policy_text(
      R"({"allow":{"and":[{"date":{"after":"2026-03-01"}},{"day_of_week":"mon"},)"
      R"({"time_of_day":{"timezone":"Europe/Berlin","after":"10:00","before":"11:00"}}]}})",
      policy::TextFormat::Json,
      policy::Keywords::Exact);
  policy::Facts facts;

  const auto untimed = trace_policy(parsed.policy, {}, facts);
  facts.now = from_unix_seconds(1'772'443'800);
  const auto timed = trace_policy(parsed.policy, {}, facts);

  for (const CriterionTrace& criterion : untimed.front().blocks.front().criteria) {
    EXPECT_EQ(criterion.compared, "(time unknown)");
    EXPECT_FALSE(criterion.value);
  }
  const std::vector<CriterionTrace>& criteria = timed.front().blocks.front().criteria;
  EXPECT_EQ(criteria[0].compared, "Mon, 02 Mar 2026 09:30:00 GMT");
  EXPECT_EQ(criteria[1].compared, "Mon, 02 Mar 2026 09:30:00 GMT");
  EXPECT_EQ(criteria[2].compared, "Mon, 02 Mar 2026 09:30:00 GMT; 10:30:00 in Europe/Berlin");
  EXPECT_TRUE(timed.front().blocks.front().verdict.value);
}

TEST(TraceTest, ACriterionAboutARecordShowsTheRecord) {
  const auto parsed = policy::parse_policy_text(
      R"({"allow":{"or":[{"record":{"type":"a","exists":false}},{"record":{"type":"b",)"
      R"("field":"level",">":1}},{"record":{"type":"c","exists":true}}]}})",
      policy::TextFormat::Json,
      policy::Keywords::Exact);
  const codec::Node input =
      *codec::parse_json(R"({"session":{"id":"s","user_id":"u"},"user":{"id":"u"},)"
                         R"("own_records":{"a":null,"b":{"level":2,"team":["x","y"]}}})");
  const scenario::Situation situation(input);

  const auto trace =
      trace_policy(parsed.policy, {.sources = policy::FactSources::all()}, situation.facts());

  const std::vector<CriterionTrace>& criteria = trace.front().blocks.front().criteria;
  EXPECT_EQ(criteria[0].compared, "(no such record)");
  EXPECT_TRUE(criteria[0].value);
  EXPECT_EQ(criteria[1].compared, R"({"level": [2], "team": ["x", "y"]})");
  EXPECT_TRUE(criteria[1].value);
  EXPECT_EQ(criteria[2].compared, "(not known)");
  EXPECT_FALSE(criteria[2].value);
}

TEST(TraceTest, WithoutASessionCriteriaAboutTheUserSaySo) {
  const auto parsed = policy::parse_policy_text(R"({"allow":{"or":[{"email":"a"},{"user":"b"}]}})",
                                                policy::TextFormat::Json,
                                                policy::Keywords::Exact);

  const auto trace = trace_policy(parsed.policy, {}, {});

  for (const CriterionTrace& criterion : trace.front().blocks.front().criteria) {
    EXPECT_EQ(criterion.compared, "(no session)");
    EXPECT_FALSE(criterion.value);
  }
}

}  // namespace
}  // namespace vallum::policytools
