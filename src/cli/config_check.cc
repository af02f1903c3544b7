#include <cstdio>

#include "base/time.h"
#include "cli/commands.h"
#include "policytools/check.h"

namespace vallum::cli {

int check_config(const std::string& file, bool strict) {
  const config::Environment environment = config::Environment::of_process();
  const config::DiskFiles files;
  const SystemClock clock;
  const config::CheckAnswer answer = policytools::check_file(
      file, strict, {.environment = environment, .files = files, .now = clock.wall()});
  std::fputs(answer.text.c_str(), stdout);
  return answer.exit_code;
}

}  // namespace vallum::cli
