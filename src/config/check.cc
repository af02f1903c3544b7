#include "config/check.h"

namespace vallum::config {

namespace {

std::string counted(std::size_t count, std::string_view what) {
  return std::to_string(count).append(" ").append(what).append(count == 1 ? "" : "s");
}

}  // namespace

CheckAnswer answer_check(const std::string& path, const Diagnostics& diagnostics, bool strict) {
  CheckAnswer answer;
  std::size_t errors = 0;
  std::size_t unknown = 0;
  std::size_t warnings = 0;
  for (const Diagnostic& diagnostic : diagnostics) {
    Diagnostic shown = diagnostic;
    errors += diagnostic.severity == Severity::Error ? 1U : 0U;
    unknown += diagnostic.severity == Severity::UnknownKey ? 1U : 0U;
    if (diagnostic.severity == Severity::Warning) {
      ++warnings;
      shown.message.insert(0, "warning: ");
    }
    answer.text.append(shown.text()).append("\n");
  }
  answer.text.append(path).append(": ").append(counted(errors, "error"));
  answer.text.append(", ").append(counted(unknown, "unknown option"));
  answer.text.append(", ").append(counted(warnings, "warning")).append("\n");
  answer.exit_code = errors != 0 || (strict && unknown != 0) ? 1 : 0;
  return answer;
}

}  // namespace vallum::config
