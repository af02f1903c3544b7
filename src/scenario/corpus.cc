#include "scenario/corpus.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "codec/json.h"
#include "policy/legacy.h"
#include "policy/outcome.h"
#include "policy/syntax.h"
#include "scenario/situation.h"

namespace vallum::scenario {

using codec::Node;
using codec::read_failure;
using codec::ReadResult;
using policy::Decision;
using policy::Keywords;
using policy::Outcome;
using policy::Parsed;
using policy::Problem;
using policy::Problems;
using policy::TextFormat;

namespace {

constexpr std::string_view kRefused = "refused";

// What appendix A calls the answer to a browser.
std::string_view outcome_name(Outcome outcome, bool is_mcp) {
  switch (outcome) {
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
      break;
  }
  return "401";
}

// One answer in the form it is shown and compared in. The outcome counts only where it is expected:
// cases about SSH have none.
struct Answer {
  bool allow = false;
  bool deny = false;
  std::string allow_reasons;  // "[claim-ok, user-ok]"
  std::string deny_reasons;
  std::string allow_device_type;
  std::string deny_device_type;
  std::string outcome;

  std::string text() const {
    std::string text = allow ? "allow " : "no allow ";
    text.append(allow_reasons).append(deny ? ", deny " : ", no deny ").append(deny_reasons);
    if (!allow_device_type.empty()) {
      text.append(", allow device_type ").append(allow_device_type);
    }
    if (!deny_device_type.empty()) {
      text.append(", deny device_type ").append(deny_device_type);
    }
    if (!outcome.empty()) {
      text.append(", outcome ").append(outcome);
    }
    return text;
  }
};

template <class List, class Name>
std::string bracketed(const List& list, Name name) {
  std::string text = "[";
  for (const auto& item : list) {
    text.append(text.size() > 1 ? ", " : "").append(name(item));
  }
  return text.append("]");
}

std::string names_of(policy::ReasonSet reasons) {
  return bracketed(reasons, [](policy::Reason reason) { return policy::to_string(reason); });
}

ReadResult<bool> expected_bool(const Node& expect, std::string_view key) {
  const Node* value = expect.find(key);
  if (value == nullptr || !value->is_bool()) {
    return read_failure(value == nullptr ? expect.position() : value->position(),
                        std::string(key) + " of what is expected must be true or false");
  }
  return value->as_bool();
}

ReadResult<std::string> expected_reasons(const Node& expect, std::string_view key) {
  const Node* list = expect.find(key);
  if (list == nullptr || !list->is_list()) {
    return read_failure(list == nullptr ? expect.position() : list->position(),
                        std::string(key) + " of what is expected must be a list of reasons");
  }
  for (const Node& item : list->items()) {
    if (!policy::find_reason(item.text())) {
      return read_failure(item.position(), "\"" + item.text() + "\" is not a reason");
    }
  }
  return bracketed(list->items(), [](const Node& item) { return std::string_view(item.text()); });
}

ReadResult<Answer> expected_answer(const Node& expect) {
  Answer answer;
  const auto allow = expected_bool(expect, "allow");
  const auto deny = expected_bool(expect, "deny");
  auto allow_reasons = expected_reasons(expect, "allow_reasons");
  auto deny_reasons = expected_reasons(expect, "deny_reasons");
  for (const auto* part : {&allow, &deny}) {
    if (!part->has_value()) {
      return std::unexpected(part->error());
    }
  }
  for (const auto* part : {&allow_reasons, &deny_reasons}) {
    if (!part->has_value()) {
      return std::unexpected(part->error());
    }
  }
  answer.allow = *allow;
  answer.deny = *deny;
  answer.allow_reasons = *std::move(allow_reasons);
  answer.deny_reasons = *std::move(deny_reasons);
  answer.allow_device_type = text_of(expect.find("allow_data"), "device_type");
  answer.deny_device_type = text_of(expect.find("deny_data"), "device_type");
  answer.outcome = text_of(&expect, "outcome");
  return answer;
}

Answer answer_of(const Decision& decision, const Node& input, bool with_outcome) {
  const bool is_mcp = !text_of(find_given(&input, "mcp"), "method").empty();
  Answer answer;
  answer.allow = decision.allow.value;
  answer.deny = decision.deny.value;
  answer.allow_reasons = names_of(decision.allow.reasons);
  answer.deny_reasons = names_of(decision.deny.reasons);
  answer.allow_device_type = decision.allow.device_type;
  answer.deny_device_type = decision.deny.device_type;
  if (with_outcome) {
    answer.outcome = outcome_name(
        policy::outcome_of(decision, {.is_mcp_route = is_mcp, .has_mcp_method = is_mcp}), is_mcp);
  }
  return answer;
}

bool has_policy(const Node& c) {
  for (const std::string_view text : {"policy_yaml", "policy_text"}) {
    if (const Node* policy = c.find(text)) {
      return policy->is_string();
    }
  }
  const Node* route = c.find("route");
  return route != nullptr ? route->is_map() : c.find("policy") != nullptr;
}

// Each code once, in the order of the text.
std::string codes_of(const Problems& problems) {
  std::vector<std::string_view> codes;
  for (const Problem& problem : problems) {
    const std::string_view code = policy::to_string(problem.code);
    if (problem.severity == policy::Severity::Error &&
        std::ranges::find(codes, code) == codes.end()) {
      codes.push_back(code);
    }
  }
  return std::string(kRefused).append(": ") +
         bracketed(codes, [](std::string_view code) { return code; });
}

// The problems for which a case is refused; none when it is not.
Problems refusal_of(const Node& c, const policy::CompileOptions& options) {
  if (text_of(&c, "stage") == "route-validate") {
    Problems problems =
        c.find("route") == nullptr ? Problems() : policy::validate_route(*c.find("route"));
    return policy::has_errors(problems) ? problems : Problems();
  }
  auto compiled = policy::compile(parse_case(c), options);
  return compiled ? Problems() : std::move(compiled).error();
}

// A policy that must be refused: with this code, or with any when it is "".
CaseResult run_refusal(const Node& c,
                       std::string_view code,
                       const policy::CompileOptions& options) {
  CaseResult result;
  result.id = text_of(&c, "id");
  result.expected = kRefused;
  if (!code.empty()) {
    result.expected.append(": [").append(code).append("]");
  }
  const Problems problems = refusal_of(c, options);
  result.got = problems.empty() ? "accepted" : codes_of(problems);
  result.passed = !problems.empty() && (code.empty() || result.got == result.expected);
  return result;
}

}  // namespace

policy::CompileOptions case_options() {
  return {.keywords = Keywords::Exact,
          .sources = policy::FactSources::all(),
          .ssh_ca_checks = policy::SshCaChecks::AsReference};
}

Parsed parse_case(const Node& c) {
  if (c.find("policy_yaml") != nullptr) {
    return policy::parse_policy_text(text_of(&c, "policy_yaml"), TextFormat::Yaml, Keywords::Exact);
  }
  if (c.find("policy_text") != nullptr) {
    return policy::parse_policy_text(text_of(&c, "policy_text"), TextFormat::Json, Keywords::Exact);
  }
  if (const Node* route = c.find("route")) {
    return policy::parse_route(*route, Keywords::Exact);
  }
  return policy::parse_policy(*c.find("policy"), Keywords::Exact);
}

ReadResult<CaseResult> run_case(std::string_view line, const policy::CompileOptions& options) {
  auto read = codec::parse_json(line);
  if (!read) {
    return std::unexpected(std::move(read).error());
  }
  const Node& c = *read;
  if (!has_policy(c)) {
    return read_failure(c.position(),
                        "a case is a mapping with policy, policy_yaml, policy_text or route");
  }
  if (const std::string_view code = text_of(&c, "code"); !code.empty()) {
    return run_refusal(c, code, options);
  }
  const Node* recommended = find_given(&c, "expect_recommended");
  const Node* expect = recommended != nullptr ? recommended : find_given(&c, "expect");
  if (expect == nullptr) {
    return read_failure(c.position(), "a case needs expect, or the code it is refused with");
  }
  if (expect->find("error") != nullptr) {
    return run_refusal(c, "", options);
  }
  const Node* input = c.find("input");
  if (input == nullptr || find_given(input, "http") == nullptr) {
    return read_failure(c.position(), "a case needs input with http");
  }
  const auto expected = expected_answer(*expect);
  if (!expected) {
    return std::unexpected(expected.error());
  }
  CaseResult result;
  result.id = text_of(&c, "id");
  result.expected = expected->text();
  const auto compiled = policy::compile(parse_case(c), options);
  if (!compiled) {
    result.got = codes_of(compiled.error());
    return result;
  }
  const Situation situation(*input);
  const Decision decision = policy::decide(compiled->program, situation.facts());
  result.got = answer_of(decision, *input, !expected->outcome.empty()).text();
  result.passed = result.got == result.expected;
  return result;
}

}  // namespace vallum::scenario
