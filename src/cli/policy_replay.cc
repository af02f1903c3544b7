#include <optional>

#include "cli/answer.h"
#include "cli/commands.h"
#include "policytools/line_reader.h"
#include "policytools/replay.h"

namespace vallum::cli {

namespace {

Result<bool> replay_lines(const ReplayArguments& arguments) {
  TRY(const config::Settings settings, load_settings(arguments.config));
  TRY(const policytools::Directory directory, load_directory(arguments.directory));
  TRY(policytools::Replay replay, policytools::Replay::make(settings, directory));
  Result<policytools::LineReader> lines = policytools::LineReader::open(arguments.log);
  if (!lines) {
    return fail(lines.error().with_context(arguments.log));
  }
  while (true) {
    const Result<std::optional<policytools::Line>> line = lines->next();
    if (!line) {
      return fail(line.error().with_context(arguments.log));
    }
    if (!*line) {
      break;
    }
    replay.add(**line);
  }
  print_answer(replay.report(arguments.log));
  return replay.counts().gains + replay.counts().losses == 0;
}

}  // namespace

int replay_log(const ReplayArguments& arguments) {
  const Result<bool> unchanged = replay_lines(arguments);
  if (!unchanged) {
    return cannot_say(unchanged.error());
  }
  return *unchanged ? 0 : 1;
}

}  // namespace vallum::cli
