#pragma once

#include <string_view>

#include "base/time.h"
#include "telemetry/metrics.h"

namespace vallum::telemetry {

struct BuildFacts {
  std::string_view version;   // "0.1.0"
  std::string_view revision;  // of the source; "" when unknown
  std::string_view host;
};

// What the operating system says of this process, asked at each exposition, and what was built:
// pomerium_build_info and the customary process_* figures.
void register_process_metrics(MetricRegistry& registry, const BuildFacts& build, WallTime started);

// How loading the configuration went (configuration specification 6.1). Control thread.
class ConfigMetrics {
 public:
  ConfigMetrics(MetricRegistry& registry, std::size_t shard);

  // `routes` are those of the file.
  void loaded(WallTime now, std::size_t routes);
  // The old configuration stays.
  void failed();

 private:
  MetricShard& shard_;
  Gauge success_;
  Gauge success_time_;
  Gauge routes_;
};

}  // namespace vallum::telemetry
