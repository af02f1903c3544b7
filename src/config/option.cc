#include "config/option.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/nearest.h"

namespace vallum::config {

namespace {

std::span<const Option> options_of(OptionScope scope) {
  return scope == OptionScope::Global ? global_options() : route_options();
}

}  // namespace

const Option* find_option(OptionScope scope, std::string_view name) {
  const std::span<const Option> options = options_of(scope);
  const auto it = std::ranges::find(options, name, &Option::name);
  return it == options.end() ? nullptr : &*it;
}

std::string_view nearest_option(OptionScope scope, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Option& option : options_of(scope)) {
    if (option.status != OptionStatus::Removed) {
      names.push_back(option.name);
    }
  }
  return nearest_name(name, names).value_or("");
}

std::string environment_name(const Option& option) {
  if (option.name == "set_response_headers") {
    return "HEADERS";
  }
  std::string name(option.name);
  std::ranges::transform(name, name.begin(), [](char c) {
    return c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return name;
}

std::string_view to_string(OptionType type) {
  static constexpr auto kNames = std::to_array<std::string_view>({"boolean",
                                                                  "text",
                                                                  "count",
                                                                  "number",
                                                                  "duration",
                                                                  "milliseconds",
                                                                  "host:port",
                                                                  "URL",
                                                                  "list",
                                                                  "mapping",
                                                                  "secret",
                                                                  "list of secrets",
                                                                  "file",
                                                                  "choice",
                                                                  "block",
                                                                  "structure"});
  return kNames[static_cast<std::size_t>(type)];
}

}  // namespace vallum::config
