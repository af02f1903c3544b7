#include "route/path_index.h"

#include <algorithm>
#include <tuple>

namespace vallum::route {

void PathIndex::add_path(std::string_view path, RouteIndex route) {
  paths_.try_emplace(std::string(path), route);  // the first in file order stays
}

void PathIndex::add_prefix(std::string_view prefix, RouteIndex route) {
  prefixes_.push_back({.text = std::string(prefix), .route = route, .parent = kNone});
}

void PathIndex::finish() {
  std::ranges::sort(prefixes_, [](const Prefix& a, const Prefix& b) {
    return std::tie(a.text, a.route) < std::tie(b.text, b.route);
  });
  const auto repeated = std::ranges::unique(prefixes_, {}, &Prefix::text);
  prefixes_.erase(repeated.begin(), repeated.end());
  for (std::uint32_t at = 1; at < prefixes_.size(); ++at) {
    // Whatever begins this text begins the one before it or is that one.
    std::uint32_t parent = at - 1;
    while (parent != kNone && !prefixes_[at].text.starts_with(prefixes_[parent].text)) {
      parent = prefixes_[parent].parent;
    }
    prefixes_[at].parent = parent;
    if (parent != kNone) {
      prefixes_[at].route = std::min(prefixes_[at].route, prefixes_[parent].route);
    }
  }
}

RouteIndex PathIndex::find(std::string_view path) const {
  RouteIndex found = kNoRoute;
  if (!paths_.empty()) {
    const auto exact = paths_.find(path);
    if (exact != paths_.end()) {
      found = exact->second;
    }
  }
  // The longest prefix of `path` is the last text that is not above it, or begins that one.
  const auto above = std::ranges::upper_bound(
      prefixes_, path, {}, [](const Prefix& prefix) { return std::string_view(prefix.text); });
  auto at = static_cast<std::uint32_t>(above - prefixes_.begin()) - 1;  // kNone below the first
  while (at != kNone && !path.starts_with(prefixes_[at].text)) {
    at = prefixes_[at].parent;
  }
  return at == kNone ? found : std::min(found, prefixes_[at].route);
}

}  // namespace vallum::route
