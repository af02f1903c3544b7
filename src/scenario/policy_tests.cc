#include "scenario/policy_tests.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"
#include "codec/rfc3339.h"
#include "policy/keys.h"
#include "policy/outcome.h"
#include "scenario/limits.h"
#include "scenario/people.h"

namespace vallum::scenario {

using codec::Node;

std::string_view to_string(Expected expected) {
  switch (expected) {
    case Expected::Allow:
      return "allow";
    case Expected::Deny:
      return "deny";
    case Expected::Login:
      break;
  }
  return "login";
}

namespace {

bool is_method(std::string_view text) {
  constexpr std::size_t kMethodBytesMax = 64;
  return !text.empty() && text.size() <= kMethodBytesMax &&
         std::ranges::all_of(text, [](char c) { return is_ascii_alpha(c) || c == '-'; });
}

class TestsReader {
 public:
  explicit TestsReader(const http::NormalizeOptions& options) : options_(options) {}

  RouteTests read(const Node& list) && {
    if (!list.is_list()) {
      fault(list, "tests is a list of tests, not " + std::string(policy::kind_name(list)));
      return std::move(read_);
    }
    if (list.items().size() > kRouteTestsMax) {
      fault(list, "a route has at most " + std::to_string(kRouteTestsMax) + " tests");
      return std::move(read_);
    }
    for (const Node& item : list.items()) {
      test(item);
    }
    return std::move(read_);
  }

 private:
  void fault(const Node& at, std::string text) {
    read_.faults.push_back({at.position(), std::move(text)});
  }

  void test(const Node& node) {
    RouteTest test{
        .at = node.position(), .as = {}, .request = {}, .expect = {}, .because = std::nullopt};
    bool has_as = false;
    bool has_expect = false;
    const std::size_t faults_before = read_.faults.size();
    each_member(node,
                read_.faults,
                "a test",
                "as, request, expect, because",
                [&](std::string_view key, const Node& value) {
                  if (key == "as") {
                    has_as = true;
                    as(value, test);
                  } else if (key == "request") {
                    request(value, test.request);
                  } else if (key == "expect") {
                    has_expect = true;
                    expect(value, test.expect);
                  } else if (key == "because") {
                    because(value, test.because);
                  } else {
                    return false;
                  }
                  return true;
                });
    if (node.is_map() && !has_as) {
      fault(node, "a test needs as: who asks, a mapping, or anonymous");
    }
    if (node.is_map() && !has_expect) {
      fault(node, "a test needs expect: allow, deny or login");
    }
    if (read_.faults.size() == faults_before) {
      read_.tests.push_back(std::move(test));
    }
  }

  void as(const Node& node, RouteTest& test) {
    if (node.is_string() && to_lower(node.text()) == "anonymous") {
      return;
    }
    test.as = read_person(node, "as, unless it is anonymous,", read_.faults);
  }

  void request(const Node& node, Attempt& request) {
    each_member(node,
                read_.faults,
                "request",
                "method, path, ip, at, headers",
                [&](std::string_view key, const Node& value) {
                  if (key == "method") {
                    method(value, request);
                  } else if (key == "path") {
                    path(value, request);
                  } else if (key == "ip") {
                    ip(value, request);
                  } else if (key == "at") {
                    at(value, request);
                  } else if (key == "headers") {
                    headers(value, request);
                  } else {
                    return false;
                  }
                  return true;
                });
  }

  void method(const Node& node, Attempt& request) {
    if (read_text(node, "method", request.method, read_.faults) && !is_method(request.method)) {
      fault(node, "method is a word such as GET");
    }
  }

  void path(const Node& node, Attempt& request) {
    std::string path;
    if (!read_text(node, "path", path, read_.faults)) {
      return;
    }
    if (const Result<void> set = set_path(request, path, options_); !set) {
      fault(node,
            "such a request is answered 400 before it is decided: " +
                std::string(set.error().message()));
    }
  }

  void ip(const Node& node, Attempt& request) {
    request.ip = IpAddress::parse(node.text());
    if (!request.ip) {
      fault(node, "ip is an address such as 203.0.113.7");
    }
  }

  void at(const Node& node, Attempt& request) {
    request.at = codec::parse_rfc3339(node.text());
    if (!request.at) {
      fault(node, "at is a time with its zone such as 2026-03-02T09:30:00Z");
    }
  }

  void headers(const Node& node, Attempt& request) {
    each_member(node,
                read_.faults,
                "headers",
                "origin, access-control-request-method, the ones that policies look at",
                [&](std::string_view key, const Node& value) {
                  if (key == "origin") {
                    read_text(value, "origin", request.origin, read_.faults);
                  } else if (key == "access-control-request-method") {
                    read_text(value, key, request.access_control_request_method, read_.faults);
                  } else {
                    return false;
                  }
                  return true;
                });
  }

  void expect(const Node& node, Expected& into) {
    for (const Expected expected : {Expected::Allow, Expected::Deny, Expected::Login}) {
      if (node.is_string() && to_lower(node.text()) == to_string(expected)) {
        into = expected;
        return;
      }
    }
    fault(node, "expect is allow, deny or login");
  }

  void because(const Node& node, std::optional<policy::Reason>& into) {
    into = node.is_string() ? policy::find_reason(node.text()) : std::nullopt;
    if (!into) {
      fault(node, "because is a reason as decision records name it, such as groups-unauthorized");
    }
  }

  const http::NormalizeOptions& options_;
  RouteTests read_;
};

Expected expectation_met_by(policy::Outcome outcome) {
  switch (outcome) {
    case policy::Outcome::Allowed:
      return Expected::Allow;
    case policy::Outcome::Login:
      return Expected::Login;
    case policy::Outcome::DeviceEnroll:
    case policy::Outcome::Forbidden:
    case policy::Outcome::RouteNotFound:
    case policy::Outcome::DeviceRefused:
    case policy::Outcome::CertificateRequired:
    case policy::Outcome::McpError:
    case policy::Outcome::McpUnauthorized:
      break;
  }
  return Expected::Deny;
}

// What the outcome rests on.
policy::ReasonSet reasons_behind(const policy::Decision& decision, policy::Outcome outcome) {
  if (outcome == policy::Outcome::Login) {
    return decision.allow.reasons | decision.deny.reasons;
  }
  return decision.deny.value ? decision.deny.reasons : decision.allow.reasons;
}

void append_verdict(std::string& text, std::string_view action, const policy::Verdict& verdict) {
  append_all(text, {"; ", action, verdict.value ? " holds" : " does not hold"});
  std::string_view separator = ": ";
  for (const policy::Reason reason : verdict.reasons) {
    append_all(text, {separator, policy::to_string(reason)});
    separator = ", ";
  }
}

}  // namespace

RouteTests parse_route_tests(const Node& list, const http::NormalizeOptions& options) {
  return TestsReader(options).read(list);
}

std::optional<std::string> failure_of(const RouteTest& test, const policy::Program& program) {
  const Assumption assumption(test.as, test.request);
  const policy::Decision decision = policy::decide(program, assumption.facts());
  const policy::Outcome outcome = policy::outcome_of(decision, {});
  const Expected got = expectation_met_by(outcome);
  const bool has_reason =
      !test.because || reasons_behind(decision, outcome).contains(*test.because);
  if (got == test.expect && has_reason) {
    return std::nullopt;
  }
  std::string text;
  append_all(text, {"expected ", to_string(test.expect)});
  if (!has_reason) {
    append_all(text, {" because of ", policy::to_string(*test.because)});
  }
  append_all(text, {", got ", to_string(got)});
  if (got == Expected::Deny) {
    append_all(text, {" (", policy::to_string(outcome), ")"});
  }
  append_verdict(text, "allow", decision.allow);
  append_verdict(text, "deny", decision.deny);
  return text;
}

}  // namespace vallum::scenario
