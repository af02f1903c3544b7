#include "cli/with_databroker.h"

#include <cstdio>
#include <optional>
#include <utility>

#include "cli/answer.h"

namespace vallum::cli {

Result<void> Databroker::find(const recordtools::WrittenConnection& connection) {
  std::optional<config::Settings> settings;
  if (!connection.config.empty()) {
    TRY(settings, load_settings(connection.config));
  }
  const config::Environment environment = config::Environment::of_process();
  const config::DiskFiles files;
  TRY(databroker::RecordClientOptions options,
      recordtools::find_databroker(
          connection,
          settings ? &*settings : nullptr,
          {.environment = environment, .files = files, .clock = clock, .entropy = entropy}));
  shared_secret = options.shared_secret.clone();
  TRY(client, databroker::RecordClient::make(std::move(options), clock, entropy));
  return {};
}

void say(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

int not_done(const Error& error) {
  const int code = cannot_say(error);
  return error.kind() == ErrorKind::NotFound ? 1 : code;
}

}  // namespace vallum::cli
