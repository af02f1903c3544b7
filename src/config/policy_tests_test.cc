#include <string>

#include <gtest/gtest.h>

#include "scenario/limits.h"
#include "support/config_fixture.h"

// Tests of a policy beside it, and policies that are tried in its shadow.
namespace vallum::config {
namespace {

class PolicyTestsTest : public ConfigTest {
 protected:
  // A route for staff on which `more` follows, line by line from line 9.
  static std::string route(std::string_view more) {
    return "routes:\n"
           "  - from: https://app.example.com\n"
           "    to: http://127.0.0.1:1\n"
           "    prefix: /app\n"
           "    policy:\n"
           "      allow:\n"
           "        and: [{groups: {has: staff}}, {http_method: GET}]\n"
           "      deny: {or: [{source_ip: 203.0.113.0/24}]}\n" +
           std::string(more);
  }
  // The one error of a route with these tests.
  std::string refusal_of(std::string_view tests) const {
    const Lines lines = refused(route("    tests:\n" + std::string(tests)));
    EXPECT_EQ(lines.size(), 1U) << (lines.empty() ? "" : lines.back());
    return lines.empty() ? "" : lines.front();
  }
};

TEST_F(PolicyTestsTest, TestsThatGetTheirAnswerAreSilent) {
  const Loaded loaded =
      load(route("    tests:\n"
                 "      - as: {groups: [staff, all]}\n"
                 "        request: {path: /app/x?q=1}\n"
                 "        expect: allow\n"
                 "      - {as: anonymous, request: {path: /app}, expect: login}\n"
                 "      - as: {email: a@example.com, groups: []}\n"
                 "        request: {path: /app}\n"
                 "        expect: DENY\n"
                 "      - As: {groups: [staff]}\n"
                 "        Request: {Path: /app, ip: 203.0.113.9}\n"
                 "        expect: deny\n"
                 "      - as: {groups: [staff]}\n"
                 "        request: {path: /app, method: POST}\n"
                 "        expect: deny\n"));

  EXPECT_TRUE(loaded.settings.has_value()) << loaded.diagnostics.front().text();
}

TEST_F(PolicyTestsTest, AFailingTestRefusesTheConfigurationWithBothAnswersAndTheReasons) {
  EXPECT_EQ(
      refusal_of("      - as: {groups: [guests]}\n"
                 "        request: {path: /app}\n"
                 "        expect: allow\n"
                 "        because: groups-ok\n"),
      "c.yaml:10:9: routes[0].tests: expected allow because of groups-ok, got deny (forbidden); "
      "allow does not hold: groups-unauthorized; deny does not hold: source-ip-unauthorized");
}

TEST_F(PolicyTestsTest, APersonMayHaveRecords) {
  const std::string text =
      "policy_records: {example.com/on-call: user.id}\n"
      "routes:\n"
      "  - from: https://app.example.com\n"
      "    to: http://127.0.0.1:1\n"
      "    policy: {allow: {or: [{record: {type: example.com/on-call, field: level, '>=': 2}}]}}\n"
      "    tests:\n"
      "      - as: {records: {example.com/on-call: {level: 2}}}\n"
      "        expect: allow\n"
      "        because: record-ok\n"
      "      - {as: {records: {example.com/on-call: {level: 1}}}, expect: deny}\n"
      "      - {as: {records: {example.com/on-call: null}}, expect: deny}\n"
      "      - {as: {}, expect: deny, because: record-unauthorized}\n"
      "      - {as: anonymous, expect: login}\n";
  const Loaded loaded = load(text);
  EXPECT_TRUE(loaded.settings.has_value()) << loaded.diagnostics.front().text();
  EXPECT_EQ(loaded.settings->policy_records,
            (std::vector<policy::RecordSource>{{.type = "example.com/on-call"}}));

  EXPECT_TRUE(refused(text + "      - {as: {records: [x]}, expect: deny}\n")
                  .front()
                  .contains("records is a mapping of types"));
}

TEST_F(PolicyTestsTest, APersonMayHaveDevices) {
  const std::string text =
      "routes:\n"
      "  - from: https://app.example.com\n"
      "    to: http://127.0.0.1:1\n"
      "    policy: {allow: {or: [{device: {type: any, approved: true}}]}}\n"
      "    tests:\n"
      "      - {as: {devices: [{approved: true}]}, expect: allow, because: device-ok}\n"
      "      - {as: {devices: [{type: any}]}, expect: deny, because: device-unauthorized}\n"
      "      - {as: {devices: [{type: other, id: x, approved: true}]}, expect: deny}\n"
      "      - {as: {}, expect: deny, because: device-unauthenticated}\n"
      "      - {as: anonymous, expect: login}\n";
  EXPECT_TRUE(load(text).settings.has_value()) << load(text).diagnostics.front().text();

  for (const auto& [bad, says] : {std::pair{"7", "devices is a list"},
                                  std::pair{"[{approved: maybe}]", "approved is true or false"},
                                  std::pair{"[{name: x}]", "a device has no key 'name'"}}) {
    EXPECT_TRUE(refused(text + "      - {as: {devices: " + bad + "}, expect: deny}\n")
                    .front()
                    .contains(says))
        << bad;
  }
}

TEST_F(PolicyTestsTest, RecordsNobodyNamedAreNotAskedAbout) {
  const std::string rest =
      "routes:\n"
      "  - from: https://app.example.com\n"
      "    to: http://127.0.0.1:1\n"
      "    policy: {allow: {or: [{record: {type: b, exists: true}}]}}\n";
  EXPECT_TRUE(refused("policy_records: {a: user.id}\n" + rest)
                  .front()
                  .contains("nobody says whose the records of type 'b' are"));
  EXPECT_TRUE(refused("policy_records: {b: user.name}\n" + rest)
                  .front()
                  .contains("policy_records: \"user.name\" is not what the id of such a record"));
  EXPECT_TRUE(refused("policy_records: {type.googleapis.com/session.Session: user.id}\n" + rest)
                  .front()
                  .contains("is not a type of records of yours"));
}

TEST_F(PolicyTestsTest, TheRightAnswerForTheWrongReasonFails) {
  const std::string denied =
      "      - as: {groups: [staff]}\n"
      "        request: {path: /app, ip: 203.0.113.9}\n"
      "        expect: deny\n"
      "        because: ";
  EXPECT_TRUE(load(route("    tests:\n" + denied + "source-ip-ok\n")).settings.has_value());
  EXPECT_TRUE(refusal_of(denied + "groups-unauthorized\n")
                  .contains("expected deny because of groups-unauthorized, got deny (forbidden); "
                            "allow holds: groups-ok, http-method-ok; deny holds: source-ip-ok"));
}

TEST_F(PolicyTestsTest, AnAnonymousRequestThatIsSentToSignInIsNeitherAllowedNorDenied) {
  EXPECT_TRUE(refusal_of("      - {as: anonymous, request: {path: /app}, expect: deny}\n")
                  .contains("expected deny, got login; allow does not hold: user-unauthenticated"));
}

TEST_F(PolicyTestsTest, ARequestThatTheRouteDoesNotServeProvesNothing) {
  EXPECT_TRUE(refusal_of("      - {as: anonymous, request: {path: /other}, expect: login}\n")
                  .contains("this route does not serve \"/other\""));
}

TEST_F(PolicyTestsTest, APathThatWouldBeRefusedIsAMistake) {
  EXPECT_TRUE(refusal_of("      - {as: anonymous, request: {path: /app/%00}, expect: login}\n")
                  .starts_with("c.yaml:10:41: routes[0].tests: such a request is answered 400"));
}

TEST_F(PolicyTestsTest, WhatCannotBeReadNamesItsPlaceAndTheCure) {
  struct Bad {
    std::string test;
    std::string says;
  };
  for (const Bad& bad : {
           Bad{"7", "c.yaml:10:9: routes[0].tests: a test is a mapping of as, request,"},
           Bad{"{request: {path: /app}, expect: login}",
               "c.yaml:10:9: routes[0].tests: a test needs as"},
           Bad{"{as: anonymous}", "a test needs expect"},
           Bad{"{as: anonymous, expect: maybe}",
               "c.yaml:10:33: routes[0].tests: expect is allow, deny"},
           Bad{"{as: somebody, expect: deny}",
               "as, unless it is anonymous, is a mapping of user, email"},
           Bad{"{as: {mail: x}, expect: deny}", "has no key 'mail': write user, email, groups"},
           Bad{"{as: {groups: staff}, expect: deny}", "groups is a list of texts"},
           Bad{"{as: {claims: [x]}, expect: deny}", "claims is a mapping"},
           Bad{"{as: {email: 7}, expect: deny}", "email is a text, not a number"},
           Bad{"{as: {}, request: {ip: x}, expect: deny}", "ip is an address such as"},
           Bad{"{as: {}, request: {at: noon}, expect: deny}", "at is a time with its zone"},
           Bad{"{as: {}, request: {method: 'G T'}, expect: deny}", "method is a word"},
           Bad{"{as: {}, request: {headers: {cookie: x}}, expect: deny}", "has no key 'cookie'"},
           Bad{"{as: {}, expect: deny, because: nobody likes him}", "because is a reason as"},
           Bad{"{as: {}, expect: deny, because: [groups-ok]}", "because is a reason as"},
           Bad{"{as: {}, AS: {}, expect: deny}", "routes[0].tests: "},
       }) {
    const Lines lines = refused(route("    tests:\n      - " + bad.test + "\n"));
    ASSERT_FALSE(lines.empty()) << bad.test;
    EXPECT_TRUE(lines.front().contains(bad.says)) << lines.front();
  }
}

TEST_F(PolicyTestsTest, TestsAreALimitedList) {
  EXPECT_TRUE(refused(route("    tests: {as: anonymous}\n")).front().contains("a list of tests"));

  std::string many = "    tests:\n";
  for (std::size_t i = 0; i <= scenario::kRouteTestsMax; ++i) {
    many.append("      - {as: anonymous, request: {path: /app}, expect: login}\n");
  }
  EXPECT_TRUE(refused(route(many)).front().contains("a route has at most 1000 tests"));
}

TEST_F(PolicyTestsTest, ClaimsAndPreflightsCanBeTested) {
  const Loaded loaded = load(
      "routes:\n"
      "  - from: https://app.example.com\n"
      "    to: http://127.0.0.1:1\n"
      "    cors_allow_preflight: true\n"
      "    policy: {allow: {or: [{claim/plan: gold}]}}\n"
      "    tests:\n"
      "      - {as: {claims: {plan: [gold]}}, expect: allow}\n"
      "      - {as: {claims: {plan: gold}}, expect: allow}\n"
      "      - {as: {claims: {plan: tin}}, expect: deny}\n"
      "      - as: anonymous\n"
      "        request:\n"
      "          method: OPTIONS\n"
      "          headers: {Origin: https://x, Access-Control-Request-Method: PUT}\n"
      "        expect: allow\n");

  EXPECT_TRUE(loaded.settings.has_value()) << loaded.diagnostics.front().text();
}

TEST_F(PolicyTestsTest, AShadowPolicyIsCompiledBesideTheRoutesOwn) {
  const Settings settings = accepted(route("    shadow_policy: {allow: {or: [{accept: true}]}}\n"));

  ASSERT_TRUE(settings.routes.front().shadow_program.has_value());
  EXPECT_TRUE(policy::decide(*settings.routes.front().shadow_program, {}).allow.value);
  EXPECT_FALSE(policy::decide(settings.routes.front().program, {}).allow.value);
}

TEST_F(PolicyTestsTest, WithoutAShadowPolicyThereIsNone) {
  EXPECT_FALSE(accepted(route("")).routes.front().shadow_program.has_value());
}

TEST_F(PolicyTestsTest, AMistakeInAShadowPolicyRefusesTheConfiguration) {
  EXPECT_TRUE(refused(route("    shadow_policy: {allow: {or: [{grops: x}]}}\n"))
                  .front()
                  .starts_with("c.yaml:9:35: routes[0].shadow_policy: "));
}

TEST_F(PolicyTestsTest, RulesAreKeptAsWrittenOnlyForWhoAsks) {
  LoadContext asking = context();
  asking.keep_written_policies = true;
  const Loaded kept = load_text(route(""), Format::Yaml, "c.yaml", asking);

  EXPECT_FALSE(accepted(route("")).routes.front().written.has_value());
  ASSERT_TRUE(kept.settings && kept.settings->routes.front().written);
  EXPECT_EQ(kept.settings->routes.front().written->syntax.rules.size(), 2U);
}

}  // namespace
}  // namespace vallum::config
