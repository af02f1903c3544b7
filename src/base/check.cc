#include "base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace vallum {

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
  std::abort();
}

void report_bug(const char* file, int line, std::string_view text) {
  // A broken assumption on a hot path must not become a log flood: the first few are enough to find
  // it.
  static std::atomic<int> reports{0};
  if (reports.fetch_add(1, std::memory_order_relaxed) < 100) {
    std::fprintf(
        stderr, "%s:%d: BUG: %.*s\n", file, line, static_cast<int>(text.size()), text.data());
  }
}

}  // namespace vallum
