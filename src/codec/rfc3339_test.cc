#include "codec/rfc3339.h"

#include <string_view>

#include <gtest/gtest.h>

namespace vallum::codec {
namespace {

using std::chrono::milliseconds;

TEST(Rfc3339Test, ReadsTheFormsOfTheStandard) {
  // 2026-03-02T09:30:00Z
  constexpr WallTime kTime = WallTime(std::chrono::seconds(1'772'443'800));

  EXPECT_EQ(parse_rfc3339("2026-03-02T09:30:00Z"), kTime);
  EXPECT_EQ(parse_rfc3339("2026-03-02t09:30:00z"), kTime);
  EXPECT_EQ(parse_rfc3339("2026-03-02T10:30:00+01:00"), kTime);
  EXPECT_EQ(parse_rfc3339("2026-03-01T23:15:00-10:15"), kTime);
  EXPECT_EQ(parse_rfc3339("2026-03-02T09:30:00.250Z"), kTime + milliseconds(250));
  EXPECT_EQ(parse_rfc3339("2026-03-02T09:30:00.2500000009Z"), kTime + milliseconds(250));
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2016-12-31T23:59:59Z"));
}

TEST(Rfc3339Test, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      "2026-03-02",
                                      "2026-03-02T09:30:00",
                                      "2026-03-02 09:30:00Z",
                                      "2026-03-02T09:30Z",
                                      "2026-3-02T09:30:00Z",
                                      "2026-02-30T09:30:00Z",
                                      "2026-03-02T24:00:00Z",
                                      "2026-03-02T09:60:00Z",
                                      "2026-03-02T09:30:61Z",
                                      "2026-03-02T09:30:00.Z",
                                      "2026-03-02T09:30:00+1:00",
                                      "2026-03-02T09:30:00+24:00",
                                      "2026-03-02T09:30:00+01:60",
                                      "2026-03-02T09:30:00Zx",
                                      "1500-03-02T09:30:00Z",
                                      "9999-03-02T09:30:00Z",
                                      "+026-03-02T09:30:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace vallum::codec
