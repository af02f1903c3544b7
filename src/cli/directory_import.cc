#include <string>
#include <utility>

#include "cli/answer.h"
#include "cli/record_commands.h"
#include "cli/with_databroker.h"
#include "recordtools/directory_file.h"
#include "recordtools/directory_plan.h"

namespace vallum::cli {

namespace {

int say_plan(const recordtools::DirectoryPlan& plan, const ImportArguments& arguments) {
  for (const std::string& warning : plan.warnings) {
    say(warning + "\n");
  }
  if (plan.drops_too_many() && !arguments.force) {
    say("nothing was written: " + arguments.file + " would end " +
        std::to_string(plan.memberships_dropped) + " of " + std::to_string(plan.memberships) +
        " memberships, more than 20 %: if that is meant, write --force\n");
    return 1;
  }
  return 0;
}

int try_import(databroker::RecordClient& client,
               recordtools::DirectoryFile file,
               const ImportArguments& arguments) {
  const auto plan = recordtools::plan_import(client, std::move(file));
  if (!plan) {
    return cannot_say(plan.error());
  }
  const int code = say_plan(*plan, arguments);
  if (code == 0) {
    print_answer("dry run, nothing was written: " + plan->summary());
  }
  return code;
}

int do_import(databroker::RecordClient& client,
              recordtools::DirectoryFile file,
              const ImportArguments& arguments) {
  const auto turn = recordtools::ImportTurn::take(client);
  if (!turn) {
    return cannot_say(turn.error());
  }
  auto plan = recordtools::plan_import(client, std::move(file));
  if (!plan) {
    return cannot_say(plan.error());
  }
  if (const int code = say_plan(*plan, arguments); code != 0) {
    return code;
  }
  const std::string summary = plan->summary();
  if (const auto written = (*turn)->write(*std::move(plan)); !written) {
    return cannot_say(written.error());
  }
  print_answer(summary);
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
  return arguments.dry_run ? try_import(*databroker.client, *std::move(file), arguments)
                           : do_import(*databroker.client, *std::move(file), arguments);
}

}  // namespace vallum::cli
