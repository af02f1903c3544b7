#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "config/diagnostic.h"
#include "config/environment.h"
#include "config/files.h"
#include "config/settings.h"

namespace vallum::config {

enum class Format : std::uint8_t { Yaml, Json };

// What a load may look at besides the text itself. All must outlive the call.
struct LoadContext {
  const Environment& environment;
  const Files& files;
  WallTime now;  // for certificates that are no longer, or not yet, valid
  // Keep the rules as written beside the programs. A server needs them never, a tool that explains
  // them does.
  bool keep_written_policies = false;
};

// Settings when nothing was wrong enough to refuse them, and everything there is to say, in the
// order of the text.
struct Loaded {
  std::optional<Settings> settings;
  Diagnostics diagnostics;
};

// Reads a configuration: the text, over it the environment (1.5), under both the defaults of the
// table. Reports all problems at once. `name` stands before positions.
Loaded load_text(std::string_view text,
                 Format format,
                 std::string name,
                 const LoadContext& context);

// The same from a file, whose extension tells the format: yaml, yml or json. An empty path means
// the environment alone.
Loaded load_file(const std::string& path, const LoadContext& context);

}  // namespace vallum::config
