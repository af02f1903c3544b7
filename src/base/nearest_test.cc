#include "base/nearest.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace vallum {
namespace {

constexpr std::array<std::string_view, 5> kNames{"email", "domain", "groups", "http_path", "user"};

TEST(NearestNameTest, FindsWhatASlipMeant) {
  EXPECT_EQ(nearest_name("emial", kNames), "email");
  EXPECT_EQ(nearest_name("Email", kNames), "email");
  EXPECT_EQ(nearest_name("emails", kNames), "email");
  EXPECT_EQ(nearest_name("group", kNames), "groups");
  EXPECT_EQ(nearest_name("httppath", kNames), "http_path");
}

TEST(NearestNameTest, GuessesNothingWhenNothingIsNear) {
  EXPECT_EQ(nearest_name("", kNames), std::nullopt);
  EXPECT_EQ(nearest_name("x", kNames), std::nullopt);
  EXPECT_EQ(nearest_name("certificate", kNames), std::nullopt);
  EXPECT_EQ(nearest_name(std::string(100'000, 'e'), kNames), std::nullopt);
  EXPECT_EQ(nearest_name("email", {}), std::nullopt);
}

}  // namespace
}  // namespace vallum
