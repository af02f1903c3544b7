#include "async/cpu.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include <sched.h>

#include "base/strings.h"

namespace vallum::async {
namespace {

std::string read_small_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The path of our group in the unified hierarchy: the line "0::/path" of /proc/self/cgroup.
std::string own_cgroup() {
  const std::string text = read_small_file("/proc/self/cgroup");
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("0::")) {
      return std::string(line.substr(3));
    }
  }
  return "/";
}

}  // namespace

std::vector<unsigned> usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) {
        cpus.push_back(cpu);
      }
    }
  }
  if (cpus.empty()) {
    cpus.push_back(0);
  }
  return cpus;
}

std::optional<unsigned> parse_cpu_quota(std::string_view text) {
  const std::vector<std::string_view> words = split(trim_space(text), ' ');
  if (words.size() != 2) {
    return std::nullopt;
  }
  const std::optional<std::uint64_t> quota = parse_u64(words[0]);
  const std::optional<std::uint64_t> period = parse_u64(words[1]);
  if (!quota || !period || *period == 0 || *quota > *period * CPU_SETSIZE) {
    return std::nullopt;
  }
  return static_cast<unsigned>(std::max<std::uint64_t>(1, (*quota + *period - 1) / *period));
}

unsigned default_core_count() {
  auto count = static_cast<unsigned>(usable_cpus().size());
  // A quota of any group above ours holds too; inside a container ours is the root of the mount.
  std::string group = own_cgroup();
  for (;;) {
    const std::string file =
        "/sys/fs/cgroup" + group + (group.ends_with('/') ? "" : "/") + "cpu.max";
    if (const auto quota = parse_cpu_quota(read_small_file(file))) {
      count = std::min(count, *quota);
    }
    const std::size_t slash = group.find_last_of('/');
    if (group.size() <= 1 || slash == std::string::npos) {
      return std::max(1U, count);
    }
    group.resize(std::max<std::size_t>(slash, 1));
  }
}

}  // namespace vallum::async
