#include "config/environment.h"

#include <unistd.h>

#include "base/strings.h"

namespace vallum::config {

Environment Environment::of_process() {
  std::map<std::string, std::string, std::less<>> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return Environment(std::move(variables));
}

const std::string* Environment::find(std::string_view name) const {
  const auto it = variables_.find(name);
  return it == variables_.end() || it->second.empty() ? nullptr : &it->second;
}

}  // namespace vallum::config
