#include "route/path_index.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "support/seeded_entropy.h"

namespace vallum::route {
namespace {

TEST(PathIndexTest, FindsNothingWhenEmpty) {
  PathIndex index;
  index.finish();

  EXPECT_EQ(index.find("/"), kNoRoute);
}

TEST(PathIndexTest, ComparesPrefixesAsTextAndPathsWhole) {
  PathIndex index;
  index.add_prefix("/foo", 1);
  index.add_path("/bar", 2);
  index.finish();

  EXPECT_EQ(index.find("/foo"), 1U);
  EXPECT_EQ(index.find("/foobar"), 1U);
  EXPECT_EQ(index.find("/fo"), kNoRoute);
  EXPECT_EQ(index.find("/Foo"), kNoRoute);
  EXPECT_EQ(index.find("/bar"), 2U);
  EXPECT_EQ(index.find("/bar/"), kNoRoute);
  EXPECT_EQ(index.find("/barx"), kNoRoute);
}

TEST(PathIndexTest, PrefersFileOrderToLength) {
  PathIndex index;
  index.add_prefix("/a", 1);
  index.add_prefix("/a/secret", 2);
  index.add_path("/a/secret", 3);
  index.add_prefix("", 4);
  index.add_prefix("/a", 5);
  index.finish();

  EXPECT_EQ(index.find("/a/secret"), 1U);
  EXPECT_EQ(index.find("/b"), 4U);
}

// The index must agree with trying each route in turn, whatever the routes.
TEST(PathIndexTest, AgreesWithTryingEachRouteInTurn) {
  testing::SeededEntropy entropy(7);
  const auto random_path = [&entropy](std::size_t bytes_max) {
    std::string path = "/";
    for (std::uint64_t left = entropy.next_u64() % bytes_max; left > 0; --left) {
      path.push_back("ab/"[entropy.next_u64() % 3]);
    }
    return path;
  };
  for (int round = 0; round < 200; ++round) {
    struct Rule {
      std::string text;
      bool is_path = false;
    };
    std::vector<Rule> rules;
    PathIndex index;
    for (std::uint64_t count = entropy.next_u64() % 40; rules.size() < count;) {
      rules.push_back({.text = random_path(7), .is_path = entropy.next_u64() % 4 == 0});
      const auto at = static_cast<RouteIndex>(rules.size() - 1);
      rules.back().is_path ? index.add_path(rules.back().text, at)
                           : index.add_prefix(rules.back().text, at);
    }
    index.finish();

    for (int i = 0; i < 50; ++i) {
      const std::string path = random_path(10);
      RouteIndex expected = kNoRoute;
      for (RouteIndex at = 0; at < rules.size() && expected == kNoRoute; ++at) {
        const bool matches =
            rules[at].is_path ? path == rules[at].text : path.starts_with(rules[at].text);
        expected = matches ? at : kNoRoute;
      }
      ASSERT_EQ(index.find(path), expected) << path;
    }
  }
}

}  // namespace
}  // namespace vallum::route
