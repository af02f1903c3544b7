#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/time.h"

namespace vallum::authenticate {

// Remembers what may be used once, for as long as it could be used at all. Bounded: when it is full
// of things that are still usable it takes nothing more, and whoever asked refuses, because
// forgetting would let a replay through.
class ReplayGuard {
 public:
  ReplayGuard(Duration lifetime, std::size_t entries_max)
      : lifetime_(lifetime), entries_max_(entries_max) {}

  // Returns whether this is its first use.
  bool take(std::string_view token, Instant now);
  // It was taken and came to nothing: it may be used again.
  void give_back(std::string_view token);
  std::size_t size() const { return seen_.size(); }

 private:
  Duration lifetime_;
  std::size_t entries_max_;
  std::unordered_set<std::string> seen_;
  std::deque<std::pair<Instant, std::string>> by_age_;
};

}  // namespace vallum::authenticate
