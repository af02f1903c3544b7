#include "policytools/replay.h"

#include <string>

#include <gtest/gtest.h>

#include "policytools/limits.h"
#include "policytools/load.h"
#include "support/config_fixture.h"

namespace vallum::policytools {
namespace {

class ReplayTest : public config::ConfigTest {
 protected:
  void SetUp() override {
    files().put(
        "new.yaml",
        "routes:\n"
        "  - from: https://app.example.com\n"
        "    to: http://127.0.0.1:1\n"
        "    prefix: /mail\n"
        "    allowed_users: [alice@example.com]\n"
        "  - from: https://app.example.com\n"
        "    to: http://127.0.0.1:1\n"
        "    policy: {allow: {or: [{groups: {has: staff}}]}}\n"
        "  - from: https://open.example.com\n"
        "    to: http://127.0.0.1:1\n"
        "    policy: {allow: {and: [{accept: 1}, {source_ip: 10.0.0.0/8}, {http_path: /a b}]}}\n"
        "  - from: https://late.example.com\n"
        "    to: http://127.0.0.1:1\n"
        "    policy: {allow: {and: [{accept: 1}, {date: {after: 2025-01-01T00:00:00Z}}]}}\n");
    auto settings = load_settings("new.yaml", context());
    ASSERT_TRUE(settings.has_value()) << settings.error().message();
    settings_ = *std::move(settings);
    start({});
  }

  void start(Directory directory) {
    directory_ = std::move(directory);
    auto replay = Replay::make(settings_, directory_);
    ASSERT_TRUE(replay.has_value());
    replay_.emplace(*std::move(replay));
    line_ = 0;
  }
  void add(std::string_view text) { replay_->add({.text = text, .number = ++line_}); }
  // A record of a request by a person, "" for nobody.
  void record(std::string_view who,
              std::string_view host,
              std::string_view path,
              std::string_view outcome) {
    std::string line = R"({"level":"info","message":"authorize check","method":"GET","host":")";
    line.append(host).append(R"(","path":")").append(path);
    if (!who.empty()) {
      line.append(R"(","session-id":"s1)");
    }
    line.append(R"(","ip":"10.0.0.1","user":")").append(who.empty() ? "" : "u1");
    line.append(R"(","email":")").append(who);
    line.append(R"(","allow":false,"allow-why-false":[],"outcome":")").append(outcome);
    add(line.append("\"}"));
  }
  const Replay::Counts& counts() const { return replay_->counts(); }
  std::string report() const { return replay_->report("audit.jsonl"); }
  Replay& replay() { return *replay_; }

 private:
  config::Settings settings_;
  Directory directory_;
  std::optional<Replay> replay_;
  std::uint64_t line_ = 0;
};

TEST_F(ReplayTest, ListsWhoGainsAndWhoLosesEachOnce) {
  record("alice@example.com", "app.example.com", "/mail/1", "forbidden");
  record("alice@example.com", "app.example.com", "/mail/2", "forbidden");
  record("bob@example.com", "app.example.com", "/mail/3", "allowed");
  record("bob@example.com", "app.example.com", "/mail/4", "forbidden");
  record("", "open.example.com", "/a%20b", "login");

  EXPECT_EQ(counts().decided, 5U);
  EXPECT_EQ(counts().gains, 3U);
  EXPECT_EQ(counts().losses, 1U);
  EXPECT_EQ(counts().uncertain, 0U);
  EXPECT_TRUE(
      report().contains("gains   (anonymous)  https://open.example.com  1 request, the "
                        "first GET open.example.com/a%20b\n"))
      << report();
  EXPECT_TRUE(
      report().contains("gains   alice@example.com  https://app.example.com/mail  2 "
                        "requests, the first GET app.example.com/mail/1\n"));
  EXPECT_TRUE(
      report().contains("loses   bob@example.com  https://app.example.com/mail  1 request"));
  EXPECT_TRUE(report().contains("A log line does not carry: groups, claims"));
}

TEST_F(ReplayTest, AChangeThatHangsOnWhatALineDoesNotCarryIsUncertain) {
  record("bob@example.com", "app.example.com", "/x", "allowed");
  record("", "app.example.com", "/x", "allowed");

  EXPECT_EQ(counts().losses, 2U);
  EXPECT_EQ(counts().uncertain, 1U);
  EXPECT_TRUE(report().contains("loses?  bob@example.com")) << report();
  EXPECT_TRUE(report().contains("loses   (anonymous)"));
  EXPECT_TRUE(report().contains(
      "  1 request on routes whose policy looks at groups: give --directory FILE\n"));
}

TEST_F(ReplayTest, ADirectoryTellsTheGroups) {
  scenario::Person bob;
  bob.email = "bob@example.com";
  bob.groups = {"staff"};
  start(Directory({bob}));

  record("bob@example.com", "app.example.com", "/x", "forbidden");
  record("eve@example.com", "app.example.com", "/x", "forbidden");

  EXPECT_EQ(counts().gains, 1U);
  EXPECT_EQ(counts().uncertain, 0U);
  EXPECT_TRUE(report().contains("gains   bob@example.com"));
}

TEST_F(ReplayTest, ALogOfTheReferenceIsReadByItsDecision) {
  const std::string start =
      R"({"message":"authorize check","method":"GET","host":"app.example.com","path":"/mail",)"
      R"("ip":"10.0.0.1","session-id":"s","user":"u","email":"bob@example.com",)";
  add(start + R"("allow":true,"allow-why-true":["email-ok"],"deny":false,"deny-why-false":[]})");
  add(start + R"("allow":true,"allow-why-true":["email-ok"],"deny":false,)"
              R"("deny-why-false":["user-unauthenticated"]})");

  EXPECT_EQ(counts().decided, 2U);
  EXPECT_EQ(counts().losses, 1U);
}

TEST_F(ReplayTest, ARequestIsDecidedAtTheTimeOfItsLine) {
  const std::string start =
      R"({"message":"authorize check","method":"GET","host":"late.example.com","path":"/",)"
      R"("ip":"10.0.0.1","outcome":"allowed","time":")";
  add(start + R"(2026-03-02T09:30:00.000Z"})");
  add(start + R"(2024-03-02T09:30:00.000Z"})");
  add(start + R"(at noon"})");

  EXPECT_EQ(counts().decided, 3U);
  EXPECT_EQ(counts().losses, 2U);
  EXPECT_EQ(counts().uncertain, 0U);
}

TEST_F(ReplayTest, ARouteThatIsGoneIsALoss) {
  record("alice@example.com", "gone.example.com", "/", "allowed");

  EXPECT_TRUE(report().contains("loses   alice@example.com  (no route)"));
}

TEST_F(ReplayTest, OtherLinesAndOwnEndpointsAreCountedAlone) {
  add(R"({"message":"http-request","method":"GET"})");
  add("   ");
  add("{}");
  record("", "app.example.com", "/.pomerium/user", "allowed");

  EXPECT_EQ(counts().other_lines, 3U);
  EXPECT_EQ(counts().own_endpoints, 1U);
  EXPECT_EQ(counts().decided, 0U);
}

TEST_F(ReplayTest, HostileLinesAreCountedAndNamed) {
  add("{\"message\":");
  add("[1]");
  add(R"({"message":"authorize check","method":7,"host":"a","path":"/"})");
  record("", "two hosts", "/", "allowed");
  record("", "app.example.com", "/%00", "allowed");
  record("", "app.example.com", "no path", "allowed");
  replay().add({.text = {}, .number = 7, .is_too_long = true});

  EXPECT_EQ(counts().unread, 7U);
  EXPECT_EQ(counts().decided, 0U);
  EXPECT_TRUE(report().contains("audit.jsonl:1:12: the text ends inside a value\n")) << report();
  EXPECT_TRUE(report().contains("audit.jsonl:3:1: has no text method\n"));
  EXPECT_TRUE(report().contains("audit.jsonl:4:1: host: "));
  EXPECT_TRUE(report().contains("audit.jsonl:7:1: is longer than "));
  EXPECT_TRUE(report().ends_with("7 lines not read\n"));
}

TEST_F(ReplayTest, OnlyTheFirstOfManyUnreadLinesAreNamed) {
  for (std::size_t i = 0; i < kUnreadLinesNamedMax + 5; ++i) {
    add("oops");
  }

  EXPECT_TRUE(report().contains("audit.jsonl: 5 more lines not read\n"));
}

TEST_F(ReplayTest, WhatAReportShowsOfALogCannotSteerATerminal) {
  record(R"(\u001b[2Jeve\u0007)", "app.example.com", "/mail", "allowed");

  EXPECT_TRUE(report().contains("loses   ?[2Jeve?  "));
}

TEST_F(ReplayTest, MemoryIsBoundedByNamingOnlySoMany) {
  for (std::size_t i = 0; i < kReplayChangesMax + 3; ++i) {
    record("p" + std::to_string(i) + "@example.com", "app.example.com", "/mail", "allowed");
  }

  EXPECT_EQ(counts().losses, kReplayChangesMax + 3);
  EXPECT_EQ(counts().not_named, 3U);
  EXPECT_TRUE(report().contains("3 more requests with another answer\n"));
}

}  // namespace
}  // namespace vallum::policytools
