#pragma once

#include <string>
#include <string_view>

#include "base/entropy.h"
#include "base/result.h"
#include "base/secret.h"
#include "config/environment.h"
#include "config/settings.h"

namespace vallum::config {

// Where the process keeps what must survive a restart: $STATE_DIRECTORY (its first entry),
// $XDG_STATE_HOME/vallum, or $HOME/.local/state/vallum. Fails when none of them is set.
Result<std::string> find_state_directory(const Environment& environment);

// Makes the directory and those above it, for the owner alone. What exists keeps its mode.
Result<void> ensure_directory(const std::string& path);

// 32 random bytes that are the same at every start: read from `name` in the directory, or made and
// kept there for the owner alone. Refuses a file that others can read, and one that does not hold
// 32 bytes as base64. Two processes that start at once get the same secret. Blocks.
Result<Secret> load_or_create_secret(const std::string& directory,
                                     std::string_view name,
                                     Entropy& entropy);

// The secret that a process keeps there, for tools beside it; nothing is made. Blocks.
Result<Secret> load_secret(const std::string& directory, std::string_view name);

// Gives settings without shared_secret or cookie_secret those of the state directory.
Result<void> fill_missing_secrets(Settings& settings,
                                  const std::string& directory,
                                  Entropy& entropy);

}  // namespace vallum::config
