#include "telemetry/metrics.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "base/check.h"

namespace vallum::telemetry {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// What found no room shares these cells, which are never shown.
constexpr std::uint32_t kRefusedCell = 0;
constexpr std::uint32_t kRefusedCells = 64;

constexpr std::array<std::uint64_t, 20> kLatencyBounds = {
    500,       1'000,     2'000,      5'000,      10'000,     25'000,     50'000,
    75'000,    100'000,   250'000,    500'000,    750'000,    1'000'000,  2'500'000,
    5'000'000, 7'500'000, 10'000'000, 30'000'000, 60'000'000, 300'000'000};
constexpr HistogramShape kLatency = {kLatencyBounds, 0.001};

Labels owned(MetricLabels labels) {
  Labels result;
  for (const MetricLabel& label : labels) {
    result.push_back({std::string(label.name), std::string(label.value)});
  }
  return result;
}

std::string key_of(MetricLabels labels) {
  std::string key;
  for (const MetricLabel& label : labels) {
    key.append(label.name).push_back('\0');
    key.append(label.value).push_back('\0');
  }
  return key;
}

struct Sample {
  Labels labels;
  std::uint32_t cell = 0;
  UniqueFunction<double()> measure;  // instead of a cell
};

struct Family {
  std::string name;
  std::string help;
  MetricType type = MetricType::Untyped;
  const HistogramShape* shape = nullptr;
  std::vector<Sample> samples;
  std::unordered_map<std::string, std::uint32_t> cell_of;
};

}  // namespace

const HistogramShape& latency_shape() {
  return kLatency;
}

MetricShard::MetricShard() {
  blocks_[0] = std::make_unique<Block>();
}

void MetricShard::observe(Histogram histogram, std::uint64_t value) {
  if (histogram.shape == nullptr) {
    return;
  }
  const auto bounds = histogram.shape->bounds;
  const auto bucket = std::ranges::lower_bound(bounds, value) - bounds.begin();
  raise(histogram.cell, value);
  raise(histogram.cell + 1 + static_cast<std::uint32_t>(bucket), 1);
}

struct MetricRegistry::Native {
  Family& family(Name name, MetricType type);
  std::uint32_t ensure_cells(Family& family, MetricLabels labels, std::uint32_t count);
  std::uint32_t take_cells(std::uint32_t count);
  std::uint64_t sum(std::uint32_t cell) const;
  ClientMetric read(const Family& family, Sample& sample) const;
  ClientMetric::Histogram read_histogram(const Family& family, std::uint32_t cell) const;

  std::vector<std::unique_ptr<MetricShard>>& shards;
  std::vector<std::unique_ptr<Family>> families;
  std::uint32_t cells_used = kRefusedCells;
  std::uint64_t refused = 0;
};

Family& MetricRegistry::Native::family(Name name, MetricType type) {
  for (const auto& family : families) {
    if (family->name == name.name) {
      CHECK(family->type == type);
      return *family;
    }
  }
  auto family = std::make_unique<Family>();
  family->name = name.name;
  family->help = name.help;
  family->type = type;
  families.push_back(std::move(family));
  return *families.back();
}

std::uint32_t MetricRegistry::Native::ensure_cells(Family& family,
                                                   MetricLabels labels,
                                                   std::uint32_t count) {
  std::string key = key_of(labels);
  if (const auto found = family.cell_of.find(key); found != family.cell_of.end()) {
    return found->second;
  }
  const std::uint32_t cell = take_cells(count);
  if (cell == kRefusedCell) {
    ++refused;
    return cell;
  }
  family.cell_of.emplace(std::move(key), cell);
  family.samples.push_back({.labels = owned(labels), .cell = cell, .measure = {}});
  return cell;
}

std::uint32_t MetricRegistry::Native::take_cells(std::uint32_t count) {
  constexpr auto kBlock = static_cast<std::uint32_t>(MetricShard::kBlockCells);
  const std::uint32_t last = (cells_used + count - 1) / kBlock;
  if (last >= MetricShard::kBlocksMax) {
    return kRefusedCell;
  }
  for (const auto& shard : shards) {
    if (shard->blocks_[last] == nullptr) {
      shard->blocks_[last] = std::make_unique<MetricShard::Block>();
    }
  }
  return std::exchange(cells_used, cells_used + count);
}

std::uint64_t MetricRegistry::Native::sum(std::uint32_t cell) const {
  std::uint64_t total = 0;
  for (const auto& shard : shards) {
    total += shard->read(cell);
  }
  return total;
}

ClientMetric::Histogram MetricRegistry::Native::read_histogram(const Family& family,
                                                               std::uint32_t cell) const {
  ClientMetric::Histogram result;
  result.sample_sum = static_cast<double>(sum(cell)) * family.shape->scale;
  for (const std::uint64_t bound : family.shape->bounds) {
    result.sample_count += sum(++cell);
    result.bucket.push_back({.cumulative_count = result.sample_count,
                             .upper_bound = static_cast<double>(bound) * family.shape->scale});
  }
  result.sample_count += sum(++cell);
  return result;
}

ClientMetric MetricRegistry::Native::read(const Family& family, Sample& sample) const {
  ClientMetric result;
  result.label = sample.labels;
  switch (family.type) {
    case MetricType::Counter:
      result.counter.value = static_cast<double>(sum(sample.cell));
      break;
    case MetricType::Gauge:
      result.gauge.value = sample.measure
                               ? sample.measure()
                               : static_cast<double>(static_cast<std::int64_t>(sum(sample.cell)));
      break;
    case MetricType::Histogram:
      result.histogram = read_histogram(family, sample.cell);
      break;
    case MetricType::Summary:
    case MetricType::Untyped:
      break;
  }
  return result;
}

MetricRegistry::MetricRegistry(std::size_t shards) {
  for (std::size_t i = 0; i < shards; ++i) {
    shards_.push_back(std::make_unique<MetricShard>());
  }
  native_ = std::make_unique<Native>(Native{.shards = shards_, .families = {}});
  measured({"vallum_metrics_refused", "Metrics that found no room and are not shown."}, {}, [this] {
    return static_cast<double>(native_->refused);
  });
}

MetricRegistry::~MetricRegistry() = default;

Counter MetricRegistry::counter(Name name, MetricLabels labels) {
  return {.cell = native_->ensure_cells(native_->family(name, MetricType::Counter), labels, 1)};
}

Gauge MetricRegistry::gauge(Name name, MetricLabels labels) {
  return {.cell = native_->ensure_cells(native_->family(name, MetricType::Gauge), labels, 1)};
}

Histogram MetricRegistry::histogram(Name name, const HistogramShape& shape, MetricLabels labels) {
  const auto cells = static_cast<std::uint32_t>(shape.bounds.size() + 2);
  CHECK(cells <= kRefusedCells);
  Family& family = native_->family(name, MetricType::Histogram);
  CHECK(family.shape == nullptr || family.shape == &shape);
  family.shape = &shape;
  return {.cell = native_->ensure_cells(family, labels, cells), .shape = &shape};
}

void MetricRegistry::measured(Name name, MetricLabels labels, UniqueFunction<double()> measure) {
  native_->family(name, MetricType::Gauge)
      .samples.push_back({.labels = owned(labels), .cell = 0, .measure = std::move(measure)});
}

std::string MetricRegistry::expose() {
  std::vector<MetricFamily> shown;
  shown.reserve(native_->families.size());
  for (const auto& family : native_->families) {
    MetricFamily& to = shown.emplace_back();
    to.name = family->name;
    to.help = family->help;
    to.type = family->type;
    for (Sample& sample : family->samples) {
      to.metric.push_back(native_->read(*family, sample));
    }
  }
  std::ranges::sort(shown, {}, &MetricFamily::name);
  return prometheus::TextSerializer().Serialize(shown);
}

}  // namespace vallum::telemetry
