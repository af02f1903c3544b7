#include "ext_authz/header_changes.h"

#include <gtest/gtest.h>

namespace vallum::ext_authz {
namespace {

using Fields = std::vector<Question::Field>;
using Names = std::vector<std::string>;

std::string head(const std::string& fields) {
  return "GET / HTTP/1.1\r\nHost: app.example\r\n" + fields + "\r\n";
}

TEST(HeaderChangesTest, WhatTheApplicationGetsAnywayIsNotSaid) {
  const Fields client = {{.name = "accept", .value = "text/html"},
                         {.name = "X-Own", .value = " 1 "}};

  const HeaderChanges changes = changes_between(client, head("Accept: text/html\r\nx-own: 1\r\n"));

  EXPECT_TRUE(changes.set.empty());
  EXPECT_TRUE(changes.remove.empty());
}

TEST(HeaderChangesTest, WhatWasAddedOrChangedIsSetAndWhatIsGoneIsRemoved) {
  const Fields client = {{.name = "cookie", .value = "_pomerium=secret; theme=dark"},
                         {.name = "authorization", .value = "Pomerium secret"},
                         {.name = "X-Pomerium-Claim-Email", .value = "forged"}};

  const HeaderChanges changes =
      changes_between(client,
                      head("Cookie: theme=dark\r\nX-Pomerium-Jwt-Assertion: ey\r\n"
                           "x-pomerium-claim-email: alice@example.com\r\n"));

  EXPECT_EQ(changes.set.value("cookie"), "theme=dark");
  EXPECT_EQ(changes.set.value("X-Pomerium-Jwt-Assertion"), "ey");
  EXPECT_EQ(changes.set.value("X-Pomerium-Claim-Email"), "alice@example.com");
  EXPECT_EQ(changes.remove, Names{"authorization"});
}

TEST(HeaderChangesTest, LinesOfOneNameAreSetTogether) {
  const HeaderChanges changes =
      changes_between({{.name = "impersonate-group", .value = "system:masters"}},
                      head("Impersonate-Group: a\r\nX: 1\r\nImpersonate-Group: b\r\n"));

  Names lines;
  for (const http::Headers::Line& line : changes.set) {
    lines.push_back(line.name + "=" + line.value);
  }
  EXPECT_EQ(lines, (Names{"Impersonate-Group=a", "Impersonate-Group=b", "X=1"}));
}

TEST(HeaderChangesTest, AnEmptyValueIsSetSoThatTheClientsOwnCannotStandForIt) {
  const HeaderChanges changes =
      changes_between({{.name = "x-pomerium-claim-groups", .value = "admins"}},
                      head("x-pomerium-claim-groups: \r\n"));

  ASSERT_EQ(changes.set.count("x-pomerium-claim-groups"), 1U);
  EXPECT_EQ(changes.set.value("x-pomerium-claim-groups"), "");
}

TEST(HeaderChangesTest, WhatBelongsToTheAskingProxysConnectionsIsLeftAlone) {
  const Fields client = {{.name = "connection", .value = "upgrade"},
                         {.name = "host", .value = "app.example"},
                         {.name = "x-forwarded-for", .value = "192.0.2.1"},
                         {.name = "x-request-id", .value = "theirs"}};

  const HeaderChanges changes = changes_between(
      client, head("X-Forwarded-For: 192.0.2.1,10.0.0.1\r\nX-Request-Id: ours\r\n"));

  EXPECT_TRUE(changes.set.empty());
  EXPECT_TRUE(changes.remove.empty());
}

}  // namespace
}  // namespace vallum::ext_authz
