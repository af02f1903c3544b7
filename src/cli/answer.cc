#include "cli/answer.h"

#include <cstdio>

#include "base/time.h"
#include "policytools/load.h"

namespace vallum::cli {

void print_answer(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int cannot_say(const Error& error) {
  const std::string_view message = error.message();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
  return 2;
}

Result<config::Settings> load_settings(const std::string& file) {
  const config::Environment environment = config::Environment::of_process();
  const config::DiskFiles files;
  const SystemClock clock;
  return policytools::load_settings(
      file, {.environment = environment, .files = files, .now = clock.wall()});
}

Result<policytools::Directory> load_directory(const std::string& file) {
  if (file.empty()) {
    return policytools::Directory();
  }
  return policytools::Directory::read(file, config::DiskFiles());
}

}  // namespace vallum::cli
