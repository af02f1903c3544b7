#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "codec/yaml.h"
#include "scenario/corpus.h"
#include "scenario/people.h"
#include "scenario/policy_tests.h"

// Any line is a case with an answer or says why it is none; any list is read as tests or says why
// it cannot be.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vallum;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto result = scenario::run_case(text, scenario::case_options());
  if (result) {
    CHECK(!result->expected.empty() && !result->got.empty());
  } else {
    CHECK(!result.error().text.empty());
  }
  const auto list = codec::parse_yaml(text, {.bytes_max = 1 << 16, .nodes_max = 10'000});
  if (!list) {
    return 0;
  }
  const scenario::RouteTests tests = scenario::parse_route_tests(*list, {});
  for (const scenario::RouteTest& test : tests.tests) {
    // Without rules everything is denied, for no reason.
    CHECK(scenario::failure_of(test, policy::Program()).has_value() ==
          (test.expect != scenario::Expected::Deny));
  }
  scenario::Faults faults;
  scenario::read_people(*list, faults);
  return 0;
}
