#include "session/assertion_claims.h"

#include <gtest/gtest.h>

#include "codec/json.h"
#include "session/joined_identity.h"

namespace vallum::session {
namespace {

codec::Node list(std::string_view json) {
  return codec::parse_json(json).value();
}

IdentityParts alice() {
  IdentityParts parts;
  parts.session_id = "s1";
  parts.user_id = "alice";
  parts.session_claims = {{.name = "groups", .values = list(R"(["from-session"])")},
                          {.name = "name", .values = list(R"(["Session Name"])")},
                          {.name = "team", .values = list(R"(["red","blue"])")}};
  parts.user = UserRecord{.id = "alice",
                          .name = "",
                          .email = "user@corp.t",
                          .claims = {{.name = "level", .values = list("[7, true, null, {}]")},
                                     {.name = "name", .values = list(R"(["User Name"])")}}};
  return parts;
}

IdentityParts with_directory(std::string_view group_ids) {
  IdentityParts parts = alice();
  parts.directory = DirectoryUser{
      .id = "alice", .email = "directory@corp.t", .display_name = "", .group_ids = list(group_ids)};
  parts.groups = {{.id = "g1", .name = "Admins", .email = ""},
                  {.id = "g2", .name = "Staff", .email = ""}};
  return parts;
}

// The payload's own part.
std::string claims_of(const JoinedIdentity* identity,
                      const std::vector<std::string>& extra = {},
                      GroupsFilter filter = {}) {
  std::string out;
  codec::JsonWriter json(out);
  json.begin_object();
  append_assertion_claims(json, identity, extra, filter);
  json.end_object();
  return out;
}

TEST(AssertionClaimsTest, NobodyHasEveryClaimAndNothingInIt) {
  EXPECT_EQ(claims_of(nullptr, {"team"}),
            R"({"sub":"","user":"","email":"","groups":[],"sid":"","name":""})");
}

TEST(AssertionClaimsTest, TheSessionsClaimsWinOverTheUsers) {
  const JoinedIdentity identity(alice());

  EXPECT_EQ(claims_of(&identity),
            R"({"sub":"alice","user":"alice","email":"user@corp.t","groups":["from-session"],)"
            R"("sid":"s1","name":"Session Name"})");
}

TEST(AssertionClaimsTest, TheDirectorysEmailHidesTheUsersEvenWhenEmpty) {
  IdentityParts parts = with_directory("[]");
  EXPECT_TRUE(claims_of(std::make_unique<JoinedIdentity>(std::move(parts)).get())
                  .contains(R"("email":"directory@corp.t")"));
  parts = with_directory("[]");
  parts.directory->email = "";
  EXPECT_TRUE(claims_of(std::make_unique<JoinedIdentity>(std::move(parts)).get())
                  .contains(R"("email":"")"));
}

TEST(AssertionClaimsTest, AServiceAccountHasNoGroupsOfASession) {
  IdentityParts parts = alice();
  parts.is_service_account = true;

  const JoinedIdentity identity(std::move(parts));

  EXPECT_TRUE(claims_of(&identity).contains(R"("groups":[])"));
}

TEST(AssertionClaimsTest, ExtraClaimsAreOneTextAndNeverReplaceOurOwn) {
  const JoinedIdentity identity(alice());

  const std::string claims = claims_of(&identity, {"team", "level", "missing", "sub", "iss"});

  EXPECT_TRUE(claims.ends_with(R"("team":"red,blue","level":"7,true"})")) << claims;
  EXPECT_FALSE(claims.contains("iss"));
}

TEST(AssertionClaimsTest, DirectoryGroupsAreIdsFollowedByNames) {
  const JoinedIdentity identity(with_directory(R"(["g1","g2","g3"])"));

  EXPECT_EQ(assertion_groups(&identity, {}),
            (std::vector<std::string>{"g1", "g2", "g3", "Admins", "Staff"}));
}

TEST(AssertionClaimsTest, AListOfTheDirectoryThatIsUnusableLeavesTheClaim) {
  const JoinedIdentity identity(with_directory(R"(["g1",2])"));

  EXPECT_EQ(assertion_groups(&identity, {}), (std::vector<std::string>{"from-session"}));
}

TEST(GroupsFilterTest, TellsOnlyTheIdsItListsAndTheirNames) {
  const JoinedIdentity identity(with_directory(R"(["g1","g2","g3"])"));
  const std::vector<std::string> ids = {"g1", "g9"};
  const GroupsFilter filter(ids);

  EXPECT_EQ(assertion_groups(&identity, filter), (std::vector<std::string>{"g1", "Admins"}));
  EXPECT_EQ(filter.removed_from(&identity), 2U);
  EXPECT_EQ(claim_header_value(&identity, "groups", filter), "g1,Admins");
}

TEST(GroupsFilterTest, GroupsThatAreAllRemovedAreNotReplacedByTheClaim) {
  const JoinedIdentity identity(with_directory(R"(["g1"])"));
  const std::vector<std::string> ids = {"other"};

  EXPECT_TRUE(assertion_groups(&identity, GroupsFilter(ids)).empty());
}

TEST(GroupsFilterTest, NeverFiltersTheClaim) {
  const JoinedIdentity identity(alice());
  const std::vector<std::string> ids = {"other"};

  EXPECT_EQ(assertion_groups(&identity, GroupsFilter(ids)),
            (std::vector<std::string>{"from-session"}));
  EXPECT_EQ(GroupsFilter(ids).removed_from(&identity), 0U);
  EXPECT_EQ(GroupsFilter(ids).removed_from(nullptr), 0U);
}

// Covers HDR-07, HDR-08.
TEST(ClaimHeaderTest, AnElementThatCouldBeTakenForTwoOrForALineIsEncoded) {
  IdentityParts parts =
      with_directory(R"(["admins,users","a\r\nX-Evil: 1","gr\u00fcn","nul\u0000","100%"])");
  parts.groups.clear();
  const JoinedIdentity identity(std::move(parts));

  EXPECT_EQ(claim_header_value(&identity, "groups", {}),
            "admins%2Cusers,a%0D%0AX-Evil: 1,gr%C3%BCn,nul%00,100%");
}

TEST(ClaimHeaderTest, AClaimThatDoesNotExistIsEmpty) {
  const JoinedIdentity identity(alice());

  EXPECT_EQ(claim_header_value(&identity, "missing", {}), "");
  EXPECT_EQ(claim_header_value(nullptr, "email", {}), "");
  EXPECT_EQ(claim_header_value(&identity, "team", {}), "red,blue");
  EXPECT_EQ(claim_header_value(&identity, "sub", {}), "alice");
}

TEST(JoinClaimTest, NumbersReadAsConsumersKnowThem) {
  for (const auto& [json, text] : {std::pair("[999999]", "999999"),
                                   std::pair("[1000000]", "1e+06"),
                                   std::pair("[1234567]", "1.234567e+06"),
                                   std::pair("[1700000000]", "1.7e+09"),
                                   std::pair("[0.0001]", "0.0001"),
                                   std::pair("[0.00001]", "1e-05"),
                                   std::pair("[3.0, -2.5]", "3,-2.5"),
                                   std::pair("[null, [1], {}, \"x\"]", "x")}) {
    const policy::ValueList values = policy::ValueList::of_node(list(json));
    EXPECT_EQ(join_claim({.name = "n", .values = values.values()}), text);
  }
}

}  // namespace
}  // namespace vallum::session
