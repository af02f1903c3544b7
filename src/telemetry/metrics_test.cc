#include "telemetry/metrics.h"

#include <string>

#include <gtest/gtest.h>

namespace vallum::telemetry {
namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(MetricRegistryTest, ACounterIsTheSumOverAllThreads) {
  MetricRegistry registry(3);
  const Counter denied = registry.counter({"denied_total", "Requests denied."});

  registry.shard(0).add(denied);
  registry.shard(2).add(denied, 4);

  const std::string text = registry.expose();
  EXPECT_TRUE(has_line(text, "denied_total 5")) << text;
  EXPECT_TRUE(has_line(text, "# TYPE denied_total counter")) << text;
}

TEST(MetricRegistryTest, AGaugeMayFallOnAnotherThreadThanItRose) {
  MetricRegistry registry(2);
  const Gauge open = registry.gauge({"open", "Open connections."});

  registry.shard(0).add(open, 1);
  registry.shard(0).add(open, 1);
  registry.shard(1).add(open, -3);

  EXPECT_TRUE(has_line(registry.expose(), "open -1"));
}

TEST(MetricRegistryTest, TheSameNameAndLabelsAreTheSameMetric) {
  MetricRegistry registry(1);
  const MetricLabel a[] = {{"class", "2"}};
  const MetricLabel b[] = {{"class", "5"}};

  registry.shard(0).add(registry.counter({"rq", "Requests."}, a));
  registry.shard(0).add(registry.counter({"rq", "Requests."}, a));
  registry.shard(0).add(registry.counter({"rq", "Requests."}, b));

  const std::string text = registry.expose();
  EXPECT_TRUE(has_line(text, "rq{class=\"2\"} 2")) << text;
  EXPECT_TRUE(has_line(text, "rq{class=\"5\"} 1")) << text;
}

TEST(MetricRegistryTest, AHistogramPutsABoundInItsOwnBucket) {
  MetricRegistry registry(2);
  const Histogram time = registry.histogram({"time", "Duration."}, latency_shape());

  registry.shard(0).observe(time, 1'000);
  registry.shard(1).observe(time, 1'001);
  registry.shard(1).observe(time, 400'000'000);

  const std::string text = registry.expose();
  EXPECT_TRUE(has_line(text, "time_count 3")) << text;
  EXPECT_TRUE(has_line(text, "time_bucket{le=\"0.5\"} 0")) << text;
  EXPECT_TRUE(has_line(text, "time_bucket{le=\"1\"} 1")) << text;
  EXPECT_TRUE(has_line(text, "time_bucket{le=\"2\"} 2")) << text;
  EXPECT_TRUE(has_line(text, "time_bucket{le=\"300000\"} 2")) << text;
  EXPECT_TRUE(has_line(text, "time_bucket{le=\"+Inf\"} 3")) << text;
}

TEST(MetricRegistryTest, AMeasuredGaugeIsAskedAtEachExposition) {
  MetricRegistry registry(1);
  double value = 1.5;
  registry.measured({"level", "A level."}, {}, [&value] { return value; });

  EXPECT_TRUE(has_line(registry.expose(), "level 1.5"));
  value = 2;
  EXPECT_TRUE(has_line(registry.expose(), "level 2"));
}

TEST(MetricRegistryTest, MetricsPastTheLimitAreCountedAndHarmless) {
  MetricRegistry registry(1);
  const Counter first = registry.counter({"first", "First."});
  Histogram last;
  for (int i = 0; i < 60'000; ++i) {
    const std::string name = std::to_string(i);
    const MetricLabel labels[] = {{"i", name}};
    last = registry.histogram({"h", "Many."}, latency_shape(), labels);
  }

  registry.shard(0).observe(last, 7);
  registry.shard(0).add(first);

  const std::string text = registry.expose();
  EXPECT_TRUE(has_line(text, "first 1"));
  EXPECT_FALSE(has_line(text, "vallum_metrics_refused 0"));
  EXPECT_EQ(text.find("h_count{i=\"59999\"}"), std::string::npos);
}

TEST(MetricRegistryTest, LabelsAreEscaped) {
  MetricRegistry registry(1);
  const MetricLabel labels[] = {{"route", "a\"b\\c\nd"}};

  registry.counter({"rq", "Requests."}, labels);

  EXPECT_TRUE(has_line(registry.expose(), R"(rq{route="a\"b\\c\nd"} 0)")) << registry.expose();
}

}  // namespace
}  // namespace vallum::telemetry
