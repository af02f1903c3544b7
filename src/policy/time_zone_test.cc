#include "policy/time_zone.h"

#include <gtest/gtest.h>

#include "policy/schedule.h"

namespace vallum::policy {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// What clocks in a zone show at an instant in UTC.
Duration shown(std::string_view zone, std::string_view instant) {
  const auto found = TimeZone::find(zone);
  const auto at = parse_date(instant);
  EXPECT_TRUE(found && at) << zone << " " << instant;
  return found && at ? found->time_of_day(*at) : Duration(-1);
}

TEST(TimeZoneTest, SummerTimeBeginsAndEndsWhenItDoesThere) {
  EXPECT_EQ(shown("Europe/Berlin", "2026-03-29T00:59:59Z"), hours(2) - std::chrono::seconds(1));
  EXPECT_EQ(shown("Europe/Berlin", "2026-03-29T01:00:00Z"), hours(3));
  EXPECT_EQ(shown("Europe/Berlin", "2026-10-25T00:59:59Z"), hours(3) - std::chrono::seconds(1));
  EXPECT_EQ(shown("Europe/Berlin", "2026-10-25T01:00:00Z"), hours(2));
  EXPECT_EQ(shown("America/New_York", "2026-03-08T06:59:00Z"), hours(1) + minutes(59));
  EXPECT_EQ(shown("America/New_York", "2026-03-08T07:00:00Z"), hours(3));
}

TEST(TimeZoneTest, ZonesOnTheOtherDayAndWithPartsOfHoursAreRight) {
  EXPECT_EQ(shown("UTC", "2026-06-01T23:59:59.999999999Z"), kDayLength - Duration(1));
  EXPECT_EQ(shown("Pacific/Kiritimati", "2026-06-01T23:00:00Z"), hours(13));
  EXPECT_EQ(shown("Pacific/Pago_Pago", "2026-06-01T05:00:00Z"), hours(18));
  EXPECT_EQ(shown("Asia/Kathmandu", "2026-06-01T00:00:00Z"), hours(5) + minutes(45));
  EXPECT_EQ(shown("Australia/Lord_Howe", "2026-06-01T00:00:00Z"), hours(10) + minutes(30));
  EXPECT_EQ(shown("Australia/Lord_Howe", "2026-12-01T00:00:00Z"), hours(11));
}

TEST(TimeZoneTest, RulesGoOnInTheFarFutureAndBeforeTheEpoch) {
  EXPECT_EQ(shown("Europe/Berlin", "2200-07-01T10:00:00Z"), hours(12));
  EXPECT_EQ(shown("UTC", "1969-12-31T23:00:00.25Z"), hours(23) + std::chrono::milliseconds(250));
  const auto utc = TimeZone::find("UTC");
  ASSERT_TRUE(utc);
  EXPECT_LT(utc->time_of_day(WallTime::max()), kDayLength);
  EXPECT_GE(utc->time_of_day(WallTime::min()), Duration::zero());
}

TEST(TimeZoneTest, OnlyNamesOfTheDatabaseAreFound) {
  for (const std::string_view name : {"",
                                      "Europe/Atlantis",
                                      "europe/berlin",
                                      "localtime",
                                      "/etc/localtime",
                                      "../../../etc/localtime",
                                      "Europe/../Europe/Berlin",
                                      "Fixed/UTC+01:00:00",
                                      "file:Europe/Berlin",
                                      "Europe/Berlin\n",
                                      "+01:00"}) {
    EXPECT_FALSE(TimeZone::find(name)) << name;
  }
}

}  // namespace
}  // namespace vallum::policy
