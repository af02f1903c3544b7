#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_function.h"
#include "config/load.h"
#include "config/settings.h"
#include "http/message.h"
#include "net/socket_address.h"

namespace vallum::server {

// A configuration that can be used, and what in it nobody understood.
struct LoadedConfiguration {
  config::Settings settings;
  // One line each, shown by /status.
  std::vector<std::string> unknown_keys;
};

// What a process is started with.
struct ServerOptions {
  // Loads the configuration, at start and at each reload. Reports everything there is to say
  // itself.
  UniqueFunction<Result<LoadedConfiguration>()> load;
  std::string state_directory;
  // Data cores; 0: as many as the machine has for us.
  unsigned cores = 0;
  // A plain server of ours on loopback, for `vallum dev`.
  struct Embedded {
    net::SocketAddress address;
    UniqueFunction<http::Response(const http::Request&)> handler;
  };
  std::vector<Embedded> embedded;
  // Called once everything listens.
  UniqueFunction<void(const std::vector<net::SocketAddress>& listeners)> started;
};

// Writes every diagnostic of a load to standard error. Fails when there are no settings.
Result<LoadedConfiguration> report_loaded(config::Loaded loaded);

// Runs until SIGTERM or SIGINT, then lets what is under way end. SIGHUP loads the configuration
// anew. Returns the exit code; what went wrong is on standard error. Call it once, on the main
// thread, before any other thread exists.
int run_server(ServerOptions options);

}  // namespace vallum::server
