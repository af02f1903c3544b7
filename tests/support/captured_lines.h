#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "telemetry/log.h"

namespace vallum::testing {

// Keeps what a Log wrote. For modules that link telemetry.
class CapturedLines final : public telemetry::LineSink {
 public:
  void write_line(std::string_view line) override { lines_.emplace_back(line); }

  const std::vector<std::string>& lines() const { return lines_; }
  std::string text() const {
    std::string all;
    for (const std::string& line : lines_) {
      all += line;
    }
    return all;
  }

 private:
  std::vector<std::string> lines_;
};

}  // namespace vallum::testing
