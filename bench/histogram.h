#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

// Latencies in log-linear buckets: 128 per octave, so any quantile is within 0.8 %.
class Histogram {
 public:
  void add(std::uint64_t nanoseconds) {
    ++counts_[index_of(nanoseconds)];
    ++total_;
    max_ = std::max(max_, nanoseconds);
  }

  // The value in microseconds that the share `p` of all samples does not exceed.
  double quantile_us(double p) const {
    const auto rank = static_cast<std::uint64_t>(p * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > rank) {
        return static_cast<double>(lower_bound_of(i)) / 1e3;
      }
    }
    return static_cast<double>(max_) / 1e3;
  }

  std::uint64_t total() const { return total_; }

 private:
  static constexpr std::size_t kPerOctave = 128;

  static std::size_t index_of(std::uint64_t value) {
    if (value < kPerOctave) {
      return value;
    }
    const auto shift = static_cast<std::size_t>(std::bit_width(value)) - 8;
    return (shift + 1) * kPerOctave + ((value >> shift) & (kPerOctave - 1));
  }

  static std::uint64_t lower_bound_of(std::size_t index) {
    if (index < kPerOctave) {
      return index;
    }
    return (kPerOctave + index % kPerOctave) << (index / kPerOctave - 1);
  }

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(58 * kPerOctave);
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace bench
