#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "async/snapshot.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/time.h"
#include "config/settings.h"
#include "proxy/generation.h"

namespace vallum::server {

// What a generation is made of besides the settings.
struct GenerationContext {
  std::uint64_t number = 1;
  // Cores that share the limit of connections.
  unsigned cores = 1;
  WallTime now;
  // For the certificate that everybody gets when none is configured.
  Entropy& entropy;
  // Off in simulations, which run above the TLS stream.
  bool speaks_tls = true;
};

// Everything that requests depend on, from settings that were loaded and checked. Reads no file but
// the system's trusted authorities. Fails with text that names the option.
Result<async::Snapshot<proxy::Generation>> build_generation(
    const async::Snapshot<config::Settings>& settings,
    const GenerationContext& context,
    std::vector<std::string>* warnings);

}  // namespace vallum::server
