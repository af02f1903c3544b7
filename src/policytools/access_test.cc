#include "policytools/access.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "policytools/load.h"
#include "support/config_fixture.h"

namespace vallum::policytools {
namespace {

using Names = std::vector<std::string>;

class AccessTest : public config::ConfigTest {
 protected:
  // Routes to one place each, whose further lines are these.
  std::vector<RouteAccess> access(const std::vector<std::string>& routes,
                                  const Directory& directory = {}) {
    std::string text = "routes:\n";
    for (const std::string& route : routes) {
      text.append("  - {to: http://127.0.0.1:1, ").append(route).append("}\n");
    }
    files().put("c.yaml", text);
    const auto settings = load_settings("c.yaml", context());
    EXPECT_TRUE(settings.has_value()) << (settings ? "" : settings.error().message());
    return settings ? access_of(*settings, directory) : std::vector<RouteAccess>();
  }
  RouteAccess one(const std::string& policy) {
    const auto all = access({"from: https://a.example.com, prefix: /x, policy: " + policy});
    return all.empty() ? RouteAccess() : all.front();
  }
};

TEST_F(AccessTest, WhoeverAPolicyNamesIsDecidedAbout) {
  EXPECT_EQ(
      one("{allow: {or: [{email: a@x.example}, {domain: {is: b.example}}, {groups: {has: g}}, "
          "{claim/plan: gold}, {user: u7}]}}")
          .who,
      (Names{"email a@x.example", "domain b.example", "groups g", "claim/plan gold", "user u7"}));
}

TEST_F(AccessTest, WhatIsAskedForTogetherIsOnePerson) {
  const RouteAccess access =
      one("{allow: {and: [{groups: {has: g}}, {email: {in: [a@x.example, b@x.example]}}, "
          "{http_method: POST}, {source_ip: [10.0.0.0/8]}]}}");

  EXPECT_EQ(
      access.who,
      (Names{"groups g and email a@x.example and http_method POST and source_ip 10.0.0.0/8",
             "groups g and email b@x.example and http_method POST and source_ip 10.0.0.0/8"}));
  EXPECT_EQ(access.depends_on, (Names{"http_method", "source_ip"}));
}

TEST_F(AccessTest, AnyoneIncludesTheOthersButForTheExceptions) {
  const RouteAccess open = one("{allow: {or: [{accept: 1}, {email: a@x.example}]}}");
  EXPECT_EQ(open.who, Names{"anyone"});

  const RouteAccess signed_in =
      one("{allow: {or: [{authenticated_user: 1}]}, deny: {or: [{groups: {has: guests}}]}}");
  EXPECT_EQ(signed_in.who, Names{"anyone signed in"});
  EXPECT_EQ(signed_in.except, Names{"groups guests"});
}

TEST_F(AccessTest, NobodyIsSaid) {
  EXPECT_EQ(access_text({one("{allow: {or: [{reject: 1}]}}")}),
            "https://a.example.com/x  (c.yaml:2:5)\n  nobody\n");
}

TEST_F(AccessTest, ADirectoryAnswersWithItsPeople) {
  scenario::Person alice;
  alice.email = "alice@x.example";
  alice.groups = {"g"};
  scenario::Person bob;
  bob.user_id = "bob";
  const Directory directory({alice, bob});

  const auto all =
      access({"from: https://a.example.com, policy: {allow: {or: [{groups: {has: g}}]}}",
              "from: https://b.example.com, allow_any_authenticated_user: true",
              "from: https://c.example.com, allow_public_unauthenticated_access: true"},
             directory);

  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].who, Names{"alice@x.example"});
  EXPECT_EQ(all[1].who, (Names{"alice@x.example", "bob"}));
  EXPECT_EQ(all[2].who, (Names{"anyone", "alice@x.example", "bob"}));
}

TEST_F(AccessTest, ADifferenceNamesWhoGainsAndWhoLoses) {
  const auto before = access({"from: https://a.example.com, allowed_users: [a@x.example]",
                              "from: https://same.example.com, allowed_domains: [x.example]",
                              "from: https://old.example.com, allowed_domains: [x.example]"});
  const auto after = access({"from: https://a.example.com, allowed_domains: [y.example]",
                             "from: https://same.example.com, allowed_domains: [x.example]",
                             "from: https://new.example.com, allowed_domains: [x.example]"});

  EXPECT_EQ(access_difference(before, before), "");
  EXPECT_EQ(access_difference(before, after),
            "https://a.example.com  (c.yaml:2:5)\n"
            "  + domain y.example\n"
            "  - user a@x.example\n"
            "  - email a@x.example\n"
            "new route https://new.example.com  (c.yaml:4:5)\n"
            "  + domain x.example\n"
            "route is gone https://old.example.com  (c.yaml:4:5)\n"
            "  - domain x.example\n");
}

TEST_F(AccessTest, OfAPolicyWithEndlessCombinationsSomeAreDecided) {
  std::string values;
  for (int i = 0; i < 50; ++i) {
    values.append("v").append(std::to_string(i)).append("@x.example, ");
  }
  EXPECT_LE(one("{allow: {and: [{email: {in: [" + values + "]}}, {user: {in: [" + values + "]}}]}}")
                .who.size(),
            256U);
}

TEST(DirectoryTest, IsAListOfPeopleWhoAreFoundByIdAndByAddress) {
  testing::MemoryFiles files;
  files.put("d.yaml",
            "- {user: u1, email: a@x.example, groups: [g], claims: {plan: gold}}\n"
            "- {email: b@x.example}\n");

  const auto directory = Directory::read("d.yaml", files);

  ASSERT_TRUE(directory.has_value());
  EXPECT_EQ(directory->find("u1", "")->directory->groups.size(), 1U);
  EXPECT_EQ(directory->find("u9", "b@x.example")->email(), "b@x.example");
  EXPECT_EQ(directory->find("u9", "c@x.example"), nullptr);
}

TEST(DirectoryTest, EveryFaultNamesItsPlace) {
  testing::MemoryFiles files;
  files.put("d.yaml", "- {emial: a}\n- 7\n");
  files.put("map.json", "{}");

  EXPECT_EQ(Directory::read("d.yaml", files).error().message(),
            "d.yaml:1:4: a person has no key 'emial': write user, email, groups, claims, devices, "
            "records\n"
            "d.yaml:2:3: a person is a mapping of user, email, groups, claims, devices, records, "
            "not a number");
  EXPECT_TRUE(Directory::read("map.json", files).error().message().contains("people are a list"));
  EXPECT_TRUE(Directory::read("none.yaml", files).error().message().starts_with("none.yaml: "));
}

}  // namespace
}  // namespace vallum::policytools
