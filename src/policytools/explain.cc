#include "policytools/explain.h"

#include <utility>

#include "base/strings.h"
#include "codec/json_writer.h"
#include "http/syntax/authority.h"
#include "http/syntax/head.h"
#include "policytools/usual_request.h"
#include "route/settings_table.h"

namespace vallum::policytools {

using config::RouteSettings;
using policy::Outcome;
using policy::ReasonSet;
using policy::Verdict;

namespace {

struct Answer {
  std::uint16_t status = 0;
  std::string_view text;
};

// What a browser that navigates gets (policy specification 3.6, 3.7).
Answer answer_to_browser(Outcome outcome) {
  switch (outcome) {
    case Outcome::Allowed:
      return {200, "forwarded to the application, whose status it is"};
    case Outcome::Login:
      return {302, "sent to sign in; a client that is no browser gets 401"};
    case Outcome::DeviceEnroll:
      return {450, "refused until the device is registered"};
    case Outcome::Forbidden:
      return {403, "refused"};
    case Outcome::RouteNotFound:
      return {404, "not found"};
    case Outcome::DeviceRefused:
      return {450, "refused because of the device"};
    case Outcome::CertificateRequired:
      return {495, "refused without a valid client certificate"};
    case Outcome::McpError:
      return {200, "answered with a JSON-RPC error"};
    case Outcome::McpUnauthorized:
      break;
  }
  return {401, "refused with a hint where to authorize"};
}

std::string names_of(ReasonSet reasons) {
  std::string names;
  for (const policy::Reason reason : reasons) {
    append_all(names, {names.empty() ? "" : ", ", policy::to_string(reason)});
  }
  return names;
}

std::string_view yes_or_no(bool value) {
  return value ? "yes" : "no";
}

void append_line(std::string& out, std::initializer_list<std::string_view> pieces) {
  append_all(out, pieces);
  out.push_back('\n');
}

std::string place_text(codec::Position at) {
  return at.line == 0 ? std::string() : std::to_string(at.line) + ":" + std::to_string(at.column);
}

void append_criterion(std::string& out, const CriterionTrace& criterion) {
  append_all(out,
             {"      ",
              criterion.value ? "+ " : "- ",
              criterion.name,
              ": ",
              criterion.operand,
              "  -> ",
              yes_or_no(criterion.value),
              " (",
              names_of(criterion.reasons),
              ")"});
  if (!criterion.compared.empty()) {
    append_all(out, {"; compared with ", criterion.compared});
  }
  out.push_back('\n');
}

void append_rule(std::string& out, const RuleTrace& rule) {
  for (const BlockTrace& block : rule.blocks) {
    const std::string place = place_text(block.at);
    append_line(out,
                {"  ",
                 to_string(rule.action),
                 " ",
                 to_string(block.logic),
                 place.empty() ? "" : " at ",
                 place,
                 "  -> ",
                 yes_or_no(block.verdict.value),
                 " (",
                 names_of(block.verdict.reasons),
                 ")"});
    for (const CriterionTrace& criterion : block.criteria) {
      append_criterion(out, criterion);
    }
  }
}

void append_verdict(std::string& out, std::string_view action, const Verdict& verdict) {
  append_line(out, {action, yes_or_no(verdict.value), " (", names_of(verdict.reasons), ")"});
}

void write_reasons(codec::JsonWriter& json, ReasonSet reasons) {
  json.key("reasons").begin_array();
  for (const policy::Reason reason : reasons) {
    json.value(policy::to_string(reason));
  }
  json.end_array();
}

void write_place(codec::JsonWriter& json, codec::Position at) {
  if (at.line != 0) {
    json.member("line", at.line).member("column", at.column);
  }
}

void write_block(codec::JsonWriter& json, const RuleTrace& rule, const BlockTrace& block) {
  json.begin_object()
      .member("action", to_string(rule.action))
      .member("logic", to_string(block.logic))
      .member("value", block.verdict.value);
  write_place(json, block.at);
  write_reasons(json, block.verdict.reasons);
  json.key("criteria").begin_array();
  for (const CriterionTrace& criterion : block.criteria) {
    json.begin_object()
        .member("criterion", criterion.name)
        .key("operand")
        .raw(criterion.operand)
        .member("value", criterion.value);
    if (!criterion.compared.empty()) {
      json.member("compared", criterion.compared);
    }
    write_place(json, criterion.at);
    write_reasons(json, criterion.reasons);
    json.end_object();
  }
  json.end_array().end_object();
}

void write_rules(codec::JsonWriter& json, const std::vector<RuleTrace>& rules) {
  json.key("rules").begin_array();
  for (const RuleTrace& rule : rules) {
    for (const BlockTrace& block : rule.blocks) {
      write_block(json, rule, block);
    }
  }
  json.end_array();
}

void write_verdict(codec::JsonWriter& json, codec::JsonKey name, const Verdict& verdict) {
  json.key(name).begin_object().member("value", verdict.value);
  write_reasons(json, verdict.reasons);
  json.end_object();
}

// Of a request that never gets to a policy.
Explanation undecided(std::uint16_t status, std::string answer) {
  Explanation explanation;
  explanation.decision = policy::Decision::route_not_found();
  explanation.outcome = Outcome::RouteNotFound;
  explanation.status = status;
  explanation.answer = std::move(answer);
  return explanation;
}

void explain_route(const config::Settings& settings,
                   const RouteSettings& route,
                   const policy::Facts& facts,
                   Explanation& into) {
  into.route = route_text(route);
  into.where = config::where(settings.sources, route.place);
  into.decision = policy::decide(route.program, facts);
  into.outcome = policy::outcome_of(into.decision, {});
  if (route.shadow_program) {
    into.shadow_outcome = policy::outcome_of(policy::decide(*route.shadow_program, facts), {});
  }
  if (route.written) {
    into.rules = trace_policy(route.written->syntax, route.written->options, facts);
  }
  // The views of a decision borrow from the program and from nothing of this request.
  const Answer answer = answer_to_browser(into.outcome);
  into.status = answer.status;
  into.answer = answer.text;
  if (into.outcome == Outcome::Allowed && !route.not_served_because.empty()) {
    into.status = 503;
    into.answer = "allowed, but the route is not served: " + route.not_served_because;
  }
}

}  // namespace

Result<Explanation> explain(const config::Settings& settings, ExplainQuestion question) {
  TRY(const http::Authority authority, http::Authority::parse(question.host));
  TRY(const route::RouteTable table, route::make_table(settings));
  const Result<void> path = scenario::set_path(question.attempt, question.path, settings.normalize);
  if (!path) {
    return undecided(400, "refused before it is decided: " + std::string(path.error().message()));
  }
  const route::RouteTable::Match match =
      table.find(authority, question.attempt.path, http::Method::Get);
  if (match.own != route::OwnEndpoint::None) {
    return undecided(200, "answered by Vallum itself: no policy is asked");
  }
  if (!match.route) {
    return undecided(404, "no route serves this host and path");
  }
  const scenario::Assumption assumption(std::move(question.person), std::move(question.attempt));
  policy::Facts facts = assumption.facts();
  if (question.session != nullptr) {
    facts.session = question.session;
  }
  Explanation explanation;
  explain_route(settings, settings.routes[*match.route], facts, explanation);
  return explanation;
}

std::string explanation_text(const Explanation& explanation) {
  std::string out;
  if (!explanation.route.empty()) {
    append_line(out, {"route ", explanation.route, " at ", explanation.where});
    for (const RuleTrace& rule : explanation.rules) {
      append_rule(out, rule);
    }
    if (explanation.rules.empty()) {
      append_line(out, {"  no rule"});
    }
    append_verdict(out, "allow    ", explanation.decision.allow);
    append_verdict(out, "deny     ", explanation.decision.deny);
    append_line(out, {"outcome  ", policy::to_string(explanation.outcome)});
  }
  append_line(out, {"http     ", std::to_string(explanation.status), ", ", explanation.answer});
  if (explanation.shadow_outcome) {
    append_line(out, {"shadow   ", policy::to_string(*explanation.shadow_outcome)});
  }
  return out;
}

std::string explanation_json(const Explanation& explanation) {
  std::string out;
  {
    codec::JsonWriter json(out);
    json.begin_object();
    if (!explanation.route.empty()) {
      json.member("route", explanation.route).member("where", explanation.where);
      write_rules(json, explanation.rules);
      write_verdict(json, "allow", explanation.decision.allow);
      write_verdict(json, "deny", explanation.decision.deny);
      json.member("outcome", policy::to_string(explanation.outcome));
    }
    json.member("status", explanation.status).member("answer", explanation.answer);
    if (explanation.shadow_outcome) {
      json.member("shadow", policy::to_string(*explanation.shadow_outcome));
    }
    json.end_object();
  }
  out.push_back('\n');
  return out;
}

}  // namespace vallum::policytools
