#pragma once

#include <span>
#include <string>

namespace vallum::server {

// Each runs until SIGTERM or SIGINT and returns the exit code; what went wrong is on standard
// error. On the main thread, before any other exists. `cores` 0: as many as the machine has for us.

// With a configuration file; without one ("") from environment variables alone.
int run_configured(const std::string& file, unsigned cores);

// `vallum dev`: with an identity provider, an application and certificates of its own, on loopback.
// `arguments` as main() got them.
int run_development(std::span<const char* const> arguments, unsigned cores);

}  // namespace vallum::server
