#pragma once

#include <string>

#include "config/load.h"

namespace vallum::config {

// The answer of `vallum config check FILE`.
struct CheckAnswer {
  int exit_code = 0;  // 1 with errors, 0 with warnings only
  std::string text;   // one line for each diagnostic, and a line that counts them
};

// Strict: unknown keys are errors.
CheckAnswer check_file(const std::string& path, bool strict, const LoadContext& context);

}  // namespace vallum::config
