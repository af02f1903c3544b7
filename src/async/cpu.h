#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace vallum::async {

// The CPUs this process may run on, by its affinity mask, ascending. Never empty.
std::vector<unsigned> usable_cpus();

// How many cores to start: one per usable CPU, but no more than the cgroup's CPU quota pays for,
// rounded up; at least one.
unsigned default_core_count();

// The CPUs' worth that the text of a cgroup v2 `cpu.max` file ("QUOTA PERIOD" or "max PERIOD")
// allows, rounded up; nullopt when it sets no limit or cannot be read.
std::optional<unsigned> parse_cpu_quota(std::string_view text);

}  // namespace vallum::async
