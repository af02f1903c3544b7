#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "codec/node.h"
#include "http/syntax/normalize.h"
#include "policy/program.h"
#include "policy/reasons.h"
#include "scenario/assumption.h"
#include "scenario/fault.h"

// Tests of a route's policy, written beside it:
//
//   tests:
//     - as: {email: alice@example.com, groups: [staff]}
//       request: {path: /reports}
//       expect: allow
//       because: groups-ok
namespace vallum::scenario {

// What must become of the request. Deny is every answer that neither forwards nor asks who it is.
enum class Expected : std::uint8_t { Allow, Deny, Login };

std::string_view to_string(Expected expected);

struct RouteTest {
  codec::Position at;
  // Nobody: anonymous.
  std::optional<Person> as;
  Attempt request;
  Expected expect = Expected::Deny;
  // A reason the answer must rest on.
  std::optional<policy::Reason> because;
};

struct RouteTests {
  std::vector<RouteTest> tests;
  Faults faults;
};

// Reads a list of tests, whose keys may be in any case. Reports every fault; what could be read
// is returned beside them.
RouteTests parse_route_tests(const codec::Node& list, const http::NormalizeOptions& options);

// Decides as the server would. Nothing when the answer is what was expected; else what was
// expected, what came instead and the reasons.
std::optional<std::string> failure_of(const RouteTest& test, const policy::Program& program);

}  // namespace vallum::scenario
