#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_function.h"

namespace vallum::telemetry {

struct MetricLabel {
  std::string_view name;
  std::string_view value;
};
using MetricLabels = std::span<const MetricLabel>;

// Handles: copied freely, valid as long as the registry that made them.
struct Counter {
  std::uint32_t cell = 0;
};
struct Gauge {
  std::uint32_t cell = 0;
};

// Upper bounds in the unit that is observed, ascending, with static storage; `scale` turns that
// unit into the one that is shown.
struct HistogramShape {
  std::span<const std::uint64_t> bounds;
  double scale = 1;
};
struct Histogram {
  std::uint32_t cell = 0;  // the sum; then one cell per bound; then one for what is above all
  const HistogramShape* shape = nullptr;
};

// The shape of every latency: observed in microseconds, shown in milliseconds.
const HistogramShape& latency_shape();

// The cells that one thread writes. A cell is a relaxed atomic with one writer, which costs what a
// plain integer does and lets the exposition read it from another thread.
class MetricShard {
 public:
  MetricShard();
  MetricShard(const MetricShard&) = delete;
  MetricShard& operator=(const MetricShard&) = delete;

  void add(Counter counter, std::uint64_t n = 1) { raise(counter.cell, n); }
  // A gauge is the sum over all threads: each adds and takes away what is its own.
  void add(Gauge gauge, std::int64_t n) { raise(gauge.cell, static_cast<std::uint64_t>(n)); }
  void set(Gauge gauge, std::int64_t n) {
    cell(gauge.cell).store(static_cast<std::uint64_t>(n), std::memory_order_relaxed);
  }
  void observe(Histogram histogram, std::uint64_t value);

 private:
  friend class MetricRegistry;
  using Cell = std::atomic<std::uint64_t>;
  static constexpr std::size_t kBlockCells = 1024;
  static constexpr std::size_t kBlocksMax = 1024;
  using Block = std::array<Cell, kBlockCells>;

  Cell& cell(std::uint32_t index) { return (*blocks_[index / kBlockCells])[index % kBlockCells]; }
  std::uint64_t read(std::uint32_t index) const {
    return (*blocks_[index / kBlockCells])[index % kBlockCells].load(std::memory_order_relaxed);
  }
  void raise(std::uint32_t index, std::uint64_t n) {
    Cell& c = cell(index);
    c.store(c.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  // Blocks never move and are added before a handle into them exists.
  std::array<std::unique_ptr<Block>, kBlocksMax> blocks_;
};

// Every metric of the process:
//
//   MetricRegistry registry(1 + cores);                       // control thread
//   const Counter denied = registry.counter({"name", "help"}, labels);
//   registry.shard(1 + core).add(denied);                     // that core, any time
//   registry.expose();                                        // control thread
//
// The same name and labels give the same handle, so a reload goes on counting. Past the limit of
// cells new metrics share one cell that is not shown, and vallum_metrics_refused counts them.
class MetricRegistry {
 public:
  struct Name {
    std::string_view name;
    std::string_view help;
  };

  explicit MetricRegistry(std::size_t shards);
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;
  ~MetricRegistry();

  Counter counter(Name name, MetricLabels labels = {});
  Gauge gauge(Name name, MetricLabels labels = {});
  // `shape` must have static storage.
  Histogram histogram(Name name, const HistogramShape& shape, MetricLabels labels = {});
  // A gauge whose value is asked for at each exposition, on the thread that exposes.
  void measured(Name name, MetricLabels labels, UniqueFunction<double()> measure);

  MetricShard& shard(std::size_t index) { return *shards_[index]; }
  std::size_t shards() const { return shards_.size(); }

  // The text format of Prometheus.
  std::string expose();

 private:
  struct Native;

  std::vector<std::unique_ptr<MetricShard>> shards_;
  std::unique_ptr<Native> native_;
};

}  // namespace vallum::telemetry
