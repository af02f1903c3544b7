#include <gtest/gtest.h>

#include "support/config_fixture.h"

namespace vallum::config {
namespace {

using telemetry::FieldPolicy;
using telemetry::FieldSet;
using telemetry::RecordField;

class RecordOptionsTest : public ConfigTest {
 protected:
  telemetry::RecordPlans plans(std::string_view text) const { return accepted(text).records; }
};

TEST_F(RecordOptionsTest, NothingSaidIsTheUsualLines) {
  EXPECT_TRUE(plans("").is_usual());
  EXPECT_TRUE(plans("log_field_policies: {email: keep}").is_usual());
}

TEST_F(RecordOptionsTest, AListReplacesTheUsualFields) {
  const telemetry::RecordPlans made =
      plans("authorize_log_fields: [user, headers.X-Team]\naccess_log_fields: path, headers");

  EXPECT_EQ(made.decision.shown,
            (FieldSet{RecordField::User,
                      RecordField::Headers,
                      RecordField::Decision,
                      RecordField::Outcome,
                      RecordField::Shadow,
                      RecordField::BearerToken,
                      RecordField::ResponseCode}));
  EXPECT_EQ(made.decision.headers, (std::vector<std::string>{"x-team"}));
  EXPECT_FALSE(made.decision.all_headers);
  EXPECT_EQ(made.access.shown, (FieldSet{RecordField::Path, RecordField::Headers}));
  EXPECT_TRUE(made.access.all_headers);
}

TEST_F(RecordOptionsTest, AnEmptyListLeavesTheResult) {
  EXPECT_EQ(plans("authorize_log_fields: []").decision.shown,
            (FieldSet{RecordField::Decision,
                      RecordField::Outcome,
                      RecordField::Shadow,
                      RecordField::BearerToken,
                      RecordField::ResponseCode}));
}

TEST_F(RecordOptionsTest, AFieldThatALineDoesNotKnowIsNamedAndSkipped) {
  for (const char* bad : {"authorize_log_fields: [user, nonsense]",
                          "authorize_log_fields: [user-agent]",
                          "authorize_log_fields: [outcome]",
                          "authorize_log_fields: ['headers.a b']",
                          "access_log_fields: [id-token]",
                          "access_log_fields: [headers.]"}) {
    const Loaded loaded = load(bad);
    EXPECT_TRUE(loaded.settings.has_value()) << bad;
    EXPECT_EQ(texts(loaded, Severity::UnknownKey).size(), 1U) << bad;
  }
  EXPECT_TRUE(texts(load("access_log_fields: [user-agnt]"), Severity::UnknownKey)[0].contains(
      "did you mean user-agent?"));
}

// A slip here would write down what somebody meant to keep out.
TEST_F(RecordOptionsTest, APolicyThatCannotHoldIsAMistake) {
  for (const char* bad : {"log_field_policies: {nonsense: drop}",
                          "log_field_policies: {email: encrypt}",
                          "log_field_policies: {duration: hash}",
                          "log_field_policies: {outcome: drop}"}) {
    EXPECT_EQ(refused(bad).size(), 1U) << bad;
  }
}

TEST_F(RecordOptionsTest, APolicyHoldsForBothLinesAndForNamedHeaders) {
  const telemetry::RecordPlans made =
      plans("log_field_policies: {email: hash, ip: drop, id-token: keep, headers.Cookie: hash}");

  EXPECT_EQ(made.hashed, (FieldSet{RecordField::Email}));
  EXPECT_FALSE(made.decision.shown.contains(RecordField::Ip));
  EXPECT_FALSE(made.access.shown.contains(RecordField::Ip));
  EXPECT_TRUE(made.kept.contains(RecordField::IdToken));
  EXPECT_EQ(made.header_policy("cookie"), FieldPolicy::Hash);
  EXPECT_EQ(made.header_policy("authorization"), std::nullopt);
}

TEST_F(RecordOptionsTest, TokensAreKeptInMemoryOnlyForALineThatShowsThem) {
  EXPECT_FALSE(accepted("").uses_session_tokens);
  EXPECT_TRUE(accepted("authorize_log_fields: [id-token-claims]").uses_session_tokens);
}

}  // namespace
}  // namespace vallum::config
