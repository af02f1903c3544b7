#include "config/choice.h"

#include <algorithm>

#include "base/strings.h"

namespace vallum::config {

namespace {

std::string_view shared_prefix(std::span<const std::string_view> names) {
  if (names.size() < 2) {
    return {};
  }
  std::string_view prefix = names.front();
  for (const std::string_view name : names) {
    const auto [at, unused] = std::ranges::mismatch(prefix, name);
    prefix = prefix.substr(0, static_cast<std::size_t>(at - prefix.begin()));
  }
  return prefix;
}

bool iends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && iequals(text.substr(text.size() - end.size()), end);
}

}  // namespace

std::optional<std::size_t> match_choice(std::string_view text,
                                        std::span<const std::string_view> names) {
  if (text.empty()) {
    return 0;
  }
  const std::size_t prefix = shared_prefix(names).size();
  const std::string behind_underscore = "_" + std::string(text);
  const auto index_of = [&](auto matches) -> std::optional<std::size_t> {
    const auto it = std::ranges::find_if(names, matches);
    return it == names.end() ? std::nullopt
                             : std::optional(static_cast<std::size_t>(it - names.begin()));
  };
  if (const auto full = index_of([&](std::string_view n) { return iequals(n, text); })) {
    return full;
  }
  if (const auto bare =
          index_of([&](std::string_view n) { return iequals(n.substr(prefix), text); })) {
    return bare;
  }
  return index_of([&](std::string_view n) { return iends_with(n, behind_underscore); });
}

std::string usual_spelling(std::string_view name, std::span<const std::string_view> names) {
  return to_lower(name.substr(shared_prefix(names).size()));
}

}  // namespace vallum::config
