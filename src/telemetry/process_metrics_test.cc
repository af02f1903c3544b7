#include "telemetry/process_metrics.h"

#include <charconv>
#include <string>

#include <gtest/gtest.h>

namespace vallum::telemetry {
namespace {

// The value behind a sample's name and labels; -1 when it is not shown.
double value_of(const std::string& text, const std::string& sample) {
  const std::size_t at = ("\n" + text).find("\n" + sample + " ");
  if (at == std::string::npos) {
    return -1;
  }
  double value = -1;
  std::from_chars(text.data() + at + sample.size() + 1, text.data() + text.size(), value);
  return value;
}

TEST(ProcessMetricsTest, FiguresOfThisProcessAreShown) {
  MetricRegistry registry(1);
  register_process_metrics(registry,
                           {.version = "1.2.3", .revision = "abc", .host = "h"},
                           from_unix_seconds(1767225600));

  const std::string text = registry.expose();

  EXPECT_EQ(
      value_of(
          text,
          R"(pomerium_build_info{service="pomerium",version="1.2.3",revision="abc",host="h"})"),
      1);
  EXPECT_GT(value_of(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_GE(value_of(text, "process_virtual_memory_bytes"),
            value_of(text, "process_resident_memory_bytes"));
  EXPECT_GE(value_of(text, "process_open_fds"), 3);
  EXPECT_GT(value_of(text, "process_max_fds"), value_of(text, "process_open_fds"));
  EXPECT_EQ(value_of(text, "process_start_time_seconds"), 1767225600);
}

TEST(ConfigMetricsTest, AFailedReloadKeepsTheTimeOfTheLastGoodOne) {
  MetricRegistry registry(1);
  ConfigMetrics metrics(registry, 0);
  metrics.loaded(from_unix_seconds(1767225600), 7);
  metrics.failed();

  const std::string text = registry.expose();

  EXPECT_EQ(value_of(text, R"(pomerium_config_last_reload_success{service="pomerium"})"), 0);
  EXPECT_EQ(value_of(text, R"(pomerium_config_last_reload_success_timestamp{service="pomerium"})"),
            1767225600);
  EXPECT_EQ(value_of(text, R"(pomerium_policy_count_total{service="pomerium"})"), 7);
}

}  // namespace
}  // namespace vallum::telemetry
