#include "proxy/route.h"

#include <algorithm>

#include "base/strings.h"

namespace vallum::proxy {

namespace {

char fold(char c) {
  const char lower = ascii_lower(c);
  return is_ascii_alpha(lower) || is_ascii_digit(lower) ? lower : '-';
}

bool equals_folded(std::string_view folded, std::string_view name) {
  return std::ranges::equal(folded, name, [](char a, char b) { return a == fold(b); });
}

}  // namespace

NameSet::NameSet(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    std::string folded(name);
    std::ranges::transform(folded, folded.begin(), fold);
    folded_.push_back(std::move(folded));
  }
}

bool NameSet::contains(std::string_view name) const {
  return std::ranges::any_of(
      folded_, [name](const std::string& folded) { return equals_folded(folded, name); });
}

}  // namespace vallum::proxy
