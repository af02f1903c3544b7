#include "process_tree.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <dirent.h>
#include <unistd.h>

namespace bench {
namespace {

struct Stat {
  int parent = 0;
  unsigned long ticks = 0;
  bool valid = false;
};

Stat read_stat(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) {
    return {};
  }
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  Stat stat;
  fields >> skipped >> stat.parent;
  for (int i = 0; i < 9; ++i) {
    fields >> skipped;
  }
  unsigned long user = 0;
  unsigned long system = 0;
  fields >> user >> system;
  stat.ticks = user + system;
  stat.valid = !fields.fail();
  return stat;
}

long read_pss_kb(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/smaps_rollup");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("Pss:")) {
      return std::strtol(line.c_str() + 4, nullptr, 10);
    }
  }
  return 0;
}

std::vector<std::string> process_ids() {
  std::vector<std::string> ids;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) {
    return ids;
  }
  while (const dirent* entry = readdir(proc)) {
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') {
      ids.emplace_back(entry->d_name);
    }
  }
  closedir(proc);
  return ids;
}

}  // namespace

Usage usage_of_tree(int root, Memory memory) {
  std::multimap<int, int> children;
  std::map<int, unsigned long> ticks;
  for (const std::string& id : process_ids()) {
    const Stat stat = read_stat(id);
    if (stat.valid) {
      const int pid = std::atoi(id.c_str());
      children.emplace(stat.parent, pid);
      ticks[pid] = stat.ticks;
    }
  }
  Usage usage;
  std::vector<int> todo{root};
  while (!todo.empty()) {
    const int pid = todo.back();
    todo.pop_back();
    usage.cpu_seconds +=
        static_cast<double>(ticks[pid]) / static_cast<double>(sysconf(_SC_CLK_TCK));
    if (memory == Memory::Read) {
      usage.pss_kb += read_pss_kb(std::to_string(pid));
    }
    const auto [first, last] = children.equal_range(pid);
    for (auto child = first; child != last; ++child) {
      todo.push_back(child->second);
    }
  }
  return usage;
}

}  // namespace bench
