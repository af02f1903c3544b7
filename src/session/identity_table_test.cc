#include "session/identity_table.h"

#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace vallum::session {
namespace {

IdentityRef identity(std::string session_id, std::string user_id, std::string email = {}) {
  IdentityParts parts;
  parts.session_id = std::move(session_id);
  parts.user_id = user_id;
  parts.user =
      UserRecord{.id = std::move(user_id), .name = {}, .email = std::move(email), .claims = {}};
  return async::make_snapshot<JoinedIdentity>(std::move(parts));
}

KnownIdentity known(std::string session_id, std::string user_id, std::uint64_t version = 1) {
  return {.identity = identity(std::move(session_id), std::move(user_id)),
          .as_of = {.server_version = 1, .latest_version = version}};
}

std::string user_of(IdentityTable& table, std::string_view session_id) {
  const KnownIdentity* const found = table.find(session_id);
  return found == nullptr             ? "none"
         : found->identity == nullptr ? "null"
                                      : std::string(found->identity->user_id());
}

TEST(IdentityTableTest, KnowsWhatWasPutAndWhatIsAbsent) {
  IdentityTable table(8);
  table.put("s1", known("s1", "u1"));
  table.put("s2", {.identity = nullptr, .as_of = {}});
  table.put("s1", known("s1", "another"));

  EXPECT_EQ(user_of(table, "s1"), "another");
  EXPECT_EQ(user_of(table, "s2"), "null");
  EXPECT_EQ(user_of(table, "s3"), "none");
  EXPECT_EQ(table.size(), 2U);
  table.erase("s1");
  table.erase("s3");
  EXPECT_EQ(user_of(table, "s1"), "none");
  EXPECT_EQ(table.size(), 1U);
}

TEST(IdentityTableTest, AnIdMayBeLongerThanIdsAre) {
  IdentityTable table(4);
  const std::string long_id(300, 'x');
  table.put(long_id, known(long_id, "u"));
  table.put(long_id + "y", known(long_id + "y", "v"));

  EXPECT_EQ(user_of(table, long_id), "u");
  EXPECT_EQ(user_of(table, long_id + "y"), "v");
  EXPECT_EQ(user_of(table, std::string(40, 'x')), "none");
  table.erase(long_id);
  table.put("short", known("short", "w"));  // where the long one was
  EXPECT_EQ(user_of(table, "short"), "w");
  EXPECT_EQ(user_of(table, long_id), "none");
}

TEST(IdentityTableTest, WhatNobodyAskedForMakesPlace) {
  IdentityTable table(3);
  for (const char* id : {"a", "b", "c"}) {
    table.put(id, known(id, "u"));
  }
  EXPECT_NE(table.find("a"), nullptr);
  EXPECT_NE(table.find("c"), nullptr);

  table.put("d", known("d", "u"));

  EXPECT_EQ(table.size(), 3U);
  EXPECT_EQ(user_of(table, "b"), "none");
  EXPECT_EQ(user_of(table, "a"), "u");
  // Everything was asked for: something goes all the same, and not the new one.
  EXPECT_NE(table.find("c"), nullptr);
  EXPECT_NE(table.find("d"), nullptr);
  table.put("e", known("e", "u"));
  EXPECT_EQ(table.size(), 3U);
  EXPECT_EQ(user_of(table, "e"), "u");
}

TEST(IdentityTableTest, ForgetsAllOfAUserThatWereReadBefore) {
  IdentityTable table(16);
  table.put("old", known("old", "u1", 5));
  table.put("new", known("new", "u1", 9));
  table.put("other", known("other", "u2", 5));
  table.put("nobody", known("nobody", "", 5));

  table.erase_user("u1", 9);

  EXPECT_EQ(user_of(table, "old"), "none");
  EXPECT_EQ(user_of(table, "new"), "u1");
  EXPECT_EQ(user_of(table, "other"), "u2");
  table.erase_user("", 100);
  EXPECT_EQ(user_of(table, "nobody"), "");
}

TEST(IdentityTableTest, ForgetsByTheUsersAddress) {
  IdentityTable table(16);
  table.put("s1", {.identity = identity("s1", "u1", "a@corp"), .as_of = {.latest_version = 1}});
  table.put("s2", {.identity = identity("s2", "u2", "b@corp"), .as_of = {.latest_version = 1}});

  table.erase_email("a@corp", 2);

  EXPECT_EQ(user_of(table, "s1"), "none");
  EXPECT_EQ(user_of(table, "s2"), "u2");
}

TEST(IdentityTableTest, IsEmptyAndUsableAfterClear) {
  IdentityTable table(2);
  table.put("a", known("a", "u"));
  table.put("b", known("b", "u"));
  table.clear();
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(user_of(table, "a"), "none");
  for (const char* id : {"c", "d", "e"}) {
    table.put(id, known(id, "u"));
  }
  EXPECT_EQ(table.size(), 2U);
  EXPECT_EQ(user_of(table, "e"), "u");
}

// Against a map, with few keys and few buckets so that chains are long.
TEST(IdentityTableTest, AgreesWithAMapWhateverHappens) {
  std::mt19937_64 random(11);
  for (int run = 0; run < 50; ++run) {
    IdentityTable table(64);
    std::map<std::string, std::pair<std::string, std::uint64_t>> model;
    for (std::uint64_t step = 1; step < 400; ++step) {
      const std::string id = "s" + std::to_string(random() % 40);
      const std::string user = "u" + std::to_string(random() % 5);
      switch (random() % 4) {
        case 0:
        case 1:
          table.put(id, known(id, user, step));
          model[id] = {user, step};
          break;
        case 2:
          table.erase(id);
          model.erase(id);
          break;
        default: {
          const std::uint64_t version = step - random() % 20;
          table.erase_user(user, version);
          std::erase_if(model, [&](const auto& entry) {
            return entry.second.first == user && entry.second.second < version;
          });
          break;
        }
      }
      ASSERT_EQ(table.size(), model.size());
    }
    for (int i = 0; i < 40; ++i) {
      const std::string id = "s" + std::to_string(i);
      const auto at = model.find(id);
      ASSERT_EQ(user_of(table, id), at == model.end() ? "none" : at->second.first) << id;
    }
  }
}

}  // namespace
}  // namespace vallum::session
