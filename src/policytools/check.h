#pragma once

#include <string>

#include "config/check.h"
#include "config/load.h"

namespace vallum::policytools {

// The answer of `vallum config check FILE`: what a load says, and, of a configuration that can be
// used, what lint() says.
config::CheckAnswer check_file(const std::string& path,
                               bool strict,
                               const config::LoadContext& context);

}  // namespace vallum::policytools
