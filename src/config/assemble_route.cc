#include <algorithm>
#include <map>
#include <utility>

#include "base/strings.h"
#include "config/assembly.h"
#include "config/header_template.h"
#include "config/route_id.h"
#include "policy/compiler.h"
#include "policy/legacy.h"
#include "scenario/policy_tests.h"

namespace vallum::config {

namespace {

using codec::Node;

// One route, as the functions below need it.
struct RouteAssembly {
  Assembly& assembly;
  RouteTarget& target;
  const std::string& name = target.name;

  Place place_of(std::string_view option) const {
    const auto it = target.route.places.find(option);
    return it == target.route.places.end() ? target.route.place : it->second;
  }
  std::string full(std::string_view option) const { return name + "." + std::string(option); }
  void error(std::string_view option, const std::string& message, std::string cure = {}) const {
    assembly.report().error(
        place_of(option), full(option), full(option) + ": " + message, std::move(cure));
  }
  void warn(std::string_view option, const std::string& message, std::string cure = {}) const {
    assembly.report().warn(
        place_of(option), full(option), full(option) + ": " + message, std::move(cure));
  }
};

bool contains_websocket(const std::vector<std::string>& upgrades) {
  return std::ranges::any_of(upgrades,
                             [](const std::string& token) { return iequals(token, "websocket"); });
}

void assemble_upgrades(const RouteAssembly& route) {
  RouteInputs& inputs = route.target.inputs;
  const std::vector<std::string>& list =
      inputs.allow_upgrades ? *inputs.allow_upgrades : route.assembly.inputs().allow_upgrades;
  RouteSettings& settings = route.target.route;
  settings.allow_websockets =
      inputs.allow_websockets || contains_websocket(list) || settings.is_kubernetes;
  settings.allow_spdy = settings.allow_spdy || settings.is_kubernetes;
  for (const std::string& token : list) {
    if (!token.empty() && !iequals(token, "websocket") && inputs.allow_upgrades) {
      route.warn("allow_upgrades", "changing to " + quoted(token) + " is not built yet");
    }
  }
}

void assemble_timeouts(const RouteAssembly& route) {
  RouteSettings& settings = route.target.route;
  const bool is_long_lived = settings.allow_websockets || settings.allow_spdy;
  settings.timeout = route.target.inputs.timeout.value_or(
      is_long_lived ? Duration::zero() : route.assembly.settings().default_upstream_timeout);
  if (is_long_lived && !settings.idle_timeout) {
    settings.idle_timeout = Duration::zero();
  }
}

// A route may be stricter than the process, never laxer.
void assemble_outage_grace(const RouteAssembly& route) {
  const Duration most = route.assembly.settings().provider.outage_grace;
  const std::optional<Duration>& own = route.target.inputs.idp_outage_grace;
  if (own && *own > most) {
    route.error("idp_outage_grace",
                "is longer than the global option",
                "write a shorter time, or raise the global idp_outage_grace");
  }
  route.target.route.outage_grace = std::min(own.value_or(most), most);
}

void assemble_upstream_tls(const RouteAssembly& route) {
  RouteInputs& inputs = route.target.inputs;
  RouteSettings& settings = route.target.route;
  settings.tls_server_name = inputs.tls_upstream_server_name.empty()
                                 ? inputs.tls_server_name
                                 : inputs.tls_upstream_server_name;
  if (!inputs.tls_custom_ca_file.empty()) {
    const std::string option = route.full("tls_custom_ca_file");
    const Place place = route.place_of("tls_custom_ca_file");
    auto content = route.assembly.read_file(option, place, inputs.tls_custom_ca_file);
    if (content && route.assembly.check_certificates(option, place, *content)) {
      settings.tls_custom_ca_pem = *std::move(content);
    }
  } else if (!inputs.tls_custom_ca.empty()) {
    settings.tls_custom_ca_pem =
        route.assembly
            .certificates_of_base64(
                route.full("tls_custom_ca"), route.place_of("tls_custom_ca"), inputs.tls_custom_ca)
            .value_or("");
  }
  if (settings.tls_skip_verify) {
    route.warn("tls_skip_verify", "any server can pass itself off as the application");
  }
}

bool names_header(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::any_of(names, [&](const std::string& n) { return iequals(n, name); });
}

bool sets_header(const RouteSettings& settings, std::string_view name) {
  return std::ranges::any_of(settings.set_request_headers,
                             [&](const RequestHeader& h) { return iequals(h.name, name); });
}

void assemble_request_headers(const RouteAssembly& route) {
  RouteSettings& settings = route.target.route;
  for (HeaderLine& header : route.target.inputs.set_request_headers) {
    if (iequals(header.name, "host")) {
      route.warn("set_request_headers", "Host cannot be set here and is left out");
      continue;
    }
    HeaderTemplate value = parse_header_template(header.value);
    for (const std::string& reference : value.unknown) {
      route.warn(
          "set_request_headers",
          "the reference " + quoted(reference) + " in " + header.name + " stands for nothing",
          "write $$ for a dollar sign");
    }
    using Kind = HeaderPiece::Kind;
    settings.needs_assertion = settings.needs_assertion || value.refers_to(Kind::Assertion);
    if (value.refers_to(Kind::AccessToken) || value.refers_to(Kind::IdToken)) {
      route.assembly.settings().uses_session_tokens = true;
    }
    settings.set_request_headers.push_back(
        {.name = std::move(header.name), .value = std::move(value.pieces)});
  }
}

// What the application is told of who asks (policy specification 5).
void assemble_identity(const RouteAssembly& route) {
  const Settings& process = route.assembly.settings();
  RouteInputs& inputs = route.target.inputs;
  RouteSettings& settings = route.target.route;
  settings.pass_identity_headers =
      inputs.pass_identity_headers.value_or(process.pass_identity_headers);
  settings.assertion = process.assertion;
  settings.assertion.issuer_format = inputs.issuer_format.value_or(process.assertion.issuer_format);
  add_groups(settings.assertion, std::move(inputs.groups_filter));
  settings.sends_assertion =
      settings.pass_identity_headers &&
      !names_header(settings.remove_request_headers, "x-pomerium-jwt-assertion");
  for (const ClaimHeader& header : process.claim_headers) {
    if (!names_header(settings.remove_request_headers, header.header)) {
      settings.claim_headers.push_back(header);
    }
  }
}

void assemble_serverless(const RouteAssembly& route) {
  RouteSettings& settings = route.target.route;
  if (!route.target.inputs.google_serverless || settings.to.empty()) {
    return;
  }
  settings.serverless_audience = "https://" + std::string(settings.to.back().authority.host());
}

void assemble_kubernetes(const RouteAssembly& route) {
  RouteInputs& inputs = route.target.inputs;
  RouteSettings& settings = route.target.route;
  const std::string option = "kubernetes_service_account_token_file";
  if (!settings.kubernetes_token_file.empty()) {
    if (!inputs.kubernetes_token.empty()) {
      route.error(option, "stands beside kubernetes_service_account_token", "write one of them");
      return;
    }
    auto text = route.assembly.read_file(
        route.full(option), route.place_of(option), settings.kubernetes_token_file);
    if (!text) {
      return;
    }
    inputs.kubernetes_token = Secret(trim_space(*text));
    wipe(ByteSpan(reinterpret_cast<std::byte*>(text->data()), text->size()));
    if (inputs.kubernetes_token.empty()) {
      route.error(option, "the file is empty");
      return;
    }
  }
  if (inputs.kubernetes_token.empty()) {
    return;
  }
  settings.is_kubernetes = true;
  if (!is_field_value(inputs.kubernetes_token.expose_text())) {
    route.error(
        settings.kubernetes_token_file.empty() ? "kubernetes_service_account_token" : option,
        "a control character cannot stand in a header");
  } else if (sets_header(settings, "authorization")) {
    route.warn("set_request_headers",
               "Authorization is sent instead of kubernetes_service_account_token");
  } else {
    settings.kubernetes_token = std::move(inputs.kubernetes_token);
  }
}

void assemble_answer_headers(const RouteAssembly& route) {
  std::vector<HeaderLine> merged = route.assembly.settings().set_response_headers;
  for (HeaderLine& header :
       route.target.inputs.set_response_headers.value_or(std::vector<HeaderLine>())) {
    std::erase_if(merged, [&](const HeaderLine& m) { return iequals(m.name, header.name); });
    merged.push_back(std::move(header));
  }
  route.target.route.set_response_headers = without_disabled(std::move(merged));
}

// The path of `to` replaces what was matched. Only what changes nothing is built.
void check_first_path(const RouteAssembly& route) {
  const std::string& path = route.target.inputs.first_path;
  RouteSettings& settings = route.target.route;
  const bool matches_all =
      settings.path.empty() && (settings.prefix.empty() || settings.prefix == "/");
  if (path.empty() || (path == "/" && matches_all)) {
    return;
  }
  settings.not_served_because = "to: a path in the URL is not built yet";
  route.warn(
      "to",
      "a path in the URL rewrites the request's path, which is not built yet, so the route is "
      "not served");
}

void check_kind(const RouteAssembly& route) {
  RouteSettings& settings = route.target.route;
  if (settings.from.kind == RouteSource::Kind::Http || settings.from.text.empty()) {
    return;
  }
  settings.not_served_because = "from: scheme " + settings.from.scheme + " is not built yet";
  route.warn("from",
             "scheme " + settings.from.scheme + " is not built yet, so the route is not served");
}

void check_matchers(const RouteAssembly& route) {
  const RouteSettings& settings = route.target.route;
  if (!settings.prefix.empty() && !settings.prefix.starts_with('/')) {
    route.warn("prefix", "never matches: every path begins with /");
  }
  if (!settings.path.empty() && !settings.path.starts_with('/')) {
    route.warn("path", "never matches: every path begins with /");
  }
  if (!settings.path.empty() && !settings.prefix.empty()) {
    route.warn("prefix", "has no effect beside path");
  }
}

// Where a problem of a policy of the route is.
Place place_at(const RouteAssembly& route, codec::Position at) {
  const Place& own = route.target.route.place;
  return at.line == 0 ? own : Place{.source = own.source, .at = at};
}

void report_problems(const RouteAssembly& route,
                     const std::string& name,
                     const policy::Problems& problems) {
  for (const policy::Problem& problem : problems) {
    const Place place = place_at(route, problem.at);
    const std::string message =
        name + ": " + problem.text + " (" + std::string(to_string(problem.code)) + ")";
    if (problem.severity == policy::Severity::Error) {
      route.assembly.report().error(place, name, message);
    } else {
      route.assembly.report().warn(place, name, message);
    }
  }
}

// Nothing after a report of errors.
std::optional<policy::Program> compile_policy(const RouteAssembly& route,
                                              const std::string& name,
                                              policy::Parsed parsed,
                                              const policy::CompileOptions& options) {
  auto compiled = policy::compile(std::move(parsed), options);
  if (!compiled) {
    report_problems(route, name, compiled.error());
    return std::nullopt;
  }
  report_problems(route, name, compiled->warnings);
  return std::move(compiled->program);
}

// Whether the router could lead a request with this path here, as far as this route alone says.
bool matches_path(const RouteSettings& settings, std::string_view path) {
  return settings.path.empty() ? path.starts_with(settings.prefix) : path == settings.path;
}

void run_tests(const RouteAssembly& route) {
  const RouteSettings& settings = route.target.route;
  scenario::RouteTests read =
      scenario::parse_route_tests(*route.target.inputs.tests, route.assembly.settings().normalize);
  const std::string name = route.full("tests");
  const auto refuse = [&](codec::Position at, const std::string& text) {
    route.assembly.report().error(place_at(route, at), name, name + ": " + text);
  };
  for (const scenario::Fault& fault : read.faults) {
    refuse(fault.at, fault.text);
  }
  for (const scenario::RouteTest& test : read.tests) {
    if (!matches_path(settings, test.request.path)) {
      refuse(test.at, "this route does not serve " + quoted(test.request.path));
    } else if (auto failure = scenario::failure_of(test, settings.program)) {
      refuse(test.at, *failure);
    }
  }
}

std::string text_member(const Node& map, std::string_view key) {
  const Node* member = map.find(key);
  return member != nullptr && member->is_scalar() ? member->text() : std::string();
}

// The rules of one of the policies that a route's are made of. Nothing where it has none.
void explain_policy(const RouteAssembly& route,
                    const Node& source,
                    const policy::CompileOptions& options) {
  policy::Parsed parsed = policy::parse_route(source, policy::Keywords::AnyCase);
  if (parsed.policy.rules.empty()) {
    return;
  }
  // Problems were reported of the whole.
  auto compiled = policy::compile(std::move(parsed), options);
  if (compiled) {
    route.target.route.explained.push_back({.id = text_member(source, "id"),
                                            .explanation = text_member(source, "explanation"),
                                            .remediation = text_member(source, "remediation"),
                                            .program = std::move(compiled->program)});
  }
}

// The policies of a route one by one, for show_error_details.
void explain_policies(const RouteAssembly& route,
                      const Node& keys,
                      const policy::CompileOptions& options) {
  std::vector<Node::Member> own;
  for (const Node::Member& member : keys.members()) {
    if (member.key != "sub_policies") {
      own.push_back(member);
    }
  }
  explain_policy(route, Node::map(std::move(own), keys.position()), options);
  policy::CompileOptions sub_options = options;
  sub_options.deny_invalid_client_certificate = false;
  if (const Node* sub_policies = keys.find("sub_policies")) {
    for (const Node& sub_policy : sub_policies->items()) {
      explain_policy(route, sub_policy, sub_options);
    }
  }
}

void assemble_policy(const RouteAssembly& route) {
  const Node keys =
      Node::map(std::move(route.target.inputs.policy_keys), route.target.route.place.at);
  report_problems(route, route.name, policy::validate_route(keys));
  policy::Parsed parsed = policy::parse_route(keys, policy::Keywords::AnyCase);
  if (parsed.policy.rules.empty() && parsed.problems.empty()) {
    route.assembly.report().warn(route.target.route.place,
                                 route.name,
                                 route.name + ": has no rule, so nobody is allowed",
                                 "write policy, or one of the allow options");
  }
  const ClientCertificateSettings& clients = route.assembly.settings().client_certificates;
  const policy::CompileOptions options{
      .keywords = policy::Keywords::AnyCase,
      .sources = {.client_certificate = true,
                  .device = true,
                  .records = route.assembly.settings().policy_records},
      .deny_invalid_client_certificate =
          clients.all != nullptr && clients.enforcement != Enforcement::Policy,
      .quirks = route.target.inputs.policy_quirks};
  if (route.assembly.keeps_written_policies()) {
    // Where this compiles, no record is asked about that nobody named, and the kept options refer
    // to nothing.
    policy::CompileOptions kept = options;
    kept.sources.records = {};
    kept.sources.all_records = true;
    route.target.route.written = {.syntax = parsed.policy, .options = kept};
  }
  if (const Node* shadow = route.target.inputs.shadow_policy) {
    route.target.route.shadow_program =
        compile_policy(route,
                       route.full("shadow_policy"),
                       policy::parse_policy(*shadow, policy::Keywords::AnyCase),
                       options);
  }
  auto program = compile_policy(route, route.name, std::move(parsed), options);
  if (!program) {
    return;
  }
  route.target.route.program = *std::move(program);
  if (route.target.inputs.show_error_details) {
    explain_policies(route, keys, options);
  }
  if (route.target.inputs.tests != nullptr) {
    run_tests(route);
  }
}

void assemble_id(const RouteAssembly& route) {
  const RouteInputs& inputs = route.target.inputs;
  RouteSettings& settings = route.target.route;
  settings.id = route_id({.from = settings.from.text,
                          .prefix = settings.prefix,
                          .path = settings.path,
                          .regex = inputs.regex,
                          .to = &inputs.to_texts,
                          .weights = &inputs.to_weights,
                          .redirect = inputs.redirect,
                          .response = inputs.response});
}

// A cookie for a domain is refused by browsers on every host outside it.
bool covers(std::string_view domain, std::string_view host) {
  domain.remove_prefix(domain.starts_with('.') ? 1 : 0);
  return iequals(host, domain) ||
         (host.size() > domain.size() && host[host.size() - domain.size() - 1] == '.' &&
          iequals(host.substr(host.size() - domain.size()), domain));
}

void check_cookie_domain(Assembly& assembly) {
  const Settings& settings = assembly.settings();
  const std::string& domain = settings.cookie.domain;
  if (domain.empty()) {
    return;
  }
  const auto refuse = [&](const std::string& host) {
    assembly.error("cookie_domain",
                   "cookie_domain: " + quoted(domain) + " does not hold " + host +
                       ": browsers would refuse its session cookie",
                   "leave the option out, or use a domain that all hosts share");
  };
  if (settings.authenticate_service_url &&
      !covers(domain, settings.authenticate_service_url->host())) {
    refuse(std::string(settings.authenticate_service_url->host()));
    return;
  }
  const auto outside = std::ranges::find_if(settings.routes, [&](const RouteSettings& route) {
    return route.from.kind == RouteSource::Kind::Http && !route.from.host.empty() &&
           !covers(domain, route.from.host);
  });
  if (outside != settings.routes.end()) {
    refuse(outside->from.host);
  }
}

}  // namespace

void assemble_route(Assembly& assembly, RouteTarget& target) {
  const RouteAssembly route{.assembly = assembly, .target = target};
  RouteSettings& settings = target.route;
  if (settings.from.text.empty() && !settings.places.contains("from")) {
    route.error("from", "must be set", "write scheme and host, such as https://app.example.com");
  }
  check_kind(route);
  check_matchers(route);
  check_first_path(route);
  assemble_request_headers(route);
  assemble_identity(route);
  assemble_kubernetes(route);
  assemble_serverless(route);
  assemble_upgrades(route);
  assemble_timeouts(route);
  assemble_outage_grace(route);
  assemble_upstream_tls(route);
  assemble_answer_headers(route);
  assemble_bearer_tokens(assembly, target);
  assemble_policy(route);
  assemble_id(route);
}

void check_routes(Assembly& assembly) {
  std::map<std::pair<std::string_view, std::string_view>, const RouteSettings*> seen;
  for (const RouteSettings& route : assembly.settings().routes) {
    const auto [it, added] = seen.try_emplace({route.id, route.name}, &route);
    if (!added) {
      assembly.report().error(route.place,
                              "routes",
                              "this route matches and leads to the same as the one at " +
                                  assembly.report().where(it->second->place) +
                                  ": which policy holds is not clear",
                              "remove one of them, or give them different names");
    }
  }
  check_cookie_domain(assembly);
}

}  // namespace vallum::config
