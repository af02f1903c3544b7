#include <span>

#include "cli/commands.h"
#include "server/run.h"

int main(int argc, char** argv) {
  return vallum::cli::run(std::span<const char* const>(argv, static_cast<std::size_t>(argc)),
                          {.configured = vallum::server::run_configured,
                           .development = vallum::server::run_development});
}
