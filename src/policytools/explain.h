#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/settings.h"
#include "policy/outcome.h"
#include "policytools/trace.h"
#include "scenario/assumption.h"

namespace vallum::policytools {

// A request to ask about.
struct ExplainQuestion {
  std::string host;  // with or without port
  std::string path = "/";
  // Nobody: anonymous.
  std::optional<scenario::Person> person;
  // Somebody who is known, instead of `person`. Until explain() returns.
  const policy::SessionFacts* session = nullptr;
  // Its paths are those of `path`.
  scenario::Attempt attempt;
};

// Why a request gets its answer.
struct Explanation {
  std::string route;  // "" when no route serves the request
  std::string where;  // of the route, "FILE:LINE:COL"
  std::vector<RuleTrace> rules;
  policy::Decision decision;
  policy::Outcome outcome = policy::Outcome::Forbidden;
  // What the route's shadow policy would make of it.
  std::optional<policy::Outcome> shadow_outcome;
  // What a browser gets.
  std::uint16_t status = 0;
  std::string answer;

  bool is_allowed() const { return status == 200; }
};

// Requires settings that were loaded with keep_written_policies. InvalidInput when the host cannot
// be read.
Result<Explanation> explain(const config::Settings& settings, ExplainQuestion question);

// For people, each line ended.
std::string explanation_text(const Explanation& explanation);
// One JSON object and a line end.
std::string explanation_json(const Explanation& explanation);

}  // namespace vallum::policytools
