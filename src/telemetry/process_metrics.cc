#include "telemetry/process_metrics.h"

#include <array>
#include <filesystem>
#include <optional>
#include <string>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "async/unique_fd.h"
#include "base/strings.h"

namespace vallum::telemetry {

namespace {

constexpr MetricLabel kService = {"service", "pomerium"};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The fields of /proc/self/statm count pages: all of the address space, then what is resident.
double pages_of_statm(std::size_t field) {
  const async::UniqueFd file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  std::array<char, 256> text{};
  const ssize_t size = file.is_open() ? ::read(file.get(), text.data(), text.size()) : 0;
  if (size <= 0) {
    return 0;
  }
  const auto fields = split({text.data(), static_cast<std::size_t>(size)}, ' ');
  const auto pages = field < fields.size() ? parse_u64(fields[field]) : std::nullopt;
  return static_cast<double>(pages.value_or(0)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
  std::error_code error;
  double count = 0;
  for (auto entry = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    ++count;
  }
  return count > 0 ? count - 1 : 0;  // the directory itself is open while it is read
}

double descriptors_max() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

void register_process_metrics(MetricRegistry& registry, const BuildFacts& build, WallTime started) {
  const std::array<MetricLabel, 4> labels = {kService,
                                             MetricLabel{"version", build.version},
                                             MetricLabel{"revision", build.revision},
                                             MetricLabel{"host", build.host}};
  registry.measured({"pomerium_build_info", "What is running"}, labels, [] { return 1.0; });
  registry.measured(
      {"process_cpu_seconds_total", "Processor time of the process"}, {}, cpu_seconds);
  registry.measured({"process_resident_memory_bytes", "Memory that is resident"}, {}, [] {
    return pages_of_statm(1);
  });
  registry.measured({"process_virtual_memory_bytes", "Address space that is mapped"}, {}, [] {
    return pages_of_statm(0);
  });
  registry.measured({"process_open_fds", "Descriptors that are open"}, {}, open_descriptors);
  registry.measured({"process_max_fds", "Descriptors that may be open"}, {}, descriptors_max);
  registry.measured({"process_start_time_seconds", "When the process started, in Unix time"},
                    {},
                    [started] { return static_cast<double>(unix_seconds(started)); });
}

ConfigMetrics::ConfigMetrics(MetricRegistry& registry, std::size_t shard)
    : shard_(registry.shard(shard)),
      success_(registry.gauge(
          {"pomerium_config_last_reload_success", "Whether the last configuration was accepted"},
          {&kService, 1})),
      success_time_(registry.gauge({"pomerium_config_last_reload_success_timestamp",
                                    "When a configuration was last accepted, in Unix time"},
                                   {&kService, 1})),
      routes_(registry.gauge({"pomerium_policy_count_total", "Routes of the configuration file"},
                             {&kService, 1})) {}

void ConfigMetrics::loaded(WallTime now, std::size_t routes) {
  shard_.set(success_, 1);
  shard_.set(success_time_, unix_seconds(now));
  shard_.set(routes_, static_cast<std::int64_t>(routes));
}

void ConfigMetrics::failed() {
  shard_.set(success_, 0);
}

}  // namespace vallum::telemetry
