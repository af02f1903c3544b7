#include "http/message.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"
#include "http/syntax/fields.h"

namespace vallum::http {
namespace {

std::string without_controls(std::string_view value) {
  std::string clean(value);
  std::erase_if(clean, [](char c) { return !is_field_value(std::string_view(&c, 1)); });
  return clean;
}

}  // namespace

void Headers::add(std::string_view name, std::string_view value) {
  DCHECK(is_token(name));
  lines_.push_back({.name = std::string(name), .value = without_controls(trim_ows(value))});
}

void Headers::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void Headers::remove(std::string_view name) {
  std::erase_if(lines_, [name](const Line& line) { return iequals(line.name, name); });
}

const std::string* Headers::find(std::string_view name) const {
  const auto line = std::ranges::find_if(
      lines_, [name](const Line& candidate) { return iequals(candidate.name, name); });
  return line == lines_.end() ? nullptr : &line->value;
}

std::string_view Headers::value(std::string_view name) const {
  const std::string* found = find(name);
  return found == nullptr ? std::string_view() : std::string_view(*found);
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(lines_, [name](const Line& line) { return iequals(line.name, name); }));
}

}  // namespace vallum::http
