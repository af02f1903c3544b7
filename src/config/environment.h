#pragma once

#include <map>
#include <string>
#include <string_view>

namespace vallum::config {

// The environment variables a configuration may come from. A variable that is set to the empty
// string counts as unset (configuration specification 1.4).
class Environment {
 public:
  Environment() = default;
  explicit Environment(std::map<std::string, std::string, std::less<>> variables)
      : variables_(std::move(variables)) {}

  // A copy of the process's own.
  static Environment of_process();

  // Null when unset or empty.
  const std::string* find(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> variables_;
};

}  // namespace vallum::config
