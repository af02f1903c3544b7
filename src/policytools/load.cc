#include "policytools/load.h"

#include <utility>

namespace vallum::policytools {

Result<config::Settings> load_settings(const std::string& path,
                                       const config::LoadContext& context) {
  config::LoadContext keeping = context;
  keeping.keep_written_policies = true;
  config::Loaded loaded = config::load_file(path, keeping);
  if (loaded.settings) {
    return *std::move(loaded.settings);
  }
  std::string errors;
  for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
    if (diagnostic.severity == config::Severity::Error) {
      errors.append(errors.empty() ? "" : "\n").append(diagnostic.text());
    }
  }
  return fail(ErrorKind::InvalidInput, std::move(errors));
}

}  // namespace vallum::policytools
