#include "policytools/trace.h"

#include <utility>

#include "base/check.h"
#include "codec/json_writer.h"
#include "policytools/compared.h"

namespace vallum::policytools {

using policy::Action;
using policy::BlockSyntax;
using policy::CompileOptions;
using policy::CriterionSyntax;
using policy::Facts;
using policy::Logic;
using policy::RuleSyntax;
using policy::Verdict;

namespace {

// The answer to one block, as if it were all there is to the policy.
Verdict decide_alone(BlockSyntax block, const CompileOptions& options, const Facts& facts) {
  CompileOptions alone = options;
  alone.deny_invalid_client_certificate = false;
  RuleSyntax rule{.action = Action::Allow, .at = block.at, .blocks = {}};
  rule.blocks.push_back(std::move(block));
  policy::Parsed parsed;
  parsed.policy.rules.push_back(std::move(rule));
  const auto compiled = policy::compile(std::move(parsed), alone);
  // Each part of a policy that compiles does.
  CHECK(compiled.has_value());
  Verdict verdict = policy::decide(compiled->program, facts).allow;
  // It borrows from a program that ends here.
  verdict.device_type = {};
  return verdict;
}

std::string operand_text(const codec::Node& operand) {
  std::string text;
  codec::JsonWriter json(text);
  codec::write_node(json, operand);
  return text;
}

CriterionTrace trace_criterion(const CriterionSyntax& criterion,
                               const CompileOptions& options,
                               const Facts& facts) {
  BlockSyntax block{.logic = Logic::Or, .at = criterion.at, .criteria = {}};
  block.criteria.push_back(criterion);
  const Verdict verdict = decide_alone(std::move(block), options, facts);
  return {
      .name = criterion.subpath.empty() ? criterion.name : criterion.name + "/" + criterion.subpath,
      .operand = operand_text(criterion.operand),
      .at = criterion.at,
      .compared = compared_text(criterion, facts),
      .value = verdict.value,
      .reasons = verdict.reasons};
}

RuleTrace trace_rule(const RuleSyntax& rule, const CompileOptions& options, const Facts& facts) {
  RuleTrace trace{.action = rule.action, .at = rule.at, .blocks = {}};
  for (const BlockSyntax& block : rule.blocks) {
    BlockTrace traced{.logic = block.logic,
                      .at = block.at,
                      .verdict = decide_alone(block, options, facts),
                      .criteria = {}};
    for (const CriterionSyntax& criterion : block.criteria) {
      traced.criteria.push_back(trace_criterion(criterion, options, facts));
    }
    trace.blocks.push_back(std::move(traced));
  }
  return trace;
}

// The rule that every route gets when client certificates are asked for.
RuleSyntax certificate_rule() {
  BlockSyntax block;
  block.criteria.push_back({.name = "invalid_client_certificate",
                            .subpath = {},
                            .at = {},
                            .operand = codec::Node::boolean(true)});
  RuleSyntax rule{.action = Action::Deny, .at = {}, .blocks = {}};
  rule.blocks.push_back(std::move(block));
  return rule;
}

}  // namespace

std::string_view to_string(Action action) {
  return action == Action::Allow ? "allow" : "deny";
}

std::string_view to_string(Logic logic) {
  switch (logic) {
    case Logic::And:
      return "and";
    case Logic::Or:
      return "or";
    case Logic::Not:
      return "not";
    case Logic::Nor:
      break;
  }
  return "nor";
}

std::vector<RuleTrace> trace_policy(const policy::PolicySyntax& policy,
                                    const CompileOptions& options,
                                    const Facts& facts) {
  std::vector<RuleTrace> trace;
  trace.reserve(policy.rules.size() + 1);
  for (const RuleSyntax& rule : policy.rules) {
    trace.push_back(trace_rule(rule, options, facts));
  }
  if (options.deny_invalid_client_certificate) {
    trace.push_back(trace_rule(certificate_rule(), options, facts));
  }
  return trace;
}

}  // namespace vallum::policytools
