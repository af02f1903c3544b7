#pragma once

#include <string>

#include "base/result.h"
#include "config/load.h"
#include "config/settings.h"

namespace vallum::policytools {

// A configuration as the tools need it, with its policies as they were written. The error is every
// error of the load, one a line.
Result<config::Settings> load_settings(const std::string& path, const config::LoadContext& context);

}  // namespace vallum::policytools
