#include "telemetry/log.h"

#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/captured_lines.h"
#include "support/virtual_clock.h"
#include "telemetry/timestamp.h"

namespace vallum::telemetry {
namespace {

using testing::CapturedLines;
using testing::VirtualClock;

TEST(TimestampTest, IsRfc3339InUtcWithMilliseconds) {
  TimestampWriter timestamp;

  EXPECT_EQ(timestamp.format(from_unix_seconds(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(timestamp.format(from_unix_seconds(1709164799) + std::chrono::milliseconds(7)),
            "2024-02-28T23:59:59.007Z");
  EXPECT_EQ(timestamp.format(from_unix_seconds(1709164800)), "2024-02-29T00:00:00.000Z");
  EXPECT_EQ(timestamp.format(from_unix_seconds(-1)), "1969-12-31T23:59:59.000Z");
}

TEST(TimestampTest, KeepsItsFormForTimesOutsideTheCalendar) {
  TimestampWriter timestamp;

  EXPECT_EQ(timestamp.format(WallTime::max()).size(), 24U);
  EXPECT_EQ(timestamp.format(WallTime::min()).size(), 24U);
}

TEST(LogLevelTest, KnowsTheNamesOfTheOptionInLowerCaseOnly) {
  EXPECT_EQ(parse_log_level(""), LogLevel::Info);
  EXPECT_EQ(parse_log_level("warning"), LogLevel::Warn);
  EXPECT_EQ(parse_log_level("panic"), LogLevel::Fatal);
  EXPECT_EQ(parse_log_level("none"), LogLevel::Off);
  for (const char* bad : {"INFO", "Info", " info", "verbose"}) {
    EXPECT_FALSE(parse_log_level(bad).has_value()) << bad;
  }
}

class LogTest : public ::testing::Test {
 protected:
  CapturedLines lines_;
  VirtualClock clock_;
  LogFilter filter_{LogLevel::Info};
  Log log_{lines_, clock_, filter_, "proxy"};
};

TEST_F(LogTest, WritesOneJsonLinePerMessage) {
  log_.warn("certificate expires",
            {{"file", "a.pem"}, {"days", -3}, {"bytes", 18446744073709551615U}, {"ok", false}});

  EXPECT_EQ(lines_.text(),
            "{\"level\":\"warn\",\"time\":\"2026-01-01T00:00:00.000Z\",\"service\":\"proxy\","
            "\"message\":\"certificate expires\",\"file\":\"a.pem\",\"days\":-3,"
            "\"bytes\":18446744073709551615,\"ok\":false}\n");
}

TEST_F(LogTest, AMessageCannotForgeASecondLine) {
  log_.info("peer said", {{"text", "\n{\"level\":\"error\"}"}});

  EXPECT_EQ(lines_.lines().size(), 1U);
  EXPECT_NE(lines_.text().find(R"(\n{\"level\")"), std::string::npos);
}

TEST_F(LogTest, AReloadedLevelCountsFromTheNextMessage) {
  log_.debug("hidden");
  filter_.set_level(LogLevel::Debug);
  log_.debug("shown");
  filter_.set_level(LogLevel::Off);
  log_.error("hidden");

  ASSERT_EQ(lines_.lines().size(), 1U);
  EXPECT_NE(lines_.text().find("shown"), std::string::npos);
}

TEST(FileLineSinkTest, WritesTheWholeLineToItsDescriptor) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  FileLineSink sink(ends[1]);

  sink.write_line("one\n");
  sink.write_line("two\n");

  char buffer[16];
  EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(::read(ends[0], buffer, sizeof buffer))),
            "one\ntwo\n");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(FileLineSinkTest, AClosedDescriptorLosesTheLineAndNothingElse) {
  FileLineSink sink(-1);

  sink.write_line("lost\n");
}

}  // namespace
}  // namespace vallum::telemetry
