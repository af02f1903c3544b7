#pragma once

#include <string>

#include "config/diagnostic.h"

namespace vallum::config {

// The answer of `vallum config check FILE`.
struct CheckAnswer {
  int exit_code = 0;  // 1 with errors, 0 with warnings only
  std::string text;   // one line for each diagnostic, and a line that counts them
};

// About what a load of the file said. Strict: unknown keys are errors.
CheckAnswer answer_check(const std::string& path, const Diagnostics& diagnostics, bool strict);

}  // namespace vallum::config
