#include "policy/schedule.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "policy/compiler.h"

namespace vallum::policy {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Parsed parse(std::string_view yaml) {
  return parse_policy_text(yaml, TextFormat::Yaml, Keywords::Exact);
}

// "LINE:COLUMN text" of each problem; each is an unknown-criterion.
std::vector<std::string> faults(std::string_view criterion) {
  const auto compiled = compile(parse("allow:\n  or:\n  - " + std::string(criterion)), {});
  std::vector<std::string> lines;
  if (!compiled) {
    for (const Problem& problem : compiled.error()) {
      EXPECT_EQ(problem.code, ProblemCode::UnknownCriterion);
      lines.push_back(std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column) +
                      " " + problem.text);
    }
  }
  return lines;
}

// What one criterion answers at an instant: "ok" or the reason it does not hold.
std::string answer(std::string_view criterion, std::string_view instant) {
  const auto compiled = compile(parse("allow: {or: [{" + std::string(criterion) + "}]}"), {});
  EXPECT_TRUE(compiled.has_value()) << (compiled ? "" : compiled.error()[0].text);
  if (!compiled) {
    return "";
  }
  Facts facts;
  facts.now = parse_date(instant);
  const Decision decision = decide(compiled->program, facts);
  EXPECT_EQ(decision.allow.reasons.size(), 1U);
  const std::string reason(to_string(*decision.allow.reasons.begin()));
  EXPECT_EQ(decision.allow.value, reason.ends_with("-ok"));
  return decision.allow.value ? "ok" : reason;
}

TEST(DateTest, ReadsTheFormsOfIso8601) {
  const auto noon = parse_date("2026-03-02T12:00:00Z");
  ASSERT_TRUE(noon);
  EXPECT_EQ(unix_seconds(*noon), 1'772'452'800);
  for (const std::string_view same : {"2026-03-02T12:00",
                                      "2026-03-02 12:00:00",
                                      "2026-03-02t12:00:00z",
                                      "2026-03-02T12:00:00.000Z",
                                      "2026-03-02T13:30:00+01:30",
                                      "2026-03-02T07:00:00-05",
                                      "2026-03-02T07:00:00-0500"}) {
    EXPECT_EQ(parse_date(same), noon) << same;
  }
  EXPECT_EQ(parse_date("2026-03-02"), *noon - hours(12));
  EXPECT_EQ(parse_date("2026-03-02T12:00:00.123456789123Z"), *noon + Duration(123'456'789));
  EXPECT_TRUE(parse_date("2028-02-29"));
}

TEST(DateTest, RefusesWhatIsNoDate) {
  for (const std::string_view text : {"",
                                      "2026",
                                      "2026-3-2",
                                      "2026-02-29",
                                      "2026-13-01",
                                      "2026-04-31",
                                      "2026-03-02T",
                                      "2026-03-02T9:00",
                                      "2026-03-02T24:00",
                                      "2026-03-02T09:60",
                                      "1677-01-01",
                                      "2262-01-01",
                                      "02-03-2026",
                                      "2026-03-02T09:00:60",
                                      "2026-03-02T09:00.5",
                                      "20260302",
                                      "2026-03-02T09",
                                      "2026-03-02 Z",
                                      "2026-03-02T09:00+1",
                                      "2026-03-02T09:00+01:",
                                      "2026/03/02",
                                      "x2026-03-02",
                                      "2026-03-02x",
                                      "2026-03-02T09:00Zx",
                                      "2026-03-02T09:00:00."}) {
    EXPECT_FALSE(parse_date(text)) << text;
  }
}

TEST(DateTest, HoldsStrictlyBetweenItsEnds) {
  const std::string_view both = "date: {after: 2026-03-02T09:00:00Z, before: '2026-03-03'}";
  EXPECT_EQ(answer(both, "2026-03-02T09:00:00Z"), "date-unauthorized");
  EXPECT_EQ(answer(both, "2026-03-02T09:00:00.000000001Z"), "ok");
  EXPECT_EQ(answer(both, "2026-03-02T23:59:59Z"), "ok");
  EXPECT_EQ(answer(both, "2026-03-03T00:00:00Z"), "date-unauthorized");
  EXPECT_EQ(answer("date: {after: 2026-03-02}", "2200-01-01"), "ok");
  EXPECT_EQ(answer("date: {before: 2026-03-02}", "1970-01-01"), "ok");
}

TEST(DateTest, FaultsNameTheirPlaceAndTheCure) {
  EXPECT_EQ(faults("date: {after: tomorrow}"),
            std::vector<std::string>{
                "3:19 'tomorrow' is not a date: write 2026-03-02 or 2026-03-02T09:30:00+01:00"});
  EXPECT_EQ(
      faults("date: {since: 2026-03-02}"),
      std::vector<std::string>{"3:12 'since' is not a field of date: write one of after, before"});
  EXPECT_EQ(
      faults("date: {after: 2026}"),
      std::vector<std::string>{"3:19 'after' needs a string, not a number: put it in quotes"});
  EXPECT_EQ(faults("date: {}"), std::vector<std::string>{"3:11 date needs after, before or both"});
  EXPECT_EQ(faults("date: [1]"),
            std::vector<std::string>{
                "3:11 date needs a mapping, as in {after: '2026-03-02T09:00:00Z'}, not a list"});
}

TEST(DayOfWeekTest, ReadsListsRangesAndBothLengthsOfNames) {
  EXPECT_EQ(parse_days("*"), DaySet(0x7f));
  EXPECT_EQ(parse_days("sun"), DaySet(0x01));
  EXPECT_EQ(parse_days("Monday, WED"), DaySet(0x0a));
  EXPECT_EQ(parse_days("tue-fri"), DaySet(0x3c));
  EXPECT_EQ(parse_days("sat - mon"), DaySet(0x43));
  EXPECT_EQ(parse_days("fri-fri"), DaySet(0x20));
  EXPECT_EQ(parse_days("mon-tue,sat"), DaySet(0x46));
  for (const std::string_view text :
       {"", ",", "mon,", "mo", "mond", "mon-", "-mon", "mon-tue-wed", "weekday", "1", "mon;tue"}) {
    EXPECT_FALSE(parse_days(text)) << text;
  }
}

TEST(DayOfWeekTest, TheDayIsThatOfUtc) {
  // A Monday.
  EXPECT_EQ(answer("day_of_week: mon-fri", "2026-03-02T00:00:00Z"), "ok");
  EXPECT_EQ(answer("day_of_week: mon-fri", "2026-03-01T23:59:59Z"), "day-of-week-unauthorized");
  EXPECT_EQ(answer("day_of_week: {is: 'sunday,saturday'}", "2026-03-01T23:59:59Z"), "ok");
  EXPECT_EQ(answer("day_of_week: '*'", "1969-12-31"), "ok");
  EXPECT_EQ(answer("day_of_week: wed", "1969-12-31"), "ok");
}

TEST(DayOfWeekTest, FaultsNameTheirPlaceAndTheCure) {
  EXPECT_EQ(faults("day_of_week: moonday"),
            std::vector<std::string>{"3:18 'moonday' names no days of the week: write 'mon,wed', "
                                     "'tue-fri' or '*'"});
  EXPECT_EQ(faults("day_of_week: {}"),
            std::vector<std::string>{
                "3:18 nothing names no days of the week: write 'mon,wed', 'tue-fri' or '*'"});
  EXPECT_EQ(
      faults("day_of_week: {in: mon}"),
      std::vector<std::string>{"3:19 'in' is not a field of day_of_week: did you mean 'is'?"});
  EXPECT_EQ(faults("day_of_week: [mon]"),
            std::vector<std::string>{
                "3:18 day_of_week needs a mapping, as in {is: mon-fri}, not a list"});
}

TEST(TimeOfDayTest, ReadsTheFormsOfTheSpecification) {
  EXPECT_EQ(parse_time_of_day("3:04 PM"), hours(15) + minutes(4));
  EXPECT_EQ(parse_time_of_day("3:04PM"), hours(15) + minutes(4));
  EXPECT_EQ(parse_time_of_day("3 PM"), hours(15));
  EXPECT_EQ(parse_time_of_day("3pm"), hours(15));
  EXPECT_EQ(parse_time_of_day("12AM"), hours(0));
  EXPECT_EQ(parse_time_of_day("12:30 PM"), hours(12) + minutes(30));
  EXPECT_EQ(parse_time_of_day("15:04"), hours(15) + minutes(4));
  EXPECT_EQ(parse_time_of_day("9:04"), hours(9) + minutes(4));
  EXPECT_EQ(parse_time_of_day("15:04:05"), hours(15) + minutes(4) + seconds(5));
  EXPECT_EQ(parse_time_of_day("15:04:05.999999999"),
            hours(15) + minutes(4) + seconds(5) + Duration(999'999'999));
  EXPECT_EQ(parse_time_of_day("2:20:00 PM"), hours(14) + minutes(20));
  for (const std::string_view text : {"",
                                      "3",
                                      "25:00",
                                      "24:00",
                                      "13 PM",
                                      "0 PM",
                                      "3:4",
                                      "3:60",
                                      "3:04:61",
                                      "3:04:05.",
                                      "noon",
                                      "3 XM",
                                      "3:04 PM x",
                                      "-1:00"}) {
    EXPECT_FALSE(parse_time_of_day(text)) << text;
  }
}

TEST(TimeOfDayTest, HoldsByTheClocksOfTheZone) {
  const std::string_view office =
      "time_of_day: {timezone: Europe/Berlin, after: '9:00', before: 5 PM}";
  EXPECT_EQ(answer(office, "2026-01-15T08:30:00Z"), "ok");
  EXPECT_EQ(answer(office, "2026-01-15T07:30:00Z"), "time-of-day-unauthorized");
  // In summer the same hour of UTC is inside.
  EXPECT_EQ(answer(office, "2026-07-15T07:30:00Z"), "ok");
  EXPECT_EQ(answer(office, "2026-07-15T15:00:00Z"), "time-of-day-unauthorized");
  EXPECT_EQ(answer(office, "2026-07-15T07:00:00Z"), "time-of-day-unauthorized");
  EXPECT_EQ(answer("time_of_day: {timezone: UTC, after: '9:00'}", "2026-01-01T23:59:59Z"), "ok");
  EXPECT_EQ(answer("time_of_day: {timezone: UTC, before: '9:00'}", "2026-01-01T00:00:00Z"), "ok");
}

TEST(TimeOfDayTest, AWindowMayGoOverMidnight) {
  const std::string_view night = "time_of_day: {timezone: UTC, after: '22:00', before: '6:00'}";
  EXPECT_EQ(answer(night, "2026-01-15T22:00:01Z"), "ok");
  EXPECT_EQ(answer(night, "2026-01-15T00:00:00Z"), "ok");
  EXPECT_EQ(answer(night, "2026-01-15T05:59:59Z"), "ok");
  EXPECT_EQ(answer(night, "2026-01-15T06:00:00Z"), "time-of-day-unauthorized");
  EXPECT_EQ(answer(night, "2026-01-15T22:00:00Z"), "time-of-day-unauthorized");
}

TEST(TimeOfDayTest, FaultsNameTheirPlaceAndTheCure) {
  EXPECT_EQ(faults("time_of_day: {timezone: Mars/Base, after: '9:00'}"),
            std::vector<std::string>{
                "3:29 'Mars/Base' is not a time zone of this system: write a name of "
                "the IANA database, such as Europe/Berlin, and have the package "
                "tzdata installed"});
  EXPECT_EQ(faults("time_of_day: {after: '9:00'}"),
            std::vector<std::string>{"3:18 time_of_day needs a timezone, such as Europe/Berlin"});
  EXPECT_EQ(faults("time_of_day: {timezone: UTC}"),
            std::vector<std::string>{"3:18 time_of_day needs after, before or both"});
  EXPECT_EQ(faults("time_of_day: {timezone: UTC, after: '9:00', before: 9:00 AM}"),
            std::vector<std::string>{
                "3:18 after and before are the same time: nothing lies between them"});
  EXPECT_EQ(faults("time_of_day: {timezone: UTC, after: late}"),
            std::vector<std::string>{
                "3:41 'late' is not a time of day: write 15:04, 15:04:05 or 3:04 PM"});
  EXPECT_EQ(faults("time_of_day: 9:00").size(), 1U);
}

TEST(ScheduleTest, WithoutAnInstantNothingAboutTimeHolds) {
  EXPECT_EQ(answer("date: {after: 2026-03-02}", ""), "date-unauthorized");
  EXPECT_EQ(answer("day_of_week: '*'", ""), "day-of-week-unauthorized");
  EXPECT_EQ(answer("time_of_day: {timezone: UTC, before: '23:00'}", ""),
            "time-of-day-unauthorized");
}

TEST(PomeriumRoutesTest, IsFalseOnEveryRoute) {
  EXPECT_EQ(answer("pomerium_routes: true", ""), "non-pomerium-route");
  EXPECT_EQ(faults("pomerium_routes: x"),
            std::vector<std::string>{
                "3:22 pomerium_routes is not compared with anything: write pomerium_routes: true"});
}

}  // namespace
}  // namespace vallum::policy
