#include <cstdio>
#include <utility>

#include "base/time.h"
#include "config/load.h"
#include "config/state_directory.h"
#include "server/run.h"
#include "server/server.h"

namespace vallum::server {

int run_configured(const std::string& file, unsigned cores) {
  const config::Environment environment = config::Environment::of_process();
  Result<std::string> state = config::find_state_directory(environment);
  if (!state) {
    std::fprintf(stderr,
                 "%.*s\n",
                 static_cast<int>(state.error().message().size()),
                 state.error().message().data());
    return 1;
  }
  ServerOptions options;
  options.state_directory = *std::move(state);
  options.cores = cores;
  options.load = [file]() -> Result<LoadedConfiguration> {
    const config::Environment variables = config::Environment::of_process();
    const config::DiskFiles files;
    const SystemClock clock;
    config::Loaded loaded =
        config::load_file(file, {.environment = variables, .files = files, .now = clock.wall()});
    return report_loaded(std::move(loaded));
  };
  return run_server(std::move(options));
}

}  // namespace vallum::server
