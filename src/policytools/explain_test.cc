#include "policytools/explain.h"

#include <string>

#include <gtest/gtest.h>

#include "codec/json.h"
#include "policytools/load.h"
#include "policytools/written_question.h"
#include "support/config_fixture.h"

namespace vallum::policytools {
namespace {

class ExplainTest : public config::ConfigTest {
 protected:
  void SetUp() override {
    files().put("c.yaml",
                "routes:\n"
                "  - from: https://app.example.com\n"
                "    to: http://127.0.0.1:1\n"
                "    prefix: /admin\n"
                "    policy:\n"
                "      allow: {and: [{groups: {has: staff}}, {http_method: GET}]}\n"
                "      deny: {or: [{source_ip: 203.0.113.0/24}]}\n"
                "    shadow_policy: {allow: {or: [{claim/plan: gold}]}}\n"
                "  - from: https://app.example.com\n"
                "    to: http://127.0.0.1:1\n"
                "    allow_public_unauthenticated_access: true\n"
                "    regex: later\n");
    auto settings = load_settings("c.yaml", context());
    ASSERT_TRUE(settings.has_value()) << settings.error().message();
    settings_ = *std::move(settings);
  }

  Explanation ask(const WrittenQuestion& written) const {
    auto question = read_question(written);
    EXPECT_TRUE(question.has_value());
    auto explanation = explain(settings_, *std::move(question));
    EXPECT_TRUE(explanation.has_value());
    return std::move(explanation).value_or(Explanation());
  }
  static WrittenQuestion staff(const std::string& route) {
    WrittenQuestion written;
    written.route = route;
    written.user = "alice@example.com";
    written.groups = {"staff", "all"};
    return written;
  }

  const config::Settings& settings() const { return settings_; }

 private:
  config::Settings settings_;
};

TEST_F(ExplainTest, AnAllowedRequestShowsItsRulesAndWhatTheyComparedWith) {
  const std::string text = explanation_text(ask(staff("app.example.com/admin/x?q=1")));

  EXPECT_EQ(text,
            "route https://app.example.com/admin at c.yaml:2:5\n"
            "  allow and at 6:15  -> yes (groups-ok, http-method-ok)\n"
            "      + groups: {\"has\":\"staff\"}  -> yes (groups-ok); compared with [\"staff\", "
            "\"all\"]\n"
            "      + http_method: \"GET\"  -> yes (http-method-ok); compared with \"GET\"\n"
            "  deny or at 7:14  -> no (source-ip-unauthorized)\n"
            "      - source_ip: \"203.0.113.0/24\"  -> no (source-ip-unauthorized); compared with "
            "(address unknown)\n"
            "allow    yes (groups-ok, http-method-ok)\n"
            "deny     no (source-ip-unauthorized)\n"
            "outcome  allowed\n"
            "http     200, forwarded to the application, whose status it is\n"
            "shadow   forbidden\n");
}

TEST_F(ExplainTest, TheAnswerDependsOnWhoAsksAndHow) {
  WrittenQuestion anonymous;
  anonymous.route = "app.example.com/admin";
  EXPECT_EQ(ask(anonymous).status, 302);
  EXPECT_EQ(ask(staff("app.example.com:8443/admin")).status, 200);

  WrittenQuestion from_there = staff("app.example.com/admin");
  from_there.ip = "203.0.113.9";
  EXPECT_EQ(ask(from_there).status, 403);

  WrittenQuestion post = staff("app.example.com/admin");
  post.method = "POST";
  EXPECT_EQ(ask(post).outcome, policy::Outcome::Forbidden);

  WrittenQuestion gold = staff("app.example.com/admin");
  gold.claims = {"plan=silver", "plan=gold"};
  EXPECT_EQ(ask(gold).shadow_outcome, policy::Outcome::Allowed);
}

TEST_F(ExplainTest, RequestsThatNoPolicyDecidesSayWhy) {
  EXPECT_EQ(ask(staff("other.example.com")).status, 404);
  EXPECT_EQ(ask(staff("app.example.com/.pomerium/user")).status, 200);
  EXPECT_TRUE(ask(staff("app.example.com/.pomerium/user")).answer.contains("by Vallum itself"));
  EXPECT_EQ(ask(staff("app.example.com/a%2fb")).status, 400);
  const Explanation closed = ask(staff("app.example.com/elsewhere"));
  EXPECT_EQ(closed.status, 503);
  EXPECT_TRUE(closed.answer.contains("regex: is not built yet"));
}

TEST_F(ExplainTest, TheJsonSaysTheSame) {
  const auto json = codec::parse_json(explanation_json(ask(staff("app.example.com/admin"))));

  ASSERT_TRUE(json.has_value());
  EXPECT_EQ(json->find("outcome")->text(), "allowed");
  EXPECT_EQ(json->find("status")->as_u64(), 200U);
  EXPECT_EQ(json->find("where")->text(), "c.yaml:2:5");
  EXPECT_EQ(json->find("shadow")->text(), "forbidden");
  const codec::Node& rule = json->find("rules")->items().front();
  EXPECT_EQ(rule.find("logic")->text(), "and");
  const codec::Node& criterion = rule.find("criteria")->items().front();
  EXPECT_EQ(criterion.find("criterion")->text(), "groups");
  EXPECT_EQ(criterion.find("operand")->find("has")->text(), "staff");
  EXPECT_TRUE(criterion.find("value")->as_bool());
  EXPECT_EQ(criterion.find("reasons")->items().front().text(), "groups-ok");
}

TEST_F(ExplainTest, AHostThatIsNoneIsRefused) {
  auto question = read_question(staff("not a host/x"));
  ASSERT_TRUE(question.has_value());

  EXPECT_FALSE(explain(settings(), *std::move(question)).has_value());
}

TEST(WrittenQuestionTest, WhatCannotBeReadNamesTheOptionAndTheCure) {
  struct Bad {
    std::string WrittenQuestion::* member;
    std::string value;
    std::string_view says;
  };
  for (const Bad& bad :
       {Bad{&WrittenQuestion::route, "", "--route: write HOST"},
        Bad{&WrittenQuestion::route, "/admin", "--route: write HOST"},
        Bad{&WrittenQuestion::route, "https://app.example.com", "without https://"},
        Bad{&WrittenQuestion::ip, "10.0.0", "--ip: \"10.0.0\" is no address"},
        Bad{&WrittenQuestion::at, "noon", "--at: \"noon\" is no time"}}) {
    WrittenQuestion written;
    written.route = "app.example.com";
    written.*bad.member = bad.value;

    const auto question = read_question(written);

    ASSERT_FALSE(question.has_value()) << bad.value;
    EXPECT_TRUE(question.error().message().contains(bad.says)) << question.error().message();
  }
  WrittenQuestion claim;
  claim.route = "a.example";
  claim.claims = {"=x"};
  EXPECT_TRUE(read_question(claim).error().message().contains("write --claim NAME=VALUE"));
}

TEST(WrittenQuestionTest, NobodyIsSignedInUnlessSomethingIsSaidAboutThem) {
  WrittenQuestion written;
  written.route = "a.example";
  EXPECT_FALSE(read_question(written)->person.has_value());

  written.user = "00u1";
  EXPECT_EQ(read_question(written)->person->user_id, "00u1");
  EXPECT_EQ(read_question(written)->person->email, "");

  written.user = "a@example.com";
  EXPECT_EQ(read_question(written)->person->email, "a@example.com");
  EXPECT_EQ(read_question(written)->person->user_id, scenario::kUnnamedUser);
}

}  // namespace
}  // namespace vallum::policytools
