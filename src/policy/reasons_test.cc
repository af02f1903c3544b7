#include "policy/reasons.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace vallum::policy {
namespace {

TEST(ReasonTest, EveryMemberHasItsOwnNameAndIsFoundByIt) {
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);

    EXPECT_EQ(find_reason(to_string(reason)), reason);
  }
  EXPECT_EQ(kReasonCount, 47U);
  EXPECT_FALSE(find_reason("user-okay"));
  EXPECT_FALSE(find_reason(""));
  EXPECT_FALSE(find_reason("zzz"));
}

TEST(ReasonTest, NamesAreThoseOfTheSpecification) {
  EXPECT_EQ(to_string(Reason::Accept), "accept");
  EXPECT_EQ(to_string(Reason::UserUnauthenticated), "user-unauthenticated");
  EXPECT_EQ(to_string(Reason::McpNotAToolCall), "mcp-not-a-tool-call");
  EXPECT_EQ(to_string(Reason::SshPublickeyUnauthorized), "ssh-publickey-unauthorized");
  EXPECT_EQ(to_string(Reason::ValidClientCertificate), "valid-client-certificate");
}

TEST(ReasonSetTest, WalksInTheOrderOfNamesWhateverTheOrderOfInsertion) {
  ReasonSet set{Reason::UserUnauthorized, Reason::Accept, Reason::UserUnauthenticated};
  set.insert(Reason::Accept);

  std::vector<std::string> names;
  for (const Reason reason : set) {
    names.emplace_back(to_string(reason));
  }

  EXPECT_EQ(names,
            (std::vector<std::string>{"accept", "user-unauthenticated", "user-unauthorized"}));
  EXPECT_EQ(set.size(), 3U);
}

TEST(ReasonSetTest, UnionAndIntersectionAreThoseOfSets) {
  const ReasonSet a{Reason::Accept, Reason::Reject};
  const ReasonSet b{Reason::Reject, Reason::UserOk};

  EXPECT_EQ(a | b, (ReasonSet{Reason::Accept, Reason::Reject, Reason::UserOk}));
  EXPECT_TRUE(a.intersects(b));
  EXPECT_FALSE(a.intersects({Reason::UserOk}));
  EXPECT_TRUE(ReasonSet().empty());
  EXPECT_EQ(ReasonSet().begin(), ReasonSet().end());
}

}  // namespace
}  // namespace vallum::policy
