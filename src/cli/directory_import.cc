#include <string>
#include <utility>

#include "cli/answer.h"
#include "cli/record_commands.h"
#include "cli/with_databroker.h"
#include "recordtools/directory_file.h"
#include "recordtools/directory_plan.h"

namespace vallum::cli {

namespace {

int carry_out(databroker::RecordClient& client,
              const recordtools::DirectoryPlan& plan,
              const ImportArguments& arguments) {
  for (const std::string& warning : plan.warnings) {
    say(warning + "\n");
  }
  if (plan.drops_too_many() && !arguments.force) {
    say("nothing was written: " + arguments.file + " would end " +
        std::to_string(plan.memberships_dropped) + " of " + std::to_string(plan.memberships) +
        " memberships, more than 20 %: if that is meant, write --force\n");
    return 1;
  }
  if (!arguments.dry_run) {
    if (const auto written = recordtools::write_import(client, plan); !written) {
      return cannot_say(written.error());
    }
  }
  print_answer((arguments.dry_run ? "dry run, nothing was written: " : "") + plan.summary());
  return 0;
}

}  // namespace

int import_directory(const recordtools::WrittenConnection& connection,
                     const ImportArguments& arguments) {
  auto file = recordtools::read_directory_file(arguments.file);
  if (!file) {
    return cannot_say(file.error());
  }
  Databroker databroker;
  if (const auto found = databroker.find(connection); !found) {
    return cannot_say(found.error());
  }
  const auto plan = recordtools::plan_import(*databroker.client, *std::move(file));
  return plan ? carry_out(*databroker.client, *plan, arguments) : cannot_say(plan.error());
}

}  // namespace vallum::cli
