#include <vector>

#include "cli/answer.h"
#include "cli/commands.h"
#include "policytools/access.h"

namespace vallum::cli {

namespace {

Result<bool> show(const AccessArguments& arguments) {
  TRY(const config::Settings settings, load_settings(arguments.config));
  TRY(const policytools::Directory directory, load_directory(arguments.directory));
  const auto access = policytools::access_of(settings, directory);
  if (arguments.against.empty()) {
    print_answer(policytools::access_text(access));
    return true;
  }
  TRY(const config::Settings before, load_settings(arguments.against));
  const std::string difference =
      policytools::access_difference(policytools::access_of(before, directory), access);
  print_answer(difference.empty() ? "nothing changes\n" : difference);
  return difference.empty();
}

}  // namespace

int show_access(const AccessArguments& arguments) {
  const Result<bool> unchanged = show(arguments);
  if (!unchanged) {
    return cannot_say(unchanged.error());
  }
  return *unchanged ? 0 : 1;
}

}  // namespace vallum::cli
