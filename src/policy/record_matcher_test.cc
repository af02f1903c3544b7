#include "policy/record_matcher.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "policy/compiler.h"
#include "policy/outcome.h"

namespace vallum::policy {
namespace {

std::expected<Compiled, Problems> compile_record(std::string_view data,
                                                 FactSources sources = FactSources::all()) {
  return compile(
      parse_policy_text(
          "allow: {or: [{record: " + std::string(data) + "}]}", TextFormat::Yaml, Keywords::Exact),
      {.sources = sources});
}

std::string fault(std::string_view data) {
  const auto compiled = compile_record(data);
  return compiled ? "" : compiled.error()[0].text;
}

// A record of the type "device" with some fields, and the knowledge that there is none of "risk".
class Devices {
 public:
  Devices() {
    ClaimTable::Builder fields;
    fields.set("os", codec::Node::string("linux"));
    fields.set("score", codec::Node::number("7.50"));
    fields.set("tags", codec::Node::list({codec::Node::string("a"), codec::Node::string("b")}));
    fields.set("none", codec::Node::list({}));
    fields_ = std::move(fields).build();
    records_ = {{.type = "device", .fields = fields_.view()},
                {.type = "risk", .fields = std::nullopt}};
    session_.records = records_;
    facts_.session = &session_;
  }
  Devices(const Devices&) = delete;
  Devices& operator=(const Devices&) = delete;

  bool hold(std::string_view data) const {
    const auto compiled = compile_record(data);
    EXPECT_TRUE(compiled.has_value()) << data;
    const Decision decision = decide(compiled->program, facts_);
    const ReasonSet expected{decision.allow.value ? Reason::RecordOk : Reason::RecordUnauthorized};
    EXPECT_EQ(decision.allow.reasons, expected);
    return decision.allow.value;
  }

 private:
  ClaimTable fields_;
  std::vector<RecordFacts> records_;
  SessionFacts session_;
  Facts facts_;
};

TEST(RecordTest, ExistenceIsAskedOfTheRecordOrOfAField) {
  const Devices devices;
  EXPECT_TRUE(devices.hold("{type: device, exists: true}"));
  EXPECT_FALSE(devices.hold("{type: device, exists: false}"));
  EXPECT_FALSE(devices.hold("{type: risk, exists: true}"));
  EXPECT_TRUE(devices.hold("{type: risk, exists: false}"));
  EXPECT_TRUE(devices.hold("{type: device, field: os, exists: true}"));
  EXPECT_TRUE(devices.hold("{type: device, field: owner, exists: false}"));
}

TEST(RecordTest, WhatWasNotLookedUpHoldsForNothing) {
  const Devices devices;
  EXPECT_FALSE(devices.hold("{type: geoip, exists: true}"));
  EXPECT_FALSE(devices.hold("{type: geoip, exists: false}"));
  EXPECT_FALSE(devices.hold("{type: geoip, field: country, not: XX}"));
}

TEST(RecordTest, AMissingFieldHoldsForNoOperator) {
  const Devices devices;
  for (const std::string_view condition :
       {"is: x", "not: x", "has: x", "exclude: x", "not_in: []", "'<': 9", "contains: ''"}) {
    EXPECT_FALSE(devices.hold("{type: device, field: owner, " + std::string(condition) + "}"));
    EXPECT_FALSE(devices.hold("{type: risk, field: owner, " + std::string(condition) + "}"));
  }
}

TEST(RecordTest, OperatorsOfStrings) {
  const Devices devices;
  for (const std::string_view holds : {"is: linux",
                                       "=: linux",
                                       "not: windows",
                                       "contains: inu",
                                       "starts_with: lin",
                                       "ends_with: nux",
                                       "in: [linux, mac]",
                                       "not_in: [mac]",
                                       "has: linux",
                                       "exclude: mac",
                                       "'<': m",
                                       "'>=': linux"}) {
    EXPECT_TRUE(devices.hold("{type: device, field: os, " + std::string(holds) + "}")) << holds;
  }
  for (const std::string_view fails : {"is: Linux",
                                       "not: linux",
                                       "contains: win",
                                       "in: []",
                                       "not_in: [linux]",
                                       "exclude: linux",
                                       "'<': 9",
                                       "'>': linux"}) {
    EXPECT_FALSE(devices.hold("{type: device, field: os, " + std::string(fails) + "}")) << fails;
  }
}

TEST(RecordTest, NumbersAreComparedByValue) {
  const Devices devices;
  for (const std::string_view holds : {"'<': 7.6",
                                       "'<': 10",
                                       "'<=': 7.5",
                                       "=: 75e-1",
                                       "'>=': 7.5",
                                       "'>': 7.49",
                                       "'>': -100",
                                       "'>': 0",
                                       "'<': 1e3",
                                       "'>': 0.0075"}) {
    EXPECT_TRUE(devices.hold("{type: device, field: score, " + std::string(holds) + "}")) << holds;
  }
  for (const std::string_view fails :
       {"'<': 7.5", "'>': 7.5", "'>': 8", "'<': -8", "'<': '9'", "contains: '7'"}) {
    EXPECT_FALSE(devices.hold("{type: device, field: score, " + std::string(fails) + "}")) << fails;
  }
}

TEST(RecordTest, AListOfSeveralHoldsOnlyForOperatorsOfLists) {
  const Devices devices;
  EXPECT_TRUE(devices.hold("{type: device, field: tags, has: a}"));
  EXPECT_TRUE(devices.hold("{type: device, field: tags, exclude: c}"));
  EXPECT_FALSE(devices.hold("{type: device, field: tags, is: a}"));
  EXPECT_FALSE(devices.hold("{type: device, field: tags, not: c}"));
  EXPECT_FALSE(devices.hold("{type: device, field: tags, not_in: [c]}"));
  EXPECT_TRUE(devices.hold("{type: device, field: none, exclude: a}"));
  EXPECT_FALSE(devices.hold("{type: device, field: none, not: a}"));
}

TEST(RecordTest, AllOperatorsMustHold) {
  const Devices devices;
  EXPECT_TRUE(devices.hold("{type: device, field: score, '>': 7, '<': 8, exists: true}"));
  EXPECT_FALSE(devices.hold("{type: device, field: score, '>': 7, '<': 7.2}"));
}

TEST(RecordTest, AProgramNamesTheTypesItWantsOnce) {
  const auto compiled = compile(
      parse_policy_text("allow: {and: [record: {type: a, exists: true}, record: {type: b, exists: "
                        "true}]}\ndeny: {or: [record: {type: a, exists: false}]}",
                        TextFormat::Yaml,
                        Keywords::Exact),
      {.sources = FactSources::all()});
  ASSERT_TRUE(compiled.has_value());
  const auto wanted = wanted_records(compiled->program);
  EXPECT_EQ(std::vector<std::string_view>(wanted.begin(), wanted.end()),
            (std::vector<std::string_view>{"a", "b"}));
  EXPECT_TRUE(wanted_records(Program()).empty());
}

TEST(RecordTest, WithoutASourceOfRecordsTheCriterionIsRefused) {
  const auto refused = compile_record("{type: device, exists: true}", {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error()[0].code, ProblemCode::CriterionNotAvailable);
  EXPECT_EQ(refused.error()[0].text,
            "record: nobody says whose the records of type 'device' are: name the type in "
            "policy_records");
  const std::vector<RecordSource> sources{{.type = "other"}};
  EXPECT_FALSE(compile_record("{type: device, exists: true}", {.records = sources}).has_value());
}

TEST(RecordTest, AUsersOwnRecordIsNotAskedAboutBeforeTheUserIsKnown) {
  const std::vector<RecordSource> sources{{.type = "device"}};
  const auto compiled = compile_record("{type: device, exists: false}", {.records = sources});
  ASSERT_TRUE(compiled.has_value());

  const Decision anonymous = decide(compiled->program, {});
  const RecordFacts none{.type = "device", .fields = std::nullopt};
  SessionFacts session;
  session.records = std::span(&none, 1);
  Facts facts;
  facts.session = &session;
  const Decision signed_in = decide(compiled->program, facts);

  EXPECT_FALSE(anonymous.allow.value);
  EXPECT_EQ(anonymous.allow.reasons, ReasonSet{Reason::UserUnauthenticated});
  EXPECT_EQ(outcome_of(anonymous, {}), Outcome::Login);
  EXPECT_TRUE(signed_in.allow.value);
}

TEST(RecordTest, FaultsNameTheCure) {
  EXPECT_EQ(fault("x"),
            "record needs a mapping, as in {type: example.com/device, exists: true}, not a string");
  EXPECT_EQ(fault("{exists: true}"), "record needs the type of the records, as in type: geoip");
  EXPECT_EQ(fault("{type: a}"), "record needs exists, or a field and an operator");
  EXPECT_EQ(fault("{type: a, field: b}"), "record needs exists, or a field and an operator");
  EXPECT_EQ(fault("{type: a, is: b}"), "record needs the field that its operators are about");
  EXPECT_EQ(fault("{type: 5, exists: true}"), "'type' needs a name, not a number");
  EXPECT_EQ(fault("{type: a, exists: maybe}"), "'exists' needs true or false, not a string");
  EXPECT_EQ(fault("{type: a, field: b, in: c}"),
            "'in' needs a list, even for one value, not a string");
  EXPECT_EQ(fault("{type: a, field: b, contains: 1}"), "'contains' needs a string, not a number");
  EXPECT_EQ(fault("{type: a, field: b, '<': [1]}"), "'<' needs a number or a string, not a list");
  EXPECT_EQ(fault("{type: a, field: b, excludes: 1}"),
            "'excludes' is not a field or an operator of record: did you mean 'exclude'?");
}

TEST(ValueOrderTest, NumbersNobodyCanReadHaveNoOrder) {
  const Value three(Value::Kind::Number, "3");
  const Value huge(Value::Kind::Number, "1e99999999999999999999");
  EXPECT_EQ(Value::order(three, huge), std::partial_ordering::unordered);
  EXPECT_EQ(Value::order(three, Value(Value::Kind::Number, "1.5e9999999999999")),
            std::partial_ordering::unordered);
  EXPECT_EQ(Value::order(three, Value::string("3")), std::partial_ordering::unordered);
  EXPECT_EQ(Value::order(Value(Value::Kind::Number, "-25e-1"), Value(Value::Kind::Number, "-3")),
            std::partial_ordering::greater);
  EXPECT_EQ(Value::order(Value(Value::Kind::Number, "25"), Value(Value::Kind::Number, "3")),
            std::partial_ordering::greater);
  EXPECT_EQ(Value::order(Value(Value::Kind::Number, "0"), Value(Value::Kind::Number, "-1e-9")),
            std::partial_ordering::greater);
}

}  // namespace
}  // namespace vallum::policy
